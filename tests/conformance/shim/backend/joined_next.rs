//! pollback on rustls 0.24: a connector, and the two ways in which a server can accept a stream.

use std::any::Any;
use std::sync::Arc;

use pollback::next::rustls::{ClientConfig, ClientSide, ServerConfig, ServerSide};
use pollback::next::{
    Connection, LazyConfigAcceptor, Options, ReadHalf, TlsAcceptor, TlsConnector, TlsStream,
    WriteHalf,
};
use rustls::pki_types::ServerName;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

use super::{Conversation, Halves, Opened, ReadingHalf, WritingHalf};
use crate::transport::Transport;

pub(super) async fn connect(
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
    transport: Transport,
    options: Options,
) -> Opened {
    let early_data = config.enable_early_data;
    let connector = TlsConnector::from(config)
        .early_data(early_data)
        .with_options(options);
    Ok(Box::new(connector.connect(name, transport).await?))
}

pub(super) async fn accept(
    config: Arc<ServerConfig>,
    transport: Transport,
    options: Options,
    early_data: bool,
) -> Opened {
    let acceptor = TlsAcceptor::from(config)
        .early_data(early_data)
        .with_options(options);
    Ok(Box::new(acceptor.accept(transport).await?))
}

pub(super) async fn accept_lazily(
    config: Arc<ServerConfig>,
    transport: Transport,
    options: Options,
    early_data: bool,
) -> Opened {
    let start = LazyConfigAcceptor::new(transport).await?;
    let accept = start.into_stream(config).early_data(early_data);
    Ok(Box::new(accept.with_options(options).await?))
}

/// A connection whose stream has owned halves.
pub(super) trait Divide: Sized {
    fn into_halves(stream: pollback::stream::TlsStream<Transport, Self>) -> Halves;
}

/// Implemented for both sides, since pollback has no name for what they have in common.
macro_rules! halves {
    ($side:ty) => {
        impl Divide for Connection<$side> {
            fn into_halves(stream: TlsStream<Transport, $side>) -> Halves {
                let halves = stream.into_split_with(Transport::into_split);
                let Ok((reader, writer)) = halves else {
                    unreachable!("the handshake is over");
                };
                (Box::new(reader), Box::new(writer))
            }
        }

        impl ReadingHalf for ReadHalf<OwnedReadHalf, OwnedWriteHalf, $side> {
            fn unite(self: Box<Self>, writer: Box<dyn WritingHalf>) -> Box<dyn Conversation> {
                let Ok(writer) = writer.into_any().downcast::<WriteHalf<_, $side>>() else {
                    unreachable!("it comes from the same stream");
                };
                let Ok(stream) = self.unsplit_with(*writer, Transport::unsplit) else {
                    unreachable!("it comes from the same stream");
                };
                Box::new(stream)
            }
        }

        impl WritingHalf for WriteHalf<OwnedWriteHalf, $side> {
            fn into_any(self: Box<Self>) -> Box<dyn Any> {
                self
            }
        }
    };
}

halves!(ClientSide);
halves!(ServerSide);
