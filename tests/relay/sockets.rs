//! A relay between sockets of the kernel.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use pollback::relay::{Cause, Endpoint, Relay};
use pollback::{Options, TlsAcceptor, TlsConnector, client, server};
use pollback_testkit::configs::{Setup, Version};
use pollback_testkit::sockets::tcp;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use crate::bounded::bounded;
use crate::pairs::{Ended, ended, hear, moved, pattern, say};

/// A watchdog timeout: many times what any step needs.
const LIMIT: Duration = Duration::from_secs(60);

async fn secured() -> (client::TlsStream<TcpStream>, server::TlsStream<TcpStream>) {
    let setup = Setup::new(Version::Tls13);
    let batched = Options::new().with_batched_writes(true);
    let connector = TlsConnector::from(Arc::new(setup.client()));
    let acceptor = TlsAcceptor::from(Arc::new(setup.server())).with_options(batched);
    let (client, server) = tcp().await;
    let name = "localhost".try_into().expect("a valid name");
    let (client, server) = tokio::join!(connector.connect(name, client), acceptor.accept(server));
    (client.expect("a client"), server.expect("a server"))
}

fn start(
    client: impl Endpoint + Send + 'static,
    backend: impl Endpoint + Send + 'static,
) -> JoinHandle<Ended> {
    tokio::spawn(Relay::new(client, backend))
}

async fn finish(relay: JoinHandle<Ended>) -> Ended {
    bounded(LIMIT, "the relay", relay).await.expect("no panic")
}

#[tokio::test]
async fn tls_and_tcp_are_relayed_both_ways() {
    let (client, near_client) = secured().await;
    let (near_backend, backend) = tcp().await;
    let relay = start(near_client, near_backend);
    let (there, back) = (pattern(8 << 20, 1), pattern(6 << 20, 2));
    let (mut client_reader, mut client_writer) = tokio::io::split(client);
    let (mut backend_reader, mut backend_writer) = backend.into_split();
    let all = async {
        tokio::join!(
            async {
                say(&mut client_writer, &there).await;
                client_writer.shutdown().await.expect("a shutdown");
            },
            async {
                say(&mut backend_writer, &back).await;
                backend_writer.shutdown().await.expect("a shutdown");
            },
            async {
                hear(&mut backend_reader, &there).await;
                ended(&mut backend_reader).await;
            },
            async {
                hear(&mut client_reader, &back).await;
                ended(&mut client_reader).await;
            },
        )
    };
    bounded(LIMIT, "the exchange", all).await;
    let counts = moved(finish(relay).await.expect("both have ended"));
    assert_eq!(counts, (8 << 20, 6 << 20));
}

async fn is_reset(mut stream: TcpStream) {
    let mut rest = Vec::new();
    let read = stream.read_to_end(&mut rest);
    let error = bounded(LIMIT, "a reset", read)
        .await
        .expect_err("a reset, and no end of stream");
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn a_reset_is_forwarded_as_a_reset() {
    let (client, near_client) = tcp().await;
    let (near_backend, backend) = tcp().await;
    let relay = start(near_client, near_backend);
    // The opposite direction uses the same code.
    socket2::SockRef::from(&client)
        .set_linger(Some(Duration::ZERO))
        .expect("an option");
    drop(client);
    is_reset(backend).await;
    let error = finish(relay).await.expect_err("a reset");
    match error.cause {
        Cause::Client(error) => assert_eq!(error.kind(), io::ErrorKind::ConnectionReset),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_truncation_of_tls_is_a_reset_for_tcp() {
    let (client, near_client) = secured().await;
    let (near_backend, backend) = tcp().await;
    let relay = start(near_client, near_backend);
    // A FIN without a close_notify.
    let mut client = client.into_inner().0;
    client.shutdown().await.expect("a shutdown");
    is_reset(backend).await;
    let error = io::Error::from(finish(relay).await.expect_err("a truncation"));
    assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
}

#[tokio::test]
async fn a_reset_of_tcp_is_a_truncation_for_tls() {
    let (mut client, near_client) = secured().await;
    let (near_backend, backend) = tcp().await;
    let relay = start(near_client, near_backend);
    socket2::SockRef::from(&backend)
        .set_linger(Some(Duration::ZERO))
        .expect("an option");
    drop(backend);
    let mut rest = Vec::new();
    let read = client.read_to_end(&mut rest);
    let error = bounded(LIMIT, "a cut", read).await.expect_err("a cut");
    assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    finish(relay).await.expect_err("a reset");
}

#[tokio::test]
async fn a_reset_during_a_flood_is_not_an_end_of_stream() {
    // A backend that sends half a response and resets while it is written to: whichever of the
    // relay's calls finds the reset, the client must not mistake it for the end of the response.
    for _ in 0..20 {
        let (client, near_client) = secured().await;
        let (near_backend, mut backend) = tcp().await;
        let relay = start(near_client, near_backend);
        let (mut reader, mut writer) = tokio::io::split(client);
        let flood =
            tokio::spawn(async move { while writer.write_all(&[7; 100_000]).await.is_ok() {} });
        say(&mut backend, b"half an ans").await;
        let mut some = vec![0; 300_000];
        backend.read_exact(&mut some).await.expect("a flood");
        socket2::SockRef::from(&backend)
            .set_linger(Some(Duration::ZERO))
            .expect("an option");
        drop(backend);
        let mut heard = Vec::new();
        let read = bounded(LIMIT, "a cut", reader.read_to_end(&mut heard)).await;
        assert!(
            read.is_err(),
            "an end of stream after {} bytes",
            heard.len()
        );
        finish(relay).await.expect_err("a reset");
        flood.await.expect("no panic");
    }
}

#[tokio::test]
async fn a_relay_of_borrowed_sockets_leaves_them_usable() {
    let (mut client, mut near_client) = tcp().await;
    let (mut near_backend, mut backend) = tcp().await;
    {
        let mut relay = Relay::new(&mut near_client, &mut near_backend);
        let talk = async {
            say(&mut client, b"hello").await;
            hear(&mut backend, b"hello").await;
        };
        tokio::select! {
            ended = &mut relay => panic!("{ended:?}"),
            () = talk => {}
        }
        assert_eq!(moved(relay.moved()), (5, 0));
        let parts = relay.into_parts();
        assert!(parts.to_backend.is_empty() && parts.to_client.is_empty());
    }
    say(&mut near_client, b"from the proxy itself").await;
    hear(&mut client, b"from the proxy itself").await;
    drop((near_client, near_backend));
    // They were not aborted.
    bounded(LIMIT, "an end", ended(&mut client)).await;
    bounded(LIMIT, "an end", ended(&mut backend)).await;
}
