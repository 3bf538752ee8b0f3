//! A relay between two TLS streams, and between TLS and another stream, over pipes.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use pollback::relay::{AbortByDrop, Relay};
use pollback::{ErrorKind, Options, TlsAcceptor, TlsConnector, client, server};
use pollback_testkit::configs::{Setup, Version};
use pollback_testkit::executor::{self, Executor};
use pollback_testkit::pipe::{Control, End, SHAPES, Shape, pipe};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex, split};

use crate::pairs::{backend_error, client_error, ended, hear, moved, pattern, say};

/// An established connection, whose sides have these options.
fn talk(
    version: Version,
    (client, server): (End, End),
    client_options: Options,
    server_options: Options,
) -> (client::TlsStream<End>, server::TlsStream<End>) {
    let setup = Setup::new(version);
    let connector = TlsConnector::from(Arc::new(setup.client())).with_options(client_options);
    let acceptor = TlsAcceptor::from(Arc::new(setup.server())).with_options(server_options);
    let name = "localhost".try_into().expect("a valid name");
    let (client, server) = executor::join(connector.connect(name, client), acceptor.accept(server));
    (client.expect("a client"), server.expect("a server"))
}

struct Legs {
    client: client::TlsStream<End>,
    backend: server::TlsStream<End>,
    /// The client's transport.
    client_io: Control,
    relay: Relay<server::TlsStream<End>, client::TlsStream<End>>,
}

/// TLS on both sides. The relay's own streams use batched writes, as in a proxy.
fn legs(version: Version, open: impl Fn() -> (End, End)) -> Legs {
    let batched = Options::new().with_batched_writes(true);
    let ends = open();
    let client_io = ends.0.control();
    let (client, near_client) = talk(version, ends, Options::new(), batched);
    let (near_backend, backend) = talk(version, open(), batched, Options::new());
    Legs {
        client,
        backend,
        client_io,
        relay: Relay::new(near_client, near_backend),
    }
}

fn for_each(test: impl Fn(Version, &Shape)) {
    for version in Version::ALL {
        for shape in &SHAPES {
            eprintln!("{version:?} over {}", shape.name);
            test(version, shape);
        }
    }
}

#[test]
fn both_directions_are_flooded_and_closed() {
    for_each(|version, shape| {
        let legs = legs(version, || shape.open());
        let (there, back) = (pattern(20_000, 1), pattern(18_000, 2));
        let (mut client_reader, mut client_writer) = split(legs.client);
        let (mut backend_reader, mut backend_writer) = split(legs.backend);
        let mut executor = Executor::new();
        let relay = executor.spawn("the relay", legs.relay);
        executor.spawn("client writes", async {
            say(&mut client_writer, &there).await;
            client_writer.shutdown().await.expect("a shutdown");
        });
        executor.spawn("backend writes", async {
            say(&mut backend_writer, &back).await;
            backend_writer.shutdown().await.expect("a shutdown");
        });
        executor.spawn("backend reads", async {
            hear(&mut backend_reader, &there).await;
            ended(&mut backend_reader).await;
        });
        executor.spawn("client reads", async {
            hear(&mut client_reader, &back).await;
            ended(&mut client_reader).await;
        });
        executor.run();
        let counts = moved(relay.take().expect("both have ended"));
        assert_eq!(counts, (20_000, 18_000));
    });
}

#[test]
fn an_exchange_needs_no_flush() {
    for_each(|version, shape| {
        let mut legs = legs(version, || shape.open());
        let mut executor = Executor::new();
        let relay = executor.spawn("the relay", legs.relay);
        let rounds = executor.spawn("both sides", async move {
            for _ in 0..3 {
                say(&mut legs.client, b"a question").await;
                hear(&mut legs.backend, b"a question").await;
                say(&mut legs.backend, b"an answer").await;
                hear(&mut legs.client, b"an answer").await;
            }
            (legs.client, legs.backend)
        });
        executor.run_until_stalled();
        assert!(rounds.is_finished(), "stalled");
        assert!(!relay.is_finished());
    });
}

#[test]
fn a_truncation_is_a_truncation_on_the_other_side() {
    for_each(|version, shape| {
        let mut legs = legs(version, || shape.open());
        let said = pattern(5000, 3);
        let mut executor = Executor::new();
        let relay = executor.spawn("the relay", legs.relay);
        executor.spawn("the client", async {
            say(&mut legs.client, &said).await;
            // Without a close_notify.
            legs.client.into_inner().0.shutdown().await.expect("an end");
        });
        let heard = executor.spawn("the backend", async move {
            let mut heard = Vec::new();
            let read = legs.backend.read_to_end(&mut heard).await;
            (read, heard)
        });
        executor.run();
        let error = client_error(relay.take());
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
        let (read, heard) = heard.take();
        let error = read.expect_err("no close_notify");
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
        assert!(heard == said, "{} bytes", heard.len());
    });
}

#[test]
fn invalid_tls_fails_the_relay_and_truncates_the_other_side() {
    for version in Version::ALL {
        let mut legs = legs(version, || pipe(1 << 20));
        let mut executor = Executor::new();
        let relay = executor.spawn("the relay", legs.relay);
        executor.spawn("the client", async {
            // A record that does not decrypt, in the middle of the stream.
            let mut transport = legs.client.into_inner().0;
            say(&mut transport, &[23, 3, 3, 0, 32]).await;
            say(&mut transport, &[0; 32]).await;
            let mut rest = Vec::new();
            let _ = transport.read_to_end(&mut rest).await;
        });
        let heard = executor.spawn("the backend", async move {
            legs.backend.read_to_end(&mut Vec::new()).await
        });
        executor.run();
        let error = client_error(relay.take());
        let kind = pollback::Error::find(&error).map(|error| error.kind());
        assert_eq!(kind, Some(ErrorKind::Misbehaved));
        let error = heard.take().expect_err("no close_notify");
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
        // The client receives the reason.
        assert!(legs.client_io.counts().read.bytes > 0);
    }
}

#[test]
fn a_close_notify_is_valid_although_a_write_has_found_a_reset() {
    use pollback_testkit::pipe::{Answer, Operation};

    // The backend responds early, closes, and accepts no more; its end is authenticated.
    for version in Version::ALL {
        let (mut client, near_client) = pipe(1 << 20);
        let ends = pipe(1 << 20);
        let near_io = ends.0.control();
        let (near_backend, mut backend) = talk(version, ends, Options::new(), Options::new());
        executor::block_on(async {
            say(&mut backend, b"the answer").await;
            backend.shutdown().await.expect("a shutdown");
        });
        near_io.always(
            Operation::Write,
            Answer::Error(io::ErrorKind::ConnectionReset),
        );
        let relay = Relay::new(AbortByDrop(near_client), near_backend);
        let mut executor = Executor::new();
        let relay = executor.spawn("the relay", relay);
        executor.spawn("the client", async move {
            say(&mut client, b"a long question").await;
            hear(&mut client, b"the answer").await;
            ended(&mut client).await;
        });
        executor.run();
        let error = backend_error(relay.take());
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    }
}

#[test]
fn bulk_data_is_sent_in_full_batches() {
    let version = Version::Tls13;
    let batched = Options::new().with_batched_writes(true);
    let ends = pipe(2 << 20);
    let near_io = ends.1.control();
    let (_client, near_client) = talk(version, ends, Options::new(), batched);
    let (backend, near_backend) = pipe(2 << 20);
    backend.control();
    near_backend.control().inject(&vec![7; 1 << 20]);
    let before = near_io.counts().writes();
    let mut executor = Executor::new();
    let relay = executor.spawn(
        "the relay",
        Relay::new(near_client, AbortByDrop(near_backend)),
    );
    executor.run_until_stalled();
    assert!(!relay.is_finished());
    let writes = near_io.counts().writes() - before;
    // Batches of 48 KiB, and the rest.
    assert!(writes <= 23, "{writes} writes");
}

/// tokio lets a task do only so much in one poll, and a TLS stream with many records uses that up.
#[tokio::test]
async fn a_flood_from_one_side_does_not_delay_the_other_direction() {
    const FLOOD: usize = 4 << 20;
    let setup = Setup::new(Version::Tls13);
    let connector = TlsConnector::from(Arc::new(setup.client()));
    let acceptor = TlsAcceptor::from(Arc::new(setup.server()));
    let (near, far) = duplex(8 << 20);
    let name = "localhost".try_into().expect("a valid name");
    let (client, server) = tokio::join!(connector.connect(name, near), acceptor.accept(far));
    let mut client = client.expect("a client");
    for _ in 0..FLOOD / 1024 {
        client.write_all(&[7; 1024]).await.expect("a write");
    }
    let (near, mut backend) = duplex(8 << 20);
    backend.write_all(b"response").await.expect("a write");
    let mut relay = Relay::new(server.expect("a server"), AbortByDrop(near));
    poll_fn(|cx| {
        let ended = Pin::new(&mut relay).poll(cx);
        assert!(ended.is_pending(), "{ended:?}");
        match relay.moved().to_client {
            0 => Poll::Pending,
            _ => Poll::Ready(()),
        }
    })
    .await;
    let before = relay.moved().to_backend;
    assert!(before < FLOOD as u64 / 4, "after {before} bytes");
}
