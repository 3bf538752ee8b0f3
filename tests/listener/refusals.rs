//! Alerts that arrive although the client continues to send.

use super::{connect, hello, open, pipes, reports, serve, setup, shared};
use pollback::hello::{Incoming, Peeked};
use pollback::listener::{
    ConfigsByName, Handshaker, Stage, TlsListener, WhenFull, handshake_fn, tls_or_plain,
};
use pollback::rustls::AlertDescription;
use pollback::server;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep};

const ALERT: u8 = 21;

#[tokio::test]
async fn an_alert_reaches_a_client_that_continues_to_write() {
    let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = tcp.local_addr().unwrap();
    let (report, mut reported) = reports();
    // Rejected by the parser, by rustls, and by name.
    let configs = ConfigsByName::new();
    let mut listener = TlsListener::new(tcp, configs).on_failure(report);
    tokio::spawn(async move { listener.accept().await.is_some() });
    for said in [b"GET / HTTP/1.1\r\n\r\n".to_vec(), hello(&setup())] {
        let mut client = TcpStream::connect(address).await.unwrap();
        client.set_nodelay(true).unwrap();
        client.write_all(&said).await.unwrap();
        reported.recv().await.unwrap();
        // The first of these would cause a reset, after which the others fail.
        for _ in 0..100 {
            client.write_all(&[22; 100]).await.expect("no reset");
            tokio::task::yield_now().await;
        }
        let mut answer = Vec::new();
        client.read_to_end(&mut answer).await.expect("no reset");
        assert_eq!((answer[0], answer.len()), (ALERT, 7));
    }
}

/// Asserts that writes fail from this time on.
async fn assert_cut_off(client: &mut DuplexStream, begun: Instant, time: Duration) {
    sleep(time - begun.elapsed() - Duration::from_millis(1)).await;
    client.write_all(b"more").await.expect("it is still read");
    sleep(Duration::from_millis(2)).await;
    client.write_all(b"more").await.expect_err("cut off");
}

/// A client whose handshake fails and who does not close.
#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_close_is_disconnected_after_a_second() {
    let (door, listener) = open(setup());
    let (report, mut reported) = reports();
    serve(listener.on_failure(report).with_deadline(Duration::MAX));
    let begun = Instant::now();
    let mut client = door.knock(1);
    client.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    let failed = reported.recv().await.unwrap();
    assert_eq!(failed.stage, Stage::Hello);
    assert_eq!(begun.elapsed(), Duration::ZERO, "reported at once");
    let mut answer = Vec::new();
    client.read_to_end(&mut answer).await.unwrap();
    assert_eq!((answer[0], answer.len()), (ALERT, 7));
    assert_eq!(
        begun.elapsed(),
        Duration::ZERO,
        "our direction is closed at once"
    );
    assert_cut_off(&mut client, begun, Duration::from_secs(1)).await;
}

#[tokio::test(start_paused = true)]
async fn the_deadline_covers_what_follows_a_failure() {
    let (door, listener) = open(setup());
    serve(listener.with_deadline(Duration::from_millis(500)));
    let begun = Instant::now();
    let mut client = door.knock(1);
    client.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    client.read_to_end(&mut Vec::new()).await.unwrap();
    assert_cut_off(&mut client, begun, Duration::from_millis(500)).await;
}

#[tokio::test(start_paused = true)]
async fn a_client_that_floods_is_disconnected_at_once() {
    let (door, listener) = open(setup());
    serve(listener);
    let begun = Instant::now();
    let mut client = door.knock(1);
    let mut sent = 0;
    while client.write_all(&[b'x'; 1024]).await.is_ok() {
        sent += 1024;
        assert!(sent < 1 << 20, "read without a limit");
    }
    assert_eq!(begun.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_clients_that_fail_is_bounded() {
    const CLIENTS: usize = 3000;
    let (door, listener) = open(setup());
    let (report, mut reported) = reports();
    serve(listener.on_failure(report));
    let mut clients = Vec::new();
    for number in 0..CLIENTS {
        let mut client = door.knock(number);
        client.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
        clients.push(client);
    }
    for _ in 0..CLIENTS {
        reported.recv().await.unwrap();
    }
    let mut open = 0;
    for client in &mut clients {
        client.read_to_end(&mut Vec::new()).await.unwrap();
        open += usize::from(client.write_all(b"more").await.is_ok());
    }
    assert_eq!(open, 1024);
}

#[tokio::test(start_paused = true)]
async fn a_lingering_client_counts_as_a_connection_and_not_as_a_handshake() {
    let (door, listener) = open(setup());
    let (report, mut reported) = reports();
    serve(
        listener
            .on_failure(report)
            .with_limit(1, WhenFull::Wait)
            .with_connection_limit(2, WhenFull::Wait),
    );
    let begun = Instant::now();
    let mut clients = Vec::new();
    for number in 0..3 {
        let mut client = door.knock(number);
        client.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
        clients.push(client);
    }
    for elapsed in [0, 0, 1] {
        let failed = reported.recv().await.unwrap();
        assert_eq!(failed.error.kind(), io::ErrorKind::InvalidData);
        assert_eq!(begun.elapsed().as_secs(), elapsed);
    }
}

#[tokio::test(start_paused = true)]
async fn the_shutdown_waits_for_a_refusal_to_arrive() {
    let setup = setup();
    let (door, pipes) = pipes();
    let (report, mut reported) = reports();
    let mut listener = TlsListener::new(pipes, shared(setup.server())).on_failure(report);
    let (mut client, far) = tokio::io::duplex(1024);
    door.send(Ok((far, 1))).unwrap();
    drop(door);
    client.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    let begun = Instant::now();
    let ended = tokio::spawn(async move { listener.accept().await.is_none() });
    reported.recv().await.unwrap();
    sleep(Duration::from_millis(300)).await;
    client.write_all(b"more").await.expect("it is still read");
    drop(client);
    assert!(ended.await.unwrap());
    assert_eq!(begun.elapsed(), Duration::from_millis(300));
}

type Chosen = io::Result<(server::TlsStream<DuplexStream>, ())>;

/// Requires a certificate that the client does not have.
async fn accept(incoming: Incoming<DuplexStream>) -> Chosen {
    let config = setup().client_auth().server();
    let stream = incoming.accept(Arc::new(config)).await?;
    Ok((stream, ()))
}

async fn refuse(incoming: Incoming<DuplexStream>) -> Chosen {
    let error = io::Error::other("refused");
    Err(incoming
        .refuse_with(AlertDescription::AccessDenied, error)
        .await)
}

/// Asserts that what the client sends after the alert is read for a second.
async fn assert_taken_in(handshaker: impl Handshaker<DuplexStream>) {
    let (door, pipes) = pipes();
    let (report, mut reported) = reports();
    let mut listener = TlsListener::new(pipes, handshaker).on_failure(report);
    tokio::spawn(async move { listener.accept().await.is_some() });
    let (mut client, far) = tokio::io::duplex(64 * 1024);
    door.send(Ok((far, 1))).unwrap();
    let begun = Instant::now();
    // Its own handshake may be complete before it is refused.
    if let Ok(mut stream) = connect(&setup(), &mut client).await {
        stream
            .read_to_end(&mut Vec::new())
            .await
            .expect_err("an alert");
    }
    let failed = reported.recv().await.unwrap();
    assert_eq!(failed.stage, Stage::Handshake);
    assert_eq!(begun.elapsed(), Duration::ZERO, "reported at once");
    assert_cut_off(&mut client, begun, Duration::from_secs(1)).await;
}

#[tokio::test(start_paused = true)]
async fn a_client_refused_by_a_function_is_read_for_a_second_too() {
    assert_taken_in(handshake_fn(accept)).await;
    assert_taken_in(handshake_fn(refuse)).await;
    assert_taken_in(tls_or_plain(async |peeked| match peeked {
        Peeked::Tls(incoming) => accept(incoming).await,
        Peeked::Plain(_) => Err(io::Error::other("not TLS")),
    }))
    .await;
}
