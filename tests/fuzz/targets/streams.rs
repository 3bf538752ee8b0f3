//! Streams of either make, seen alike.

use std::future::Future;
use std::io::{self, Read};
use std::pin::Pin;
use std::sync::Arc;

use pollback::rustls::{ClientConfig, ServerConfig};
use pollback::{Options, TlsAcceptor, TlsConnector, TlsStream};
use tokio::io::{AsyncBufRead, AsyncRead, AsyncWrite};

use super::configs::localhost;

/// A transport.
pub(super) trait Transport: AsyncRead + AsyncWrite + Unpin {}

impl<T: AsyncRead + AsyncWrite + Unpin> Transport for T {}

/// An established stream.
pub(super) trait Stream: AsyncBufRead + AsyncWrite + Unpin {
    /// What a server was sent before the handshake was over, if reads do not return it.
    fn early_data(&mut self) -> Vec<u8>;

    /// Where that is possible: in TLS 1.3, after the handshake.
    fn ask_for_new_keys(&mut self);
}

/// Makes a stream on a transport.
pub(super) type Begin = Box<dyn FnOnce(Box<dyn Transport>) -> Handshake>;

pub(super) type Handshake = Pin<Box<dyn Future<Output = io::Result<Box<dyn Stream>>>>>;

pub(super) fn connect(config: ClientConfig, early: bool, options: Options) -> Begin {
    let connector = TlsConnector::from(Arc::new(config)).early_data(early);
    let connector = connector.with_options(options);
    Box::new(move |io| {
        Box::pin(async move {
            let stream = connector.connect(localhost(), io).await?;
            Ok(Box::new(TlsStream::from(stream)) as Box<dyn Stream>)
        })
    })
}

pub(super) fn accept(config: ServerConfig, options: Options) -> Begin {
    let acceptor = TlsAcceptor::from(Arc::new(config)).with_options(options);
    Box::new(move |io| {
        Box::pin(async move {
            let stream = acceptor.accept(io).await?;
            Ok(Box::new(TlsStream::from(stream)) as Box<dyn Stream>)
        })
    })
}

impl Stream for TlsStream<Box<dyn Transport>> {
    fn early_data(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        if let Self::Server(stream) = self
            && let Some(mut early) = stream.get_mut().1.early_data()
        {
            early
                .read_to_end(&mut bytes)
                .expect("early data is there or not");
        }
        bytes
    }

    fn ask_for_new_keys(&mut self) {
        let _ = match self {
            Self::Client(stream) => stream.get_mut().1.refresh_traffic_keys(),
            Self::Server(stream) => stream.get_mut().1.refresh_traffic_keys(),
        };
    }
}
