//! The shutdown of a listener.

use super::{Served, assert_echo, connect, echo, heap, hello, open, reports, serve, setup};
use futures_util::{FutureExt, StreamExt, stream};
use pollback::listener::{Connection, Handshaker, ShutdownHandle, Stage, TlsListener, Transports};
use pollback::{Error, ErrorKind};
use pollback_testkit::budget::poll_with;
use pollback_testkit::pipe::{Control, End, Operation, pipe};
use std::io;
use std::pin::pin;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, yield_now};
use tokio::time::{Instant, sleep};

const GRACE: Duration = Duration::from_secs(30);

/// The time for closing streams after the grace time.
const SECOND: Duration = Duration::from_secs(1);

/// Asserts that the grace time was over, and that the network has not failed.
fn assert_ended(error: &io::Error) {
    assert_eq!(error.kind(), io::ErrorKind::ConnectionAborted);
    let kind = Error::find(error).map(|error| error.kind());
    assert_eq!(kind, Some(ErrorKind::Ended));
}

fn drain(shutdown: &ShutdownHandle) -> JoinHandle<usize> {
    let shutdown = shutdown.clone();
    tokio::spawn(async move { shutdown.drain(GRACE).await })
}

#[tokio::test]
async fn a_stopped_listener_closes_its_socket() {
    let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut listener = TlsListener::new(tcp, super::shared(setup().server()));
    let address = listener.local_addr().unwrap();
    let shutdown = listener.shutdown_handle();
    let server = tokio::spawn(async move {
        let ended = listener.accept().await.is_none();
        (ended, listener.local_addr().unwrap_err().kind())
    });
    yield_now().await;
    shutdown.stop();
    assert_eq!(server.await.unwrap(), (true, io::ErrorKind::NotConnected));
    let error = TcpStream::connect(address)
        .await
        .expect_err("the socket is closed");
    assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
}

#[tokio::test(start_paused = true)]
async fn handshakes_in_flight_are_finished_and_served() {
    let setup = setup();
    let (door, listener) = open(setup.clone());
    let shutdown = listener.shutdown_handle();
    let server = serve(listener);
    let io = door.knock(1);
    yield_now().await;
    let drained = drain(&shutdown);
    yield_now().await;
    let mut client = connect(&setup, io).await.expect("it had begun");
    assert_echo(&mut client).await;
    server.await.unwrap();
    assert!(!drained.is_finished(), "a connection is left");
    client.shutdown().await.unwrap();
    assert_eq!(client.read(&mut [0]).await.unwrap(), 0);
    assert_eq!(drained.await.unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_listener_without_connections_is_drained_at_once() {
    let (_door, listener) = open(setup());
    let shutdown = listener.shutdown_handle();
    let server = serve(listener);
    let begun = Instant::now();
    assert_eq!(shutdown.drain(GRACE).await, 0);
    assert_eq!(begun.elapsed(), Duration::ZERO);
    server.await.unwrap();
    assert_eq!(shutdown.drain(GRACE).await, 0, "and stays so");
}

#[tokio::test(start_paused = true)]
async fn remaining_connections_are_closed_with_a_close_notify_after_the_grace_time() {
    let (door, mut listener) = open(setup());
    let shutdown = listener.shutdown_handle();
    let mut clients = Vec::new();
    let mut served: Vec<JoinHandle<io::Result<()>>> = Vec::new();
    for number in 0..3 {
        let client = door.connect(number);
        served.push(tokio::spawn(echo(listener.accept().await.unwrap())));
        clients.push(client.await.unwrap().unwrap());
    }
    let server = serve(listener);
    let mut stalled = door.knock(3);
    yield_now().await;
    let begun = Instant::now();
    assert_eq!(shutdown.drain(GRACE).await, 3);
    assert_eq!(begun.elapsed(), GRACE);
    for client in &mut clients {
        // Without close_notify this would be an error.
        assert_eq!(client.read(&mut [0]).await.unwrap(), 0);
    }
    for served in served {
        assert_ended(&served.await.unwrap().expect_err("cut off"));
    }
    assert_eq!(stalled.read(&mut [0]).await.unwrap(), 0);
    server.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn handshakes_that_the_shutdown_aborts_are_reported() {
    let setup = setup();
    let (door, listener) = open(setup.clone());
    let (report, mut reported) = reports();
    let listener = listener.with_deadline(2 * GRACE).on_failure(report);
    let shutdown = listener.shutdown_handle();
    let server = serve(listener);
    let _silent = door.knock(0);
    let mut stalled = door.knock(1);
    stalled.write_all(&hello(&setup)).await.unwrap();
    yield_now().await;
    let begun = Instant::now();
    assert_eq!(shutdown.drain(GRACE).await, 0, "they are not streams yet");
    assert_eq!(begun.elapsed(), GRACE);
    server.await.unwrap();
    let mut stages = [None; 2];
    while let Some(failed) = reported.recv().await {
        assert_ended(&failed.error);
        stages[failed.peer.expect("it is known")] = Some(failed.stage);
    }
    assert_eq!(stages, [Some(Stage::FirstByte), Some(Stage::Handshake)]);
}

/// A connection that the listener has returned, and its client.
async fn established() -> (
    ShutdownHandle,
    Served,
    pollback::client::TlsStream<tokio::io::DuplexStream>,
) {
    let (door, mut listener) = open(setup());
    let client = door.connect(1);
    let connection = listener.accept().await.unwrap();
    (
        listener.shutdown_handle(),
        connection,
        client.await.unwrap().unwrap(),
    )
}

#[tokio::test(start_paused = true)]
async fn a_reader_and_a_writer_are_both_woken_after_the_grace_time() {
    let (shutdown, connection, mut client) = established().await;
    let (mut reader, mut writer) = tokio::io::split(connection);
    let reads = tokio::spawn(async move { reader.read(&mut [0]).await });
    let writes = tokio::spawn(async move {
        loop {
            writer.write_all(&[7; 16 * 1024]).await?;
        }
    });
    let drained = drain(&shutdown);
    sleep(GRACE + Duration::from_millis(1)).await;
    // The writer has filled the pipe; written data precedes the close_notify.
    let mut received = Vec::new();
    client.read_to_end(&mut received).await.unwrap();
    assert!(received.len() > 16 * 1024);
    assert_ended(&reads.await.unwrap().expect_err("cut off"));
    let written: io::Result<()> = writes.await.unwrap();
    assert_ended(&written.expect_err("cut off"));
    assert_eq!(drained.await.unwrap(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_blocked_close_notify_does_not_delay_the_end() {
    let (shutdown, mut connection, client) = established().await;
    let stuck = tokio::spawn(async move {
        loop {
            connection.write_all(&[7; 16 * 1024]).await?;
        }
        #[allow(unreachable_code)] // Gives the task its type.
        io::Result::Ok(())
    });
    let begun = Instant::now();
    assert_eq!(shutdown.drain(GRACE).await, 1);
    assert_eq!(begun.elapsed(), GRACE + SECOND);
    // Although the client is still there.
    assert_ended(&stuck.await.unwrap().expect_err("cut off"));
    assert_eq!(begun.elapsed(), GRACE + SECOND);
    drop(client);
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_drain_does_not_affect_connections() {
    let (shutdown, connection, mut client) = established().await;
    let served = tokio::spawn(echo(connection));
    assert!(shutdown.drain(GRACE).now_or_never().is_none());
    sleep(2 * GRACE).await;
    assert_echo(&mut client).await;
    client.shutdown().await.unwrap();
    served.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_unused_connection_fails_when_it_is_next_used() {
    let (shutdown, mut connection, mut client) = established().await;
    let drained = drain(&shutdown);
    sleep(GRACE + Duration::from_millis(1)).await;
    let error = connection.write(b"late").await.expect_err("it is over");
    assert_ended(&error);
    connection.flush().await.expect_err("it is over");
    connection
        .shutdown()
        .await
        .expect("a shutdown does no harm");
    drop(connection);
    assert_eq!(client.read(&mut [0]).await.unwrap(), 0);
    assert_eq!(drained.await.unwrap(), 1);
}

/// Serves transports without TLS.
#[derive(Clone)]
struct AsItIs;

impl<IO: Send + 'static> Handshaker<IO> for AsItIs {
    type Stream = IO;
    type HandshakeData = ();

    async fn handshake(self, io: IO, _: &mut Stage) -> io::Result<(IO, ())> {
        Ok((io, ()))
    }
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_before_the_end_of_the_grace_time_is_that_of_the_stream() {
    let (_near, far) = pipe(16);
    let control = far.control();
    control.scalar();
    let source = Transports(stream::iter([io::Result::Ok((far, 1))]).chain(stream::pending()));
    let mut listener = TlsListener::new(source, AsItIs);
    let shutdown = listener.shutdown_handle();
    let mut connection = listener.accept().await.unwrap();
    assert!(!connection.is_write_vectored());
    // Twice, since the stream decides what a second one does.
    connection.shutdown().await.unwrap();
    connection.shutdown().await.unwrap();
    assert_eq!(control.counts().shutdown.calls, 2);
    drop(connection);
    assert_eq!(shutdown.drain(GRACE).await, 0);
}

#[tokio::test(start_paused = true)]
async fn two_tasks_that_close_the_same_connection_both_complete() {
    let (_near, far) = pipe(16);
    let control = far.control();
    let incoming = Transports(stream::iter([io::Result::Ok((far, 1))]).chain(stream::pending()));
    let mut listener = TlsListener::new(incoming, AsItIs);
    let shutdown = listener.shutdown_handle();
    let (mut reader, mut writer) = tokio::io::split(listener.accept().await.unwrap());
    drop(listener);
    let reads = tokio::spawn(async move { reader.read(&mut [0]).await.map(drop) });
    let writes = tokio::spawn(async move { writer.write_all(&[7; 32]).await });
    // Like a socket, the transport wakes only the task that has polled last.
    control.block(Operation::Shutdown);
    let drained = drain(&shutdown);
    sleep(GRACE + Duration::from_millis(1)).await;
    assert!(!reads.is_finished() && !writes.is_finished());
    control.unblock(Operation::Shutdown);
    for task in [reads, writes] {
        assert_ended(&task.await.unwrap().expect_err("cut off"));
    }
    assert_eq!(drained.await.unwrap(), 1);
}

/// A connection over a pipe that does not shut down, and its two halves.
async fn stuck() -> (
    ShutdownHandle,
    Control,
    ReadHalf<Connection<End, i32, ()>>,
    WriteHalf<Connection<End, i32, ()>>,
    End,
) {
    let (near, far) = pipe(16);
    let control = far.control();
    control.block(Operation::Shutdown);
    let source = Transports(stream::iter([io::Result::Ok((far, 1))]).chain(stream::pending()));
    let mut listener = TlsListener::new(source, AsItIs);
    let shutdown = listener.shutdown_handle();
    let (reader, writer) = tokio::io::split(listener.accept().await.unwrap());
    (shutdown, control, reader, writer, near)
}

#[tokio::test(start_paused = true)]
async fn a_dropped_half_does_not_take_the_wakeup_of_the_other() {
    for drops_reader in [false, true] {
        let (shutdown, control, mut reader, mut writer, _near) = stuck().await;
        let reads = tokio::spawn(async move { reader.read(&mut [0]).await.map(drop) });
        let writes = tokio::spawn(async move { writer.write_all(&[7; 32]).await });
        let drained = drain(&shutdown);
        sleep(GRACE + Duration::from_millis(1)).await;
        assert!(!reads.is_finished() && !writes.is_finished());
        let (gone, left) = if drops_reader {
            (reads, writes)
        } else {
            (writes, reads)
        };
        gone.abort();
        gone.await.expect_err("aborted");
        let before = Instant::now();
        control.unblock(Operation::Shutdown);
        assert_ended(&left.await.unwrap().expect_err("cut off"));
        assert_eq!(before.elapsed(), Duration::ZERO, "woken by the transport");
        assert_eq!(drained.await.unwrap(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn after_a_second_every_operation_has_failed() {
    let (shutdown, _control, mut reader, mut writer, _near) = stuck().await;
    let begun = Instant::now();
    let reads = tokio::spawn(async move {
        let first = reader.read(&mut [0]).await;
        (first, reader.read(&mut [0]).await)
    });
    let writes = tokio::spawn(async move { (writer.shutdown().await, writer.write(b"x").await) });
    assert_eq!(shutdown.drain(GRACE).await, 1);
    assert_eq!(begun.elapsed(), GRACE + SECOND);
    let (first, second) = reads.await.unwrap();
    assert_ended(&first.expect_err("cut off"));
    assert_ended(&second.expect_err("cut off"));
    let (shut, written) = writes.await.unwrap();
    assert_ended(&shut.expect_err("cut off"));
    assert_ended(&written.expect_err("cut off"));
    assert_eq!(begun.elapsed(), GRACE + SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_drain_dropped_while_it_closes_fails_all_connections() {
    let (shutdown, _control, mut reader, _writer, _near) = stuck().await;
    let reads = tokio::spawn(async move { reader.read(&mut [0]).await });
    let drained = drain(&shutdown);
    sleep(GRACE + Duration::from_millis(1)).await;
    assert!(!reads.is_finished());
    let before = Instant::now();
    drained.abort();
    assert_ended(&reads.await.unwrap().expect_err("cut off"));
    assert_eq!(before.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn the_end_of_the_grace_time_can_be_awaited() {
    let (shutdown, connection, _client) = established().await;
    let begun = Instant::now();
    let told = shutdown.clone();
    let ended = tokio::spawn(async move { told.grace_ended().await });
    let told = shutdown.clone();
    let stopped = tokio::spawn(async move {
        told.stopped().await;
        begun.elapsed()
    });
    let _drained = drain(&shutdown);
    ended.await.unwrap();
    assert_eq!(begun.elapsed(), GRACE);
    assert_eq!(stopped.await.unwrap(), Duration::ZERO);
    shutdown.grace_ended().await;
    drop(connection);
}

#[tokio::test(start_paused = true)]
async fn waiting_for_the_stop_does_not_delay_the_drain() {
    let (shutdown, connection, _client) = established().await;
    drop(connection);
    let told = shutdown.clone();
    let mut stopped = Box::pin(told.stopped());
    assert!((&mut stopped).now_or_never().is_none());
    let begun = Instant::now();
    assert_eq!(shutdown.drain(GRACE).await, 0);
    assert_eq!(begun.elapsed(), Duration::ZERO);
    stopped.await;
}

#[tokio::test(start_paused = true)]
async fn closing_waits_for_the_client_but_not_beyond_the_grace_time() {
    let (_, mut connection, mut client) = established().await;
    let closed = tokio::spawn(async move { connection.close().await });
    assert_eq!(client.read(&mut [0]).await.unwrap(), 0);
    client.write_all(b"never read").await.unwrap();
    sleep(GRACE).await;
    assert!(!closed.is_finished());
    client.shutdown().await.unwrap();
    closed.await.unwrap().unwrap();

    let (shutdown, mut connection, _client) = established().await;
    let closed = tokio::spawn(async move { connection.close().await });
    assert_eq!(shutdown.drain(GRACE).await, 1);
    assert_ended(&closed.await.unwrap().expect_err("cut off"));
}

/// The cost of being able to close a connection from another task while it waits for its client.
#[tokio::test(start_paused = true)]
async fn a_waiting_connection_costs_little_more_than_its_stream() {
    const CONNECTIONS: usize = 100;
    let (_near, far): (Vec<_>, Vec<_>) = (0..CONNECTIONS).map(|_| pipe(16)).unzip();
    let source = stream::iter(far.into_iter().map(|far| io::Result::Ok((far, 1))));
    let mut listener = TlsListener::new(Transports(source), AsItIs);
    let mut connections = Vec::with_capacity(CONNECTIONS);
    while let Some(connection) = listener.accept().await {
        connections.push(connection);
    }
    let before = heap::in_use();
    for connection in &mut connections {
        assert!(connection.read(&mut [0]).now_or_never().is_none());
    }
    let each = (heap::in_use() - before) / CONNECTIONS as isize;
    assert!((1..=256).contains(&each), "{each} bytes");
}

/// The task is woken by tokio, and its next poll must not take the first for a registration.
#[tokio::test(start_paused = true)]
async fn a_reader_without_budget_learns_of_the_end_of_the_grace_time() {
    let (door, mut listener) = open(setup());
    let shutdown = listener.shutdown_handle();
    let client = door.connect(1);
    let mut connection = listener.accept().await.unwrap();
    drop(listener);
    let reader = tokio::spawn(async move {
        let mut room = [0];
        let mut read = pin!(connection.read(&mut room));
        assert!(poll_with(0, &mut read).await.is_pending());
        read.await
    });
    // Until it waits.
    sleep(SECOND).await;
    assert_eq!(drain(&shutdown).await.unwrap(), 1);
    sleep(2 * SECOND).await;
    assert!(reader.is_finished(), "it was not woken");
    assert_ended(&reader.await.unwrap().expect_err("the end"));
    drop(client);
}
