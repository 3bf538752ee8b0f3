//! From poll to attempt to poll: a socket behind both adapters behaves like the socket itself.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::attempted::Attempted;
use crate::support::slices;

trait Transport: AsyncRead + AsyncWrite + Unpin {}

impl<T: AsyncRead + AsyncWrite + Unpin> Transport for T {}

/// An outcome of a call on the socket.
#[derive(Debug, PartialEq)]
enum Seen {
    Count(usize),
    Bytes(Vec<u8>),
    Done,
    Failed(io::ErrorKind, Option<i32>),
}

impl From<io::Error> for Seen {
    fn from(error: io::Error) -> Self {
        Self::Failed(error.kind(), error.raw_os_error())
    }
}

fn count(answer: io::Result<usize>) -> Seen {
    answer.map_or_else(Seen::from, Seen::Count)
}

fn done(answer: io::Result<()>) -> Seen {
    answer.map_or_else(Seen::from, |()| Seen::Done)
}

async fn read(io: &mut impl Transport) -> Seen {
    let mut buffer = [0; 64];
    let answer = io.read(&mut buffer).await;
    answer.map_or_else(Seen::from, |read| Seen::Bytes(buffer[..read].to_vec()))
}

async fn read_to_end(io: &mut (impl AsyncRead + Unpin)) -> Seen {
    let mut received = Vec::new();
    let answer = io.read_to_end(&mut received).await;
    answer.map_or_else(Seen::from, |_| Seen::Bytes(received))
}

/// How many bytes a socket accepts before it learns that its peer is gone depends on the system, so
/// only the error is an outcome.
async fn write_until_it_fails(io: &mut impl Transport) -> Seen {
    loop {
        if let Err(error) = io.write_all(b"is anybody there?").await {
            return error.into();
        }
        tokio::task::yield_now().await;
    }
}

/// Sends a megabyte while it is echoed.
async fn echo(mut io: impl Transport, mut peer: TcpStream) -> Vec<Seen> {
    let echo = tokio::spawn(async move {
        let (mut reader, mut writer) = peer.split();
        tokio::io::copy(&mut reader, &mut writer).await.unwrap();
        writer.shutdown().await.unwrap();
    });
    let bytes: Vec<u8> = (0..=250).cycle().take(1 << 20).collect();
    let (mut reader, mut writer) = tokio::io::split(&mut io);
    let write = async {
        let written = done(writer.write_all(&bytes).await);
        vec![written, done(writer.shutdown().await)]
    };
    let (mut seen, received) = tokio::join!(write, read_to_end(&mut reader));
    assert!(received == Seen::Bytes(bytes), "the received bytes differ");
    seen.push(received);
    echo.await.unwrap();
    seen
}

async fn vectored(mut io: impl Transport, mut peer: TcpStream) -> Vec<Seen> {
    assert!(io.is_write_vectored());
    let bufs: [&[u8]; 5] = [b"", b"first ", b"", b"second ", b"third"];
    let mut seen = vec![
        count(io.write_vectored(&slices(&bufs)).await),
        count(io.write_vectored(&[]).await),
        count(io.write(b"").await),
        done(io.flush().await),
    ];
    drop(io);
    seen.push(read_to_end(&mut peer).await);
    seen
}

async fn half_close(mut io: impl Transport, mut peer: TcpStream) -> Vec<Seen> {
    let mut seen = vec![done(io.write_all(b"that is all").await)];
    seen.push(done(io.shutdown().await));
    seen.push(read_to_end(&mut peer).await);
    seen.push(count(io.write(b"one more thing").await));
    seen.push(done(io.shutdown().await));
    peer.write_all(b"heard").await.unwrap();
    seen.push(read(&mut io).await);
    peer.shutdown().await.unwrap();
    seen.push(read(&mut io).await);
    seen.push(read(&mut io).await);
    seen
}

async fn reset(mut io: impl Transport, peer: TcpStream) -> Vec<Seen> {
    peer.set_zero_linger().unwrap();
    drop(peer);
    let mut seen = vec![read(&mut io).await, read(&mut io).await];
    seen.push(count(io.write(b"too late").await));
    seen.push(done(io.flush().await));
    seen.push(done(io.shutdown().await));
    seen
}

async fn write_after_the_peer_closed(mut io: impl Transport, peer: TcpStream) -> Vec<Seen> {
    drop(peer);
    vec![
        read(&mut io).await,
        write_until_it_fails(&mut io).await,
        count(io.write(b"and again").await),
        count(io.write_vectored(&slices(&[b"and ", b"again"])).await),
        read(&mut io).await,
    ]
}

async fn connect() -> (TcpStream, TcpStream) {
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let listener = TcpListener::bind(any).await.unwrap();
    let address = listener.local_addr().unwrap();
    let (ours, theirs) = tokio::join!(TcpStream::connect(address), listener.accept());
    (ours.unwrap(), theirs.unwrap().0)
}

/// Runs a script over the socket itself, over the composition, and over a composition of that.
macro_rules! same_as_the_socket {
    ($($script:ident => $name:ident,)*) => {$(
        #[tokio::test]
        async fn $name() {
            let (bare, peer) = connect().await;
            let expected = $script(bare, peer).await;
            let (socket, peer) = connect().await;
            assert_eq!($script(Attempted(socket), peer).await, expected);
            let (socket, peer) = connect().await;
            assert_eq!($script(Attempted(Attempted(socket)), peer).await, expected);
        }
    )*};
}

same_as_the_socket! {
    echo => an_echo_is_the_same,
    vectored => vectored_writes_and_empty_ones_are_the_same,
    half_close => a_half_close_and_the_end_of_the_stream_are_the_same,
    reset => a_reset_is_the_same,
    write_after_the_peer_closed => writes_after_the_peer_closed_are_the_same,
}

#[tokio::test]
async fn the_scripts_have_the_expected_outcomes() {
    let (bare, peer) = connect().await;
    let seen = reset(Attempted(bare), peer).await;
    assert!(
        matches!(
            seen[0],
            Seen::Failed(io::ErrorKind::ConnectionReset, Some(_))
        ),
        "{seen:?}"
    );

    let (bare, peer) = connect().await;
    let seen = half_close(Attempted(bare), peer).await;
    assert_eq!(seen[2], Seen::Bytes(b"that is all".to_vec()));
    assert!(
        matches!(seen[3], Seen::Failed(io::ErrorKind::BrokenPipe, Some(_))),
        "{seen:?}"
    );
    assert_eq!(
        seen[5..],
        [b"heard".to_vec(), vec![], vec![]].map(Seen::Bytes)
    );

    let (bare, peer) = connect().await;
    let seen = vectored(Attempted(bare), peer).await;
    assert_eq!(seen[0], Seen::Count("first second third".len()));
    assert_eq!(seen[4], Seen::Bytes(b"first second third".to_vec()));
}
