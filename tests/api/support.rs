//! Transports and helpers for the tests, independent of the crate under test.

pub(crate) use pollback_testkit::configs::localhost;
use pollback_testkit::configs::{Setup, Version};
pub(crate) use pollback_testkit::sockets::tcp;
use std::fmt::Debug;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream};

pub(crate) use pollback::rustls;

/// The traits of every transport in the tests.
pub(crate) trait Transport: AsyncRead + AsyncWrite + Debug + Send + Unpin + 'static {}

impl<T: AsyncRead + AsyncWrite + Debug + Send + Unpin + 'static> Transport for T {}

/// Two ends of a pipe in memory.
pub(crate) fn duplex() -> (DuplexStream, DuplexStream) {
    tokio::io::duplex(4096)
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
    assert!(received == message, "{} bytes have changed", message.len());
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
