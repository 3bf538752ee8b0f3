//! pollback: a connector, and the four ways in which a server can accept a stream.

use std::io;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::{StreamExt, stream};
use pollback::hello;
use pollback::listener::{Connection, SharedConfig, TlsListener, Transports};
use pollback::stream::TlsStream;
use pollback::{LazyConfigAcceptor, Options, TlsAcceptor, TlsConnector};
use rustls::pki_types::ServerName;
use rustls::server::Acceptor;
use rustls::{ClientConfig, ServerConfig};

use super::facts::Facts;
use super::{Conversation, Halves, Negotiated, Opened};
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
    let start = LazyConfigAcceptor::new(Acceptor::default(), transport).await?;
    let accept = start.into_stream(config).early_data(early_data);
    Ok(Box::new(accept.with_options(options).await?))
}

pub(super) async fn peek(
    config: Arc<ServerConfig>,
    transport: Transport,
    options: Options,
    early_data: bool,
) -> Opened {
    let accept = hello::peek(transport).await?.accept(config);
    Ok(Box::new(
        accept.early_data(early_data).with_options(options).await?,
    ))
}

pub(super) async fn listen(
    config: Arc<ServerConfig>,
    transport: Transport,
    options: Options,
    early_data: bool,
) -> Opened {
    let arrival: io::Result<_> = Ok((transport, ()));
    let failure = Arc::new(Mutex::new(None));
    let report = failure.clone();
    let shared = SharedConfig::new(config)
        .early_data(early_data)
        .with_options(options);
    let mut listener = pin!(
        TlsListener::new(Transports(stream::iter([arrival])), shared)
            .on_failure(move |failed| store(&report, failed.error))
    );
    match listener.next().await {
        Some(connection) => Ok(Box::new(connection)),
        None => {
            let error = failure
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take();
            Err(error
                .unwrap_or_else(|| io::Error::other("a listener returned nothing"))
                .into())
        }
    }
}

fn store(place: &Mutex<Option<io::Error>>, error: io::Error) {
    *place.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
}

impl<C: Facts + Send> Conversation for TlsStream<Transport, C>
where
    Self: tokio::io::AsyncRead + tokio::io::AsyncWrite,
{
    fn is_handshaking(&self) -> bool {
        self.get_ref().1.is_handshaking()
    }

    fn negotiated(&self) -> Negotiated {
        self.get_ref().1.negotiated()
    }

    fn export(&mut self, out: &mut [u8], label: &[u8], context: Option<&[u8]>) -> io::Result<()> {
        self.get_mut().1.export(out, label, context)
    }

    fn update_keys(&mut self) -> io::Result<()> {
        self.get_mut().1.update_keys()
    }

    fn into_halves(self: Box<Self>) -> Option<Halves> {
        C::into_halves(*self)
    }
}

impl<S: Conversation, F: Send> Conversation for Connection<S, (), F> {
    fn is_handshaking(&self) -> bool {
        self.get_ref().is_handshaking()
    }

    fn negotiated(&self) -> Negotiated {
        self.get_ref().negotiated()
    }

    fn export(&mut self, out: &mut [u8], label: &[u8], context: Option<&[u8]>) -> io::Result<()> {
        self.get_mut().export(out, label, context)
    }

    fn update_keys(&mut self) -> io::Result<()> {
        self.get_mut().update_keys()
    }
}
