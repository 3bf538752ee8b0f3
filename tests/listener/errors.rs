//! Failures are reported, and do not end the listener.

use super::{assert_echo, open, pipes, reports, serve, setup};
use futures_util::{FutureExt, stream};
use pollback::hello::Incoming;
use pollback::listener::{Stage, TlsListener, Transports, WhenFull, handshake_fn};
use pollback::rustls::AlertDescription;
use pollback::{Error, ErrorKind};
use pollback_testkit::certificates::Authority;
use std::error::Error as _;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::time::Instant;

#[tokio::test(start_paused = true)]
async fn accepting_is_retried_after_a_growing_pause() {
    let (door, listener) = open(setup());
    let (report, mut reported) = reports();
    serve(listener.on_failure(report));
    // EMFILE and ENFILE have no `ErrorKind` of their own.
    let pauses = [0, 5, 10, 20, 40, 80, 160, 320, 640, 1000, 1000];
    for _ in pauses {
        door.fail(io::ErrorKind::Other);
    }
    for (attempt, pause) in pauses.into_iter().enumerate() {
        let before = Instant::now();
        let failed = reported.recv().await.unwrap();
        assert_eq!((failed.peer, failed.stage), (None, Stage::Accept));
        let elapsed = before.elapsed();
        let tick = Duration::from_millis(1);
        assert!(
            (Duration::from_millis(pause)..=Duration::from_millis(pause) + tick).contains(&elapsed),
            "attempt {attempt}: {elapsed:?}"
        );
    }
    let mut client = door.connect(1).await.unwrap().unwrap();
    assert_echo(&mut client).await;
    // After a success the next pause is short again.
    for _ in 0..2 {
        door.fail(io::ErrorKind::Other);
    }
    let before = Instant::now();
    reported.recv().await.unwrap();
    reported.recv().await.unwrap();
    assert!(before.elapsed() <= Duration::from_millis(6));
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_failed_before_it_was_accepted_causes_no_pause() {
    let (door, listener) = open(setup());
    let (report, mut reported) = reports();
    serve(listener.on_failure(report));
    let begun = Instant::now();
    for _ in 0..100 {
        door.fail(io::ErrorKind::ConnectionAborted);
    }
    let mut client = door.connect(1).await.unwrap().unwrap();
    assert_echo(&mut client).await;
    assert_eq!(begun.elapsed(), Duration::ZERO);
    for _ in 0..100 {
        let failed = reported.recv().await.unwrap();
        assert_eq!(failed.error.kind(), io::ErrorKind::ConnectionAborted);
    }
}

#[tokio::test(start_paused = true)]
async fn handshakes_continue_during_a_pause() {
    let (door, listener) = open(setup());
    serve(listener);
    let begun = Instant::now();
    let client = door.connect(1);
    door.fail(io::ErrorKind::Other);
    let mut client = client.await.unwrap().unwrap();
    assert_echo(&mut client).await;
    assert_eq!(begun.elapsed(), Duration::ZERO);
}

#[tokio::test]
async fn a_failed_handshake_is_reported_with_its_peer_error_and_stage() {
    let (door, listener) = open(setup());
    let (report, mut reported) = reports();
    serve(listener.on_failure(report));

    let mut plain = door.knock(1);
    plain.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    plain.read_to_end(&mut answer).await.unwrap();
    assert_eq!(answer[0], 21, "an alert");
    let failed = reported.recv().await.unwrap();
    assert_eq!((failed.peer, failed.stage), (Some(1), Stage::Hello));
    let kind = Error::find(&failed.error).map(|error| error.kind());
    assert_eq!(kind, Some(ErrorKind::NotTls));
    assert_eq!(Error::find(&failed).map(|error| error.kind()), kind);
    assert!(
        failed
            .to_string()
            .starts_with("1: reading the ClientHello failed: ")
    );
    assert!(failed.source().is_some());

    let distrustful = setup().client_trusting(&Authority::new());
    let connector = pollback::TlsConnector::from(Arc::new(distrustful));
    let client = connector.connect(super::localhost(), door.knock(2));
    client.await.expect_err("an unknown issuer");
    let failed = reported.recv().await.unwrap();
    assert_eq!((failed.peer, failed.stage), (Some(2), Stage::Handshake));
    let kind = Error::find(&failed.error).map(|error| error.kind());
    let alert = AlertDescription::UnknownCA;
    assert_eq!(kind, Some(ErrorKind::Alert(alert)));

    drop(door.knock(3));
    let failed = reported.recv().await.unwrap();
    assert_eq!((failed.peer, failed.stage), (Some(3), Stage::FirstByte));
    let kind = Error::find(&failed.error).map(|error| error.kind());
    assert_eq!(kind, Some(ErrorKind::Truncated));

    let mut client = door.connect(4).await.unwrap().unwrap();
    assert_echo(&mut client).await;
}

#[tokio::test]
async fn a_choice_that_panics_is_reported() {
    let (door, pipes) = pipes();
    let (report, mut reported) = reports();
    let choose = |incoming: Incoming<DuplexStream>| async move {
        assert!(
            incoming.client_hello().records().is_empty(),
            "this choice always panics"
        );
        Ok((incoming.into_rewind(), ()))
    };
    let mut listener = TlsListener::new(pipes, handshake_fn(choose)).on_failure(report);
    let server = tokio::spawn(async move { listener.accept().await.is_none() });
    let (near, far) = duplex(4096);
    door.send(Ok((far, 1))).unwrap();
    let client = super::connect(&setup(), near);
    client.await.expect_err("the server hangs up");
    let failed = reported.recv().await.unwrap();
    assert_eq!((failed.peer, failed.stage), (Some(1), Stage::Handshake));
    let text = failed.error.to_string();
    assert!(
        text.contains("panicked: this choice always panics"),
        "{text}"
    );
    drop(door);
    assert!(server.await.unwrap());
}

/// How often a source that is always ready is polled.
fn asked_in_one_poll<F>(next: F, limit: usize) -> usize
where
    F: Fn() -> io::Result<(DuplexStream, usize)> + Send + 'static,
{
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let endless = stream::poll_fn(move |_| {
        count.fetch_add(1, Ordering::Relaxed);
        Poll::Ready(Some(next()))
    });
    let mut listener = TlsListener::new(Transports(endless), super::shared(setup().server()))
        .with_limit(limit, WhenFull::Close);
    assert!(listener.accept().now_or_never().is_none());
    asked.load(Ordering::Relaxed)
}

#[tokio::test]
async fn one_poll_is_bounded_whatever_arrives() {
    for kind in [io::ErrorKind::ConnectionReset, io::ErrorKind::Interrupted] {
        let asked = asked_in_one_poll(move || Err(kind.into()), 1);
        assert!((1..=100).contains(&asked), "{asked} errors");
    }
    // None of them ever sends anything.
    let asked = asked_in_one_poll(|| Ok((duplex(1).0, 1)), 1);
    assert!((1..=100).contains(&asked), "{asked} connections refused");
    let asked = asked_in_one_poll(|| Ok((duplex(1).0, 1)), usize::MAX);
    assert!((1..=100).contains(&asked), "{asked} connections accepted");
}

#[tokio::test]
async fn other_tasks_run_while_errors_continue() {
    let endless = stream::repeat_with(|| {
        io::Result::<(DuplexStream, usize)>::Err(io::ErrorKind::ConnectionReset.into())
    });
    let mut listener = TlsListener::new(Transports(endless), super::shared(setup().server()));
    let accepting = tokio::spawn(async move { listener.accept().await.is_some() });
    tokio::task::yield_now().await;
    accepting.abort();
    assert!(accepting.await.expect_err("aborted").is_cancelled());
}
