//! 7. A shutdown reads what has arrived before the transport is closed.

use std::io;
use std::task::Poll;

use crate::engine::Setup;
use pollback_testkit::configs::Version;
use pollback_testkit::executor;
use pollback_testkit::pipe::{Answer, End, Operation, pipe};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use pollback::Options;

use crate::support::{
    WIDE, acceptor, connector, for_each_shape, for_each_talk, for_each_talk_and_shape, handshake,
    localhost, pattern, poll_once, receive_all, send,
};

#[test]
fn tickets_are_read_before_the_transport_is_closed() {
    for version in Version::ALL {
        for at_once in [usize::MAX, 1] {
            let setup = Setup::new(version);
            let ends = pipe(WIDE);
            let client_io = ends.0.control();
            let (mut client, mut server) = handshake(setup.client(), setup.server(), ends);
            // All messages of the server after the handshake have now arrived at the client.
            executor::block_on(server.flush()).expect("a flush");
            client_io.at_most(Operation::Read, at_once);
            executor::block_on(client.shutdown()).expect("a shutdown");
            let unread = client_io.counts().unread_at_shutdown;
            assert_eq!(unread, Some(0), "{version:?}, {at_once} at once");
        }
    }
}

#[test]
fn data_read_by_a_shutdown_is_not_lost() {
    for_each_talk(|mut talk| {
        let bytes = pattern(3000);
        executor::block_on(async {
            send(&mut talk.peer, &bytes).await;
            talk.peer.shutdown().await.expect("a shutdown");
            talk.subject.shutdown().await.expect("a shutdown");
        });
        assert_eq!(talk.subject_io.counts().unread_at_shutdown, Some(0));
        let received = executor::block_on(receive_all(&mut talk.subject)).expect("a clean end");
        assert!(received == bytes);
    });
}

#[test]
fn a_transport_that_the_peer_has_closed_already_is_shut_down() {
    for_each_talk(|mut talk| {
        let closed = Answer::Error(io::ErrorKind::NotConnected);
        talk.subject_io.script(Operation::Shutdown, [closed]);
        executor::block_on(talk.subject.shutdown()).expect("a shutdown");
        assert_eq!(talk.subject_io.applied().len(), 1);
    });
    for_each_talk(|mut talk| {
        let failed = Answer::Error(io::ErrorKind::ConnectionReset);
        talk.subject_io.script(Operation::Shutdown, [failed]);
        let error = executor::block_on(talk.subject.shutdown()).expect_err("a failure");
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    });
}

#[test]
fn a_shutdown_closes_every_transport_after_close_notify() {
    for_each_talk_and_shape(|mut talk| {
        let bytes = pattern(3000);
        let subject = async {
            // No flush: the shutdown sends what is left.
            talk.subject.write_all(&bytes).await.expect("a write");
            talk.subject.shutdown().await.expect("a shutdown");
            talk.subject.shutdown().await.expect("a repeated shutdown");
        };
        let ((), received) = executor::join(subject, receive_all(&mut talk.peer));
        assert!(received.expect("a clean end") == bytes);
        assert!(talk.subject_io.is_closed());
    });
}

#[test]
fn both_sides_may_shut_down_at_the_same_time() {
    for_each_shape(|version, shape| {
        let setup = Setup::new(version);
        let (mut client, mut server) = handshake(setup.client(), setup.server(), shape.open());
        let (client, server) = executor::join(leave(&mut client), leave(&mut server));
        assert!(client.is_empty() && server.is_empty());
    });
}

/// Neither shutdown completes before the other side has read.
#[test]
fn both_sides_may_shut_down_with_full_send_buffers() {
    let batched = Options::new().with_batched_writes(true);
    for options in [
        Options::new(),
        batched,
        batched.with_send_buffer_limit(150_000),
    ] {
        for_each_shape(|version, shape| {
            assert_both_shut_down_full(version, shape.open(), options);
        });
    }
}

/// Far more than what is read by default while there is little to send.
#[test]
fn both_sides_may_shut_down_with_large_send_buffers_full() {
    let options = Options::new().with_send_buffer_limit(300_000);
    for version in Version::ALL {
        assert_both_shut_down_full(version, pipe(16 * 1024), options);
    }
}

fn assert_both_shut_down_full(version: Version, ends: (End, End), options: Options) {
    let setup = Setup::new(version);
    let connector = connector(setup.client()).with_options(options);
    let acceptor = acceptor(setup.server()).with_options(options);
    let (client, server) = executor::join(
        connector.connect(localhost(), ends.0),
        acceptor.accept(ends.1),
    );
    let mut client = client.expect("the client connects");
    let mut server = server.expect("the server accepts");
    let (from_client, from_server) = (fill(&mut client), fill(&mut server));
    let (to_client, to_server) = executor::join(leave(&mut client), leave(&mut server));
    assert!(to_client == from_server && to_server == from_client);
}

#[tokio::test]
async fn both_sides_may_shut_down_with_full_sockets() {
    for version in Version::ALL {
        let setup = Setup::new(version);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a listener");
        let address = listener.local_addr().expect("an address");
        let client = async {
            let tcp = TcpStream::connect(address).await.expect("a connection");
            connector(setup.client()).connect(localhost(), tcp).await
        };
        let server = async {
            let (tcp, _) = listener.accept().await.expect("a connection");
            acceptor(setup.server()).accept(tcp).await
        };
        let (client, server) = tokio::join!(client, server);
        let mut client = client.expect("the client connects");
        let mut server = server.expect("the server accepts");
        let (from_client, from_server) = (fill(&mut client), fill(&mut server));
        let (to_client, to_server) = tokio::join!(leave(&mut client), leave(&mut server));
        assert!(to_client == from_server && to_server == from_client);
    }
}

/// Writes until the stream accepts nothing more.
fn fill<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S) -> Vec<u8> {
    let bytes = pattern(10_000);
    let mut taken = Vec::new();
    // A task's budget may also end a write; a blocked transport ends them all.
    let mut refused = 0;
    while refused < 3 {
        match poll_once(stream.write(&bytes)) {
            Poll::Ready(count) => {
                taken.extend(&bytes[..count.expect("a successful write")]);
                refused = 0;
            }
            Poll::Pending => refused += 1,
        }
    }
    taken
}

async fn leave<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S) -> Vec<u8> {
    stream.shutdown().await.expect("a shutdown");
    receive_all(stream).await.expect("a clean end")
}

/// If tickets are unread, closing a socket makes the kernel send a reset, which destroys data in
/// transit.
#[tokio::test]
async fn data_of_a_client_that_writes_and_leaves_arrives_over_tcp() {
    for version in Version::ALL {
        let setup = Setup::new(version);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a listener");
        let address = listener.local_addr().expect("an address");
        let bytes = pattern(200_000);
        let (greet, greeted) = oneshot::channel();
        let (leave, left) = oneshot::channel();
        let client = async {
            let tcp = TcpStream::connect(address).await.expect("a connection");
            let connector = connector(setup.client());
            let mut stream = connector
                .connect(localhost(), tcp)
                .await
                .expect("a handshake");
            greeted.await.expect("a server");
            if version == Version::Tls13 {
                let tcp = stream.get_ref().0;
                tcp.peek(&mut [0]).await.expect("the tickets are here");
            }
            stream.write_all(&bytes).await.expect("a write");
            stream.shutdown().await.expect("a shutdown");
            drop(stream);
            leave.send(()).expect("the server waits");
        };
        let server = async {
            let (tcp, _) = listener.accept().await.expect("a connection");
            let mut stream = acceptor(setup.server())
                .accept(tcp)
                .await
                .expect("a handshake");
            stream.flush().await.expect("the tickets are sent");
            greet.send(()).expect("the client waits");
            left.await.expect("the client leaves");
            receive_all(&mut stream).await.expect("a clean end")
        };
        let ((), received) = tokio::join!(client, server);
        assert!(received == bytes, "{version:?}");
    }
}
