//! Transports and small helps for the tests. Nothing here knows which crate is under test.

use pollback_testkit::configs::{Setup, Version};
use rustls::pki_types::ServerName;
use std::fmt::Debug;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream};
use tokio::net::{TcpListener, TcpStream};

pub(crate) use pollback::rustls;

/// What every transport of the tests can do.
pub(crate) trait Transport: AsyncRead + AsyncWrite + Debug + Send + Unpin + 'static {}

impl<T: AsyncRead + AsyncWrite + Debug + Send + Unpin + 'static> Transport for T {}

/// Two sockets connected over loopback.
pub(crate) async fn tcp() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (near, far) = tokio::join!(TcpStream::connect(address), listener.accept());
    (near.unwrap(), far.unwrap().0)
}

/// Two ends of a pipe in memory.
pub(crate) fn duplex() -> (DuplexStream, DuplexStream) {
    tokio::io::duplex(4096)
}

/// The name that the certificates of the test kit are for.
pub(crate) fn localhost() -> ServerName<'static> {
    ServerName::try_from("localhost").unwrap()
}

/// One setup for each protocol version.
pub(crate) fn setups() -> [Setup; 2] {
    Version::ALL.map(Setup::new)
}

/// Sends `message` from one stream and reads it from the other.
pub(crate) async fn carry<A, B>(from: &mut A, to: &mut B, message: &[u8])
where
    A: AsyncWrite + Unpin,
    B: AsyncRead + Unpin,
{
    let send = async {
        from.write_all(message).await?;
        from.flush().await
    };
    let mut received = vec![0; message.len()];
    let (sent, read) = tokio::join!(send, to.read_exact(&mut received));
    sent.expect("the message is sent");
    read.expect("the message arrives");
    assert!(
        received == message,
        "{} bytes came out changed",
        message.len()
    );
}

/// Sends a message each way, short and longer than a record.
pub(crate) async fn talk<A, B>(one: &mut A, other: &mut B)
where
    A: AsyncRead + AsyncWrite + Unpin,
    B: AsyncRead + AsyncWrite + Unpin,
{
    let long: Vec<u8> = (0..100_000_u32).map(|i| (i / 7) as u8).collect();
    carry(one, other, b"ping").await;
    carry(other, one, b"pong").await;
    carry(one, other, &long).await;
    carry(other, one, &long).await;
}
