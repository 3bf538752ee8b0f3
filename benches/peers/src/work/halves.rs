//! Transfers in both directions at once, with split streams.

use std::io;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;

use super::run::both;
use super::{KIB, MIB, give, take};
use crate::cost::{Cost, Start};
use crate::peer::{Halves, Peer, Splitter, Stream};

/// The size of each write, and of the buffer of each read.
const PIECE: usize = 64 * KIB;

/// The halves of a socket, which share no lock.
pub(super) fn split_socket(tcp: TcpStream) -> Halves {
    let (reader, writer) = tcp.into_split();
    (Box::new(reader), Box::new(writer))
}

/// Moves this many MiB in each direction at once, with a task for each half.
pub(super) fn both_ways<P: Peer, T: Stream, B>(
    runtime: &Runtime,
    peer: &P,
    transports: (T, T),
    split: Splitter<T>,
    units: usize,
    begin: impl Fn() -> B,
) -> io::Result<(Cost, B)> {
    let (connecting, accepting) = (peer.clone(), peer.clone());
    let (client, server) = runtime.block_on(both(
        async move { connecting.connect(transports.0).await },
        async move { accepting.accept(transports.1).await },
    ))?;
    let client = P::split_client(client, split)?;
    let server = P::split_server(server, split)?;
    let (begun, start) = (begin(), Start::now());
    runtime.block_on(both(
        one_way(client.1, server.0, units),
        one_way(server.1, client.0, units),
    ))?;
    Ok((start.cost(), begun))
}

/// Moves this many MiB from one half to the other.
async fn one_way<W, R>(mut writer: W, mut reader: R, units: usize) -> io::Result<()>
where
    W: AsyncWrite + Send + Unpin + 'static,
    R: AsyncRead + Send + Unpin + 'static,
{
    both(
        async move { give(&mut writer, units * MIB, PIECE).await.map(|()| writer) },
        async move { take(&mut reader, units * MIB, PIECE).await.map(|()| reader) },
    )
    .await
    .map(drop)
}
