//! Servers with unusual behaviour, with the example client.

use std::io;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock};

use pollback::TlsAcceptor;
use pollback_testkit::certificates::Authority;
use pollback_testkit::configs::{Setup, Version};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::bounded::bounded;
use crate::built::example;
use crate::child::{Finished, LIMIT, run};
use crate::files::Files;

/// The authority of all servers here.
static ROOT: LazyLock<PathBuf> =
    LazyLock::new(|| Files::of("peers").write("root.pem", Authority::shared().pem()));

/// How a server ends.
#[derive(Clone, Copy)]
enum End {
    /// With `close_notify`.
    Said,
    /// Without it, as after an attack or a crash.
    Cut,
}

/// The result of the example client for this response, sent over TLS.
async fn get(answer: &'static [u8], end: End) -> Finished {
    let acceptor = TlsAcceptor::from(Arc::new(Setup::new(Version::Tls13).server()));
    client_against(async move |tcp| {
        let mut stream = acceptor.accept(tcp).await?;
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            request.push(stream.read_u8().await?);
        }
        let written = async {
            stream.write_all(answer).await?;
            stream.flush().await?;
            match end {
                End::Said => stream.shutdown().await,
                End::Cut => Ok(()),
            }
        };
        match written.await {
            // The client may already have closed the connection.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => Ok(()),
            written => written,
        }
    })
    .await
}

/// Runs the example client with a server that calls `serve` for its one connection.
async fn client_against<F>(serve: F) -> Finished
where
    F: AsyncFnOnce(TcpStream) -> io::Result<()>,
{
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let mut client = example("client").await;
    client
        .arg("--root")
        .arg(&*ROOT)
        .arg(format!("https://127.0.0.1:{port}/"));
    let serving = async {
        let (tcp, _) = listener.accept().await?;
        serve(tcp).await
    };
    let (finished, served) =
        tokio::join!(run(&mut client, b""), bounded(LIMIT, "serving", serving));
    served.unwrap_or_else(|error| panic!("the server failed: {error}: {finished:#?}"));
    finished
}

#[tokio::test]
async fn bodies_with_a_length() {
    // The end of the connection does not matter once the body is complete.
    for end in [End::Said, End::Cut] {
        let got = get(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", end).await;
        assert_eq!(got.succeeded().stdout, "hello");
    }
    let short = get(
        b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello",
        End::Said,
    )
    .await;
    assert_eq!(short.failed(1, "unexpected end of file").stdout, "hello");
}

#[tokio::test]
async fn bodies_in_chunks() {
    let whole = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\
        5\r\nhello\r\n0A;note=none\r\n, in parts\r\n0\r\nTrailer: none\r\n\r\n";
    assert_eq!(
        get(whole, End::Cut).await.succeeded().stdout,
        "hello, in parts"
    );
    let bad = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfive\r\nhello\r\n";
    get(bad, End::Said).await.failed(1, "a bad chunk size");
    let cut = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n";
    get(cut, End::Cut)
        .await
        .failed(1, "without sending TLS close_notify");
}

#[tokio::test]
async fn bodies_that_end_with_the_connection() {
    let answer = b"HTTP/1.0 200 OK\r\n\r\nhello";
    assert_eq!(get(answer, End::Said).await.succeeded().stdout, "hello");
    get(answer, End::Cut)
        .await
        .failed(1, "without sending TLS close_notify");
}

#[tokio::test]
async fn heads() {
    let interim = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n";
    assert_eq!(get(interim, End::Cut).await.succeeded().stdout, "");
    let missing = b"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnone";
    assert_eq!(
        get(missing, End::Said)
            .await
            .failed(0, "404 Not Found")
            .stdout,
        "none"
    );
    get(b"SSH-2.0-example\r\n", End::Said)
        .await
        .failed(1, "the response is not HTTP/1");
    get(b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n", End::Said)
        .await
        .failed(1, "without a colon");
    let long = format!("HTTP/1.1 200 OK\r\nLong: {}\r\n\r\n", "x".repeat(64 * 1024));
    get(long.leak().as_bytes(), End::Said)
        .await
        .failed(1, "too long");
}

#[tokio::test]
async fn servers_that_do_not_speak_tls() {
    let greeting = client_against(async |mut tcp| {
        tcp.write_all(b"220 mail.example ready\r\n").await?;
        // Waits until the client has closed, so that no reset overtakes the greeting.
        tcp.read_to_end(&mut Vec::new()).await.map(|_| ())
    });
    greeting.await.failed(1, "the peer does not speak TLS");
}

#[tokio::test]
async fn servers_that_truncate_the_handshake() {
    let silent = client_against(async |mut tcp| {
        // Reads the ClientHello: if it were unread, the end would be a reset.
        let length = record_length(&mut tcp).await?;
        tcp.read_exact(&mut vec![0; length]).await?;
        Ok(())
    });
    silent.await.failed(1, "tls handshake eof");
}

/// Reads the header of a record, which ends with the length of its body.
async fn record_length(tcp: &mut TcpStream) -> io::Result<usize> {
    let mut head = [0; 5];
    tcp.read_exact(&mut head).await?;
    Ok(u16::from_be_bytes([head[3], head[4]]).into())
}
