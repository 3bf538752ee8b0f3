//! Closing a real TCP connection, whose kernel responds to unread bytes with a reset that destroys
//! data in transit.
//!
//! The peer is a rustls connection that is driven by hand on a thread, so that each test can
//! control the order of events. Its receive buffer is small: most of what the subject sends is in
//! the subject's kernel when the subject is dropped.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream as StdTcpStream};
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};

use pollback::rustls::{ClientConnection, Connection, ServerConnection};
use pollback::{client, server};
use pollback_testkit::configs::{Setup, Version};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use crate::support::{acceptor, connector, localhost, pattern};

/// Fits into the smallest receive buffer of a socket.
const LITTLE: usize = 500;

/// More than the peer's kernel accepts, less than fits into our send buffer.
const MUCH: usize = 100_000;

/// The requested sizes of the kernel's buffers.
const SMALL_BUFFER: u32 = 4096;
const LARGE_BUFFER: u32 = 400_000;

/// When the tickets of the server arrive at the client.
#[cfg_attr(not(target_os = "linux"), allow(dead_code))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tickets {
    BeforeTheShutdown,
    AfterTheDrop,
    /// After the client has shut down, while it waits.
    AfterTheShutdown,
}

/// How the subject leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Leave {
    ByShutdown,
    ByClose,
}

#[tokio::test]
async fn data_of_a_client_arrives_if_the_tickets_arrive_before_its_shutdown() {
    for version in Version::ALL {
        for leave in [Leave::ByShutdown, Leave::ByClose] {
            for length in [LITTLE, MUCH] {
                let heard = write_and_leave(version, length, leave, Tickets::BeforeTheShutdown);
                let heard = heard.await.expect("a clean end");
                assert!(heard == pattern(length), "{version:?}, {leave:?}, {length}");
            }
        }
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn little_data_arrives_even_if_the_tickets_arrive_after_the_drop() {
    let heard = write_and_leave(
        Version::Tls13,
        LITTLE,
        Leave::ByShutdown,
        Tickets::AfterTheDrop,
    );
    assert!(heard.await.expect("a clean end") == pattern(LITTLE));
}

#[tokio::test]
async fn data_of_a_client_that_closes_arrives_even_if_the_tickets_are_late() {
    for length in [LITTLE, MUCH] {
        let heard = write_and_leave(
            Version::Tls13,
            length,
            Leave::ByClose,
            Tickets::AfterTheShutdown,
        );
        assert!(heard.await.expect("a clean end") == pattern(length));
    }
}

/// This is what `close` is for: a shutdown alone cannot help here.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn much_data_is_lost_after_a_shutdown_if_the_tickets_arrive_after_the_drop() {
    let heard = write_and_leave(
        Version::Tls13,
        MUCH,
        Leave::ByShutdown,
        Tickets::AfterTheDrop,
    );
    let error = heard.await.expect_err("a reset");
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn the_response_of_a_server_that_closes_reaches_a_client_that_still_sends() {
    for version in Version::ALL {
        let heard = answer_and_leave(version, Leave::ByClose).await;
        assert!(heard.expect("a clean end") == pattern(MUCH), "{version:?}");
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_shutdown_is_not_enough_for_a_client_that_still_sends() {
    for version in Version::ALL {
        let heard = answer_and_leave(version, Leave::ByShutdown).await;
        let error = heard.expect_err("a reset");
        let kinds = [io::ErrorKind::ConnectionReset, io::ErrorKind::BrokenPipe];
        assert!(kinds.contains(&error.kind()), "{version:?}: {error}");
    }
}

/// A client writes, leaves and is dropped; returns what the server receives.
async fn write_and_leave(
    version: Version,
    length: usize,
    leave: Leave,
    tickets: Tickets,
) -> io::Result<Vec<u8>> {
    let setup = Setup::new(version);
    let listener = listener(SMALL_BUFFER);
    let address = listener.local_addr().expect("an address");
    let (events, happened) = mpsc::channel();
    let config = Arc::new(setup.server());
    let tcp = connect(address, LARGE_BUFFER);
    let (tcp, accepted) = tokio::join!(tcp, listener.accept());
    let mut peer = blocking(accepted.expect("a connection").0);
    let server: JoinHandle<io::Result<Vec<u8>>> = thread::spawn(move || {
        let mut connection = Connection::Server(ServerConnection::new(config).expect("usable"));
        if tickets == Tickets::BeforeTheShutdown {
            finish_handshake(&mut connection, &mut peer)?;
            happened.recv().expect("the client leaves");
        } else {
            // With this flight the handshake is complete for the client, but not for the server.
            while !connection.wants_write() {
                connection.read_tls(&mut peer)?;
                connection.process_new_packets().expect("a hello");
            }
            while connection.wants_write() {
                connection.write_tls(&mut peer)?;
            }
            happened.recv().expect("the client leaves");
            finish_handshake(&mut connection, &mut peer)?;
        }
        read_to_end(&mut connection, &mut peer)
    });
    let connecting = connector(setup.client()).connect(localhost(), tcp);
    let mut stream = connecting.await.expect("a handshake");
    if tickets == Tickets::BeforeTheShutdown && version == Version::Tls13 {
        let unread = stream.get_ref().0.peek(&mut [0]).await;
        assert_eq!(unread.expect("the tickets"), 1);
    }
    stream.write_all(&pattern(length)).await.expect("a write");
    match leave {
        Leave::ByShutdown => {
            stream.shutdown().await.expect("a shutdown");
            drop(stream);
            events.send(()).expect("the server waits");
        }
        Leave::ByClose => close(stream, events).await,
    }
    tokio::task::spawn_blocking(|| server.join().expect("a server"))
        .await
        .expect("a thread")
}

/// Closes, and reports when the shutdown is over and the wait for the peer begins.
async fn close(mut stream: client::TlsStream<TcpStream>, events: mpsc::Sender<()>) {
    stream.shutdown().await.expect("a shutdown");
    events.send(()).expect("the server waits");
    stream.close().await.expect("the server closes");
}

/// A server responds to a client that continues to send and reads only afterwards, leaves and is
/// dropped; returns what the client receives.
async fn answer_and_leave(version: Version, leave: Leave) -> io::Result<Vec<u8>> {
    let setup = Setup::new(version);
    let listener = listener(SMALL_BUFFER);
    let address = listener.local_addr().expect("an address");
    let (tcp, accepted) = tokio::join!(connect(address, LARGE_BUFFER), listener.accept());
    let mut peer = blocking(tcp);
    let config = Arc::new(setup.client());
    let client: JoinHandle<io::Result<Vec<u8>>> = thread::spawn(move || {
        let connection = ClientConnection::new(config, localhost());
        let mut connection = Connection::Client(connection.expect("usable"));
        finish_handshake(&mut connection, &mut peer)?;
        // More than the buffers of both kernels hold, so the server leaves in the middle of it.
        for chunk in pattern(20 * MUCH).chunks(10_000) {
            connection.writer().write_all(chunk)?;
            while connection.wants_write() {
                connection.write_tls(&mut peer)?;
            }
        }
        read_to_end(&mut connection, &mut peer)
    });
    let (tcp, _) = accepted.expect("a connection");
    let accepting = acceptor(setup.server()).accept(tcp);
    let mut stream: server::TlsStream<TcpStream> = accepting.await.expect("a handshake");
    stream.read_u8().await.expect("the start of a request");
    stream.write_all(&pattern(MUCH)).await.expect("an answer");
    match leave {
        Leave::ByShutdown => stream.shutdown().await.expect("a shutdown"),
        Leave::ByClose => stream.close().await.expect("the client closes"),
    }
    drop(stream);
    tokio::task::spawn_blocking(|| client.join().expect("a client"))
        .await
        .expect("a thread")
}

fn listener(receive_buffer: u32) -> TcpListener {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket
        .set_recv_buffer_size(receive_buffer)
        .expect("an allowed size");
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    socket.bind(any).expect("a free port");
    socket.listen(1).expect("a listener")
}

async fn connect(address: SocketAddr, send_buffer: u32) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket
        .set_send_buffer_size(send_buffer)
        .expect("an allowed size");
    socket.connect(address).await.expect("a connection")
}

fn blocking(tcp: TcpStream) -> StdTcpStream {
    let tcp = tcp.into_std().expect("a socket");
    tcp.set_nonblocking(false).expect("a blocking socket");
    tcp
}

fn finish_handshake(connection: &mut Connection, tcp: &mut StdTcpStream) -> io::Result<()> {
    while connection.is_handshaking() || connection.wants_write() {
        connection.complete_io(tcp)?;
    }
    Ok(())
}

/// Reads until the close_notify, and closes.
fn read_to_end(connection: &mut Connection, tcp: &mut StdTcpStream) -> io::Result<Vec<u8>> {
    let mut received = Vec::new();
    let mut buffer = [0; 16 * 1024];
    loop {
        match connection.reader().read(&mut buffer) {
            Ok(0) => return Ok(received),
            Ok(length) => received.extend(&buffer[..length]),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                connection.read_tls(tcp)?;
                connection.process_new_packets().map_err(io::Error::other)?;
            }
            Err(error) => return Err(error),
        }
    }
}
