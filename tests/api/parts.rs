//! Features of streams beyond tokio-rustls: all their parts, and borrowed descriptors.

use crate::support::{Transport, localhost, setups};
use pollback::stream::Parts;
use pollback::{TlsAcceptor, TlsConnector, client, server};
use pollback_testkit::configs::Setup;
use pollback_testkit::pipe::pipe;
use std::io::IoSlice;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWrite, AsyncWriteExt};

pub(crate) async fn connected<IO: Transport>(
    setup: &Setup,
    (near, far): (IO, IO),
) -> (client::TlsStream<IO>, server::TlsStream<IO>) {
    let connector = TlsConnector::from(Arc::new(setup.client()));
    let acceptor = TlsAcceptor::from(Arc::new(setup.server()));
    let (client, server) = tokio::join!(connector.connect(localhost(), near), acceptor.accept(far));
    (client.unwrap(), server.unwrap())
}

#[tokio::test]
async fn the_parts_of_a_stream_lose_nothing_that_was_written() {
    for setup in setups() {
        let (mut client, mut server) = connected(&setup, tokio::io::duplex(4096)).await;
        // More than the pipe holds, so that some of it stays buffered.
        let mut message = vec![7; 16 * 1024];
        let taken = client.write(&message).await.unwrap();
        message.truncate(taken);
        let Parts {
            mut io,
            mut connection,
            ..
        } = client.into_parts();
        assert!(connection.wants_write(), "everything was sent");
        connection.send_close_notify();
        let mut rest = Vec::new();
        while connection.wants_write() {
            connection.write_tls(&mut rest).unwrap();
        }
        let mut received = Vec::new();
        let (sent, read) = tokio::join!(io.write_all(&rest), server.read_to_end(&mut received));
        sent.unwrap();
        read.unwrap();
        assert!(
            received == message,
            "{} of {} bytes",
            received.len(),
            message.len()
        );
    }
}

#[cfg(unix)]
#[tokio::test]
async fn the_borrowed_descriptor_is_that_of_the_transport() {
    use pollback::TlsStream;
    use std::os::fd::{AsFd, AsRawFd};

    let [setup, _] = setups();
    let (client, server) = connected(&setup, crate::support::tcp().await).await;
    let (near, far) = (
        client.get_ref().0.as_raw_fd(),
        server.get_ref().0.as_raw_fd(),
    );
    assert_eq!(client.as_fd().as_raw_fd(), near);
    assert_eq!(server.as_fd().as_raw_fd(), far);
    assert_eq!(client.as_raw_fd(), near);
    assert_eq!(server.as_raw_fd(), far);
    assert_eq!(TlsStream::from(client).as_fd().as_raw_fd(), near);
    assert_eq!(TlsStream::from(server).as_fd().as_raw_fd(), far);
}

#[tokio::test]
async fn parts_pass_writes_on_to_a_transport_of_tokio() {
    let [setup, _] = setups();
    let (near, far) = pipe(1 << 20);
    let io = near.control();
    let (client, _server) = connected(&setup, (near, far)).await;
    let mut parts = client.into_parts();
    let (before, counts) = (io.written().len(), io.counts());
    let slices = [IoSlice::new(b"one"), IoSlice::new(b"two")];
    assert_eq!(parts.write_vectored(&slices).await.unwrap(), 6);
    assert_eq!(parts.write(b"three").await.unwrap(), 5);
    assert_eq!(io.written()[before..], *b"onetwothree");
    parts.flush().await.unwrap();
    assert_eq!(io.counts().flush.calls, counts.flush.calls + 1);
    assert!(parts.is_write_vectored());
    io.scalar();
    assert!(!parts.is_write_vectored());
    parts.shutdown().await.unwrap();
    assert!(io.is_closed());
}
