//! Accepting, and what a connection has negotiated.

use super::{assert_echo, connect, echo, open, reports, serve, setup, shared};
use futures_util::{FutureExt, StreamExt};
use pollback::listener::{Handshaker, Stage, TlsListener};
use pollback::rustls::{CipherSuite, HandshakeKind, ProtocolVersion};
use pollback_testkit::certificates::Authority;
use pollback_testkit::configs::{Setup, Version};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{self, Handle};
use tokio::sync::mpsc;
use tokio::time::Instant;

#[tokio::test]
async fn it_serves_over_tcp() {
    let setup = setup();
    let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut listener = TlsListener::new(tcp, shared(setup.server()));
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async move {
        let connection = listener.accept().await.expect("a client");
        let peer = connection.peer().address;
        echo(connection).await.unwrap();
        peer
    });
    let tcp = TcpStream::connect(address).await.unwrap();
    let local = tcp.local_addr().unwrap();
    let mut client = connect(&setup, tcp).await.unwrap();
    assert_echo(&mut client).await;
    client.shutdown().await.unwrap();
    assert_eq!(server.await.unwrap(), local);
}

#[cfg(unix)]
#[tokio::test]
async fn it_serves_over_unix_sockets() {
    use tokio::net::{UnixListener, UnixStream};

    let setup = setup();
    let path = std::env::temp_dir().join(format!("pollback-listener-{}", std::process::id()));
    let mut listener = TlsListener::new(UnixListener::bind(&path).unwrap(), shared(setup.server()));
    let address = listener.local_addr().unwrap();
    assert_eq!(address.as_pathname(), Some(path.as_path()));
    let server = tokio::spawn(async move { echo(listener.accept().await.unwrap()).await });
    let unix = UnixStream::connect(&path).await.unwrap();
    std::fs::remove_file(&path).unwrap();
    let mut client = connect(&setup, unix).await.unwrap();
    assert_echo(&mut client).await;
    drop(client);
    server.await.unwrap().expect_err("no close_notify was sent");
}

#[tokio::test]
async fn it_reports_what_the_handshake_has_negotiated() {
    for (version, wire, suite) in [
        (
            Version::Tls12,
            ProtocolVersion::TLSv1_2,
            CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
        ),
        (
            Version::Tls13,
            ProtocolVersion::TLSv1_3,
            CipherSuite::TLS13_AES_256_GCM_SHA384,
        ),
    ] {
        let setup = Setup::new(version).alpn(&["h2"]).client_auth();
        let (door, mut listener) = open(setup.clone());
        let config = Arc::new(setup.client());
        let connector = pollback::TlsConnector::from(config);
        for (number, kind) in [HandshakeKind::Full, HandshakeKind::Resumed]
            .into_iter()
            .enumerate()
        {
            let io = door.knock(number);
            let client = connector.connect(super::localhost(), io);
            let (client, connection) = tokio::join!(client, listener.accept());
            let connection = connection.expect("a client");
            let handshake_data = &connection.peer().handshake_data;
            assert_eq!(connection.peer().address, number);
            assert_eq!(handshake_data.server_name.as_deref(), Some("localhost"));
            assert_eq!(handshake_data.alpn.as_deref(), Some(&b"h2"[..]));
            assert_eq!(handshake_data.version, Some(wire));
            assert_eq!(handshake_data.cipher_suite, Some(suite));
            assert_eq!(handshake_data.kind, Some(kind));
            let is_full = kind == HandshakeKind::Full;
            assert_eq!(
                handshake_data.group.is_some(),
                is_full || version == Version::Tls13
            );
            let chain = handshake_data.client_certificates.as_deref().unwrap();
            assert_eq!(chain.len(), 1);
            assert_ne!(chain[0], Authority::shared().certificate());
            // The client reads the tickets.
            let mut client = client.unwrap();
            let echo = tokio::spawn(echo(connection));
            assert_echo(&mut client).await;
            drop(client);
            echo.await.unwrap().expect_err("no close_notify was sent");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn stalled_clients_do_not_delay_others() {
    let begun = Instant::now();
    let (door, listener) = open(setup());
    serve(listener);
    let silent: Vec<_> = (0..200).map(|number| door.knock(number)).collect();
    for number in 200..210 {
        let mut client = door.connect(number).await.unwrap().unwrap();
        assert_echo(&mut client).await;
    }
    // The clock advances only when all tasks wait for it.
    assert_eq!(begun.elapsed().as_millis(), 0);
    drop(silent);
}

#[tokio::test(start_paused = true)]
async fn handshakes_continue_while_accept_is_not_called() {
    let (door, mut listener) = open(setup());
    let first = door.connect(1);
    let second = door.connect(2);
    tokio::task::yield_now().await;
    assert!(listener.accept().now_or_never().is_none());
    // No task is in `accept` now.
    first.await.unwrap().expect("the handshake succeeds");
    second.await.unwrap().expect("the handshake succeeds");
    let mut numbers = [0; 2];
    for number in &mut numbers {
        *number = listener.accept().await.unwrap().peer().address;
    }
    numbers.sort_unstable();
    assert_eq!(numbers, [1, 2]);
}

#[tokio::test]
async fn it_is_a_stream_that_ends_after_the_last_connection() {
    let (door, listener) = open(setup());
    for number in 0..3 {
        door.connect(number);
    }
    drop(door);
    let mut numbers: Vec<_> = listener
        .map(|connection| connection.peer().address)
        .collect()
        .await;
    numbers.sort_unstable();
    assert_eq!(numbers, [0, 1, 2]);
}

#[tokio::test]
async fn a_stream_can_be_taken_out_of_its_connection() {
    let (door, mut listener) = open(setup());
    let client = door.connect(7);
    let mut connection = listener.accept().await.unwrap();
    assert!(connection.get_ref().get_ref().1.alpn_protocol().is_some());
    connection.get_mut().get_mut().1.set_buffer_limit(None);
    let (stream, peer) = connection.into_parts();
    assert_eq!(peer.address, 7);
    // The listener does not wait for it any more.
    drop(door);
    assert!(listener.accept().await.is_none());
    assert_eq!(listener.shutdown_handle().drain(Duration::MAX).await, 0);
    let echo = tokio::spawn(echo(stream));
    assert_echo(&mut client.await.unwrap().unwrap()).await;
    echo.await.unwrap().expect_err("no close_notify was sent");
}

/// Records where it runs.
#[derive(Clone)]
struct Whereabouts(mpsc::UnboundedSender<runtime::Id>);

impl Handshaker<DuplexStream> for Whereabouts {
    type Stream = DuplexStream;
    type HandshakeData = ();

    async fn handshake(self, io: DuplexStream, _: &mut Stage) -> io::Result<(DuplexStream, ())> {
        self.0.send(Handle::current().id()).unwrap();
        Ok((io, ()))
    }
}

#[test]
fn handshakes_run_on_the_runtime_they_were_given() {
    let build = || {
        runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap()
    };
    let (ours, theirs) = (build(), build());
    let (sender, mut whereabouts) = mpsc::unbounded_channel();
    let (door, pipes) = super::pipes();
    let mut listener =
        TlsListener::new(pipes, Whereabouts(sender)).on_runtime(theirs.handle().clone());
    let (_near, far) = tokio::io::duplex(1);
    door.send(Ok((far, 1))).unwrap();
    ours.block_on(async {
        listener.accept().await.expect("a transport");
        assert_eq!(whereabouts.recv().await, Some(theirs.handle().id()));
    });
}

#[tokio::test]
async fn dropping_the_listener_does_not_affect_its_connections() {
    let (door, mut listener) = open(setup());
    let (report, mut reported) = reports();
    listener = listener.on_failure(report);
    let client = door.connect(1);
    let connection = listener.accept().await.unwrap();
    let mut stalled = door.knock(2);
    assert!(listener.accept().now_or_never().is_none());
    drop(listener);
    let served = tokio::spawn(echo(connection));
    assert_echo(&mut client.await.unwrap().unwrap()).await;
    // A handshake in flight is dropped, and its transport closed.
    assert_eq!(stalled.read(&mut [0]).await.unwrap(), 0);
    assert!(reported.recv().await.is_none());
    served.await.unwrap().expect_err("no close_notify was sent");
}

#[tokio::test]
async fn a_connection_is_read_without_a_copy() {
    let (door, listener) = open(setup());
    let mut listener = listener.with_first_byte_deadline(Duration::from_secs(10));
    let client = door.connect(1);
    let mut connection = listener.accept().await.unwrap();
    let mut client = client.await.unwrap().unwrap();
    client.write_all(b"one\ntwo\n").await.unwrap();
    client.shutdown().await.unwrap();
    let lent = connection.fill_buf().await.unwrap();
    assert_eq!(lent, b"one\ntwo\n");
    connection.consume(2);
    let mut lines = String::new();
    while connection.read_line(&mut lines).await.unwrap() > 0 {}
    assert_eq!(lines, "e\ntwo\n");
}
