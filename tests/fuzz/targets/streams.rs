//! A common interface for streams of either version.

use std::future::Future;
use std::io;
use std::pin::Pin;

use tokio::io::{AsyncBufRead, AsyncRead, AsyncWrite};

/// A transport.
pub(super) trait Transport: AsyncRead + AsyncWrite + Unpin {}

impl<T: AsyncRead + AsyncWrite + Unpin> Transport for T {}

/// An established stream.
pub(super) trait Stream: AsyncBufRead + AsyncWrite + Unpin {
    /// Returns early data that a server has received, if reads do not return it.
    fn early_data(&mut self) -> Vec<u8> {
        Vec::new()
    }

    /// Requests a key update, if that is possible: in TLS 1.3, after the handshake.
    fn ask_for_new_keys(&mut self);
}

/// Creates a stream over a transport.
pub(super) type Begin = Box<dyn FnOnce(Box<dyn Transport>) -> Handshake>;

pub(super) type Handshake = Pin<Box<dyn Future<Output = io::Result<Box<dyn Stream>>>>>;
