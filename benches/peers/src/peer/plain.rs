//! The transport itself, without TLS, as a lower bound.

use std::io;

use super::{Peer, Stream};

/// Plain TCP.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tcp;

impl Peer for Tcp {
    const MAKES_RECORDS: bool = false;

    type Client<T: Stream> = T;
    type Server<T: Stream> = T;

    async fn connect<T: Stream>(&self, transport: T) -> io::Result<T> {
        Ok(transport)
    }

    async fn accept<T: Stream>(&self, transport: T) -> io::Result<T> {
        Ok(transport)
    }
}
