//! What a stream has beyond tokio-rustls: all its parts, and borrowed descriptors.

use crate::support::{localhost, setups, talk, tcp};
use pollback::stream::Parts;
use pollback::{TlsAcceptor, TlsConnector, TlsStream};
use pollback_testkit::configs::Setup;
use std::io::{Read, Write};
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

type Client = pollback::client::TlsStream<TcpStream>;
type Server = pollback::server::TlsStream<TcpStream>;

async fn connected(setup: &Setup) -> (Client, Server) {
    let connector = TlsConnector::from(Arc::new(setup.client()));
    let acceptor = TlsAcceptor::from(Arc::new(setup.server()));
    let (near, far) = tcp().await;
    let (client, server) = tokio::join!(connector.connect(localhost(), near), acceptor.accept(far));
    (client.unwrap(), server.unwrap())
}

#[tokio::test]
async fn the_parts_of_a_stream_lose_no_byte() {
    for setup in setups() {
        let (client, mut server) = connected(&setup).await;
        let message: Vec<u8> = (0..60_000_u32).map(|i| (i / 11) as u8).collect();
        let (sent, received) = tokio::join!(
            async {
                server.write_all(&message).await?;
                server.shutdown().await
            },
            take_apart_and_finish(client),
        );
        sent.unwrap();
        assert!(received == message, "{} bytes", received.len());
    }
}

/// Reads a little through the stream and the rest through its parts.
async fn take_apart_and_finish(mut client: Client) -> Vec<u8> {
    let mut received = vec![0; 10];
    client.read_exact(&mut received).await.unwrap();
    let Parts {
        mut io,
        mut connection,
        ciphertext,
        ..
    } = client.into_parts();
    let mut arrived = ciphertext;
    loop {
        let mut unread = &arrived[..];
        while !unread.is_empty() {
            connection.read_tls(&mut unread).unwrap();
            connection.process_new_packets().unwrap();
            let mut plaintext = [0; 16 * 1024];
            while let Ok(length @ 1..) = connection.reader().read(&mut plaintext) {
                received.extend(&plaintext[..length]);
            }
        }
        arrived = vec![0; 4096];
        let length = io.read(&mut arrived).await.unwrap();
        arrived.truncate(length);
        if length == 0 {
            return received;
        }
    }
}

#[tokio::test]
async fn the_parts_of_a_stream_keep_what_was_not_yet_sent() {
    for setup in setups() {
        let (mut client, mut server) = connected(&setup).await;
        talk(&mut client, &mut server).await;
        let Parts {
            io, mut connection, ..
        } = client.into_parts();
        connection.writer().write_all(b"queued by hand").unwrap();
        let mut wire = Vec::new();
        while connection.wants_write() {
            connection.write_tls(&mut wire).unwrap();
        }
        let mut io = io;
        io.write_all(&wire).await.unwrap();
        let mut received = [0; 14];
        server.read_exact(&mut received).await.unwrap();
        assert_eq!(&received, b"queued by hand");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn the_borrowed_descriptor_is_that_of_the_transport() {
    use std::os::fd::{AsFd, AsRawFd};

    let [setup, _] = setups();
    let (client, server) = connected(&setup).await;
    let (near, far) = (
        client.get_ref().0.as_raw_fd(),
        server.get_ref().0.as_raw_fd(),
    );
    assert_eq!(client.as_fd().as_raw_fd(), near);
    assert_eq!(server.as_fd().as_raw_fd(), far);
    assert_eq!(TlsStream::from(client).as_fd().as_raw_fd(), near);
    assert_eq!(TlsStream::from(server).as_fd().as_raw_fd(), far);
}
