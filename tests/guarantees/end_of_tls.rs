//! The end of TLS, after which the transport continues in plaintext.

use std::io;

use pollback_testkit::executor;
use pollback_testkit::pipe::{Control, End, Operation};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::engine::TlsStream;
use crate::support::{
    Talk, error_kind, for_each_talk, for_each_talk_and_shape, poll_once, receive, send,
};
use pollback::ErrorKind;

fn transport(stream: TlsStream<End>) -> Result<End, ErrorKind> {
    let transport = stream.into_transport();
    transport.map_err(|(error, _)| error_kind(&error).expect("an error of this crate"))
}

/// The rest of a transport.
trait Rest: AsyncRead + AsyncWrite + Unpin {}

impl<T: AsyncRead + AsyncWrite + Unpin> Rest for T {}

/// The transport after the end of TLS, including bytes that have already arrived.
fn rest(stream: TlsStream<End>) -> Box<dyn Rest> {
    match stream {
        TlsStream::Client(stream) => Box::new(stream.into_parts()),
        TlsStream::Server(stream) => Box::new(stream.into_parts()),
    }
}

/// Repeats interrupted attempts, as a stream does.
async fn patiently<T>(mut attempt: impl AsyncFnMut() -> io::Result<T>) -> T {
    loop {
        match attempt().await {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result.expect("a transport without faults"),
        }
    }
}

async fn clear_send(transport: &mut (impl AsyncWrite + Unpin), bytes: &[u8]) {
    for byte in bytes {
        patiently(async || transport.write_u8(*byte).await).await;
    }
    patiently(async || transport.flush().await).await;
}

async fn clear_receive(transport: &mut (impl AsyncRead + Unpin), length: usize) -> Vec<u8> {
    let mut received = Vec::new();
    while received.len() < length {
        received.push(patiently(async || transport.read_u8().await).await);
    }
    received
}

#[test]
fn both_sides_continue_in_plaintext() {
    for_each_talk_and_shape(|talk| {
        let Talk {
            mut subject,
            mut peer,
            ..
        } = talk;
        executor::join(
            async {
                send(&mut subject, b"secret").await;
                subject.end_tls().await.expect("the end of TLS");
                let mut transport = transport(subject).expect("nothing follows");
                clear_send(&mut transport, b"in the clear").await;
                assert_eq!(clear_receive(&mut transport, 1).await, b"!");
            },
            async {
                assert_eq!(receive(&mut peer, 6).await, b"secret");
                peer.end_tls().await.expect("the end of TLS");
                // The first bytes in plaintext may have arrived with the close_notify.
                let mut left = rest(peer);
                assert_eq!(clear_receive(&mut left, 12).await, b"in the clear");
                clear_send(&mut left, b"!").await;
                left
            },
        );
    });
}

/// A peer that has ended TLS, and has sent these bytes after its close_notify.
fn trailing(peer: &mut TlsStream<End>, subject_io: &Control, bytes: &[u8]) {
    assert!(poll_once(peer.end_tls()).is_pending());
    subject_io.inject(bytes);
}

#[test]
fn bytes_after_a_close_notify_are_an_error_unless_requested() {
    for_each_talk(|mut talk| {
        trailing(&mut talk.peer, &talk.subject_io, b"220 hello");
        let mut subject = talk.subject;
        executor::block_on(subject.end_tls()).expect("the end of TLS");
        let (error, subject) = subject.into_transport().expect_err("bytes that follow");
        assert_eq!(error_kind(&error), Some(ErrorKind::TrailingData));
        talk.subject_io.inject(b", later");
        let read = executor::block_on(receive(&mut rest(subject), 16));
        assert_eq!(read, b"220 hello, later");
    });
}

#[test]
fn plaintext_before_the_end_is_not_dropped() {
    for_each_talk(|mut talk| {
        executor::block_on(send(&mut talk.peer, b"last words"));
        assert!(poll_once(talk.peer.end_tls()).is_pending());
        let subject = &mut talk.subject;
        let error = executor::block_on(subject.end_tls()).expect_err("unread");
        assert_eq!(error_kind(&error), Some(ErrorKind::UnreadData));
        assert_eq!(executor::block_on(receive(subject, 10)), b"last words");
        executor::block_on(subject.end_tls()).expect("the end of TLS");
        executor::block_on(talk.peer.end_tls()).expect("the end of TLS");
        assert!(transport(talk.subject).is_ok());
    });
}

#[test]
fn the_end_of_the_transport_is_not_the_end_of_tls() {
    for_each_talk(|mut talk| {
        drop(talk.peer);
        let error = executor::block_on(talk.subject.end_tls()).expect_err("no close_notify");
        let kind = error_kind(&error);
        let is_broken = error.kind() == io::ErrorKind::BrokenPipe;
        assert!(kind == Some(ErrorKind::Truncated) || is_broken, "{error}");
        assert_eq!(transport(talk.subject).err(), Some(ErrorKind::NotEnded));
    });
}

#[test]
fn tls_that_has_not_ended_keeps_its_transport() {
    for_each_talk(|mut talk| {
        // Cancelled, and tried again later.
        assert!(poll_once(talk.subject.end_tls()).is_pending());
        let error = executor::block_on(talk.subject.write(b"x")).expect_err("our side has ended");
        assert_eq!(error_kind(&error), Some(ErrorKind::Closed));
        let refused = talk.subject.into_transport();
        let (error, mut subject) = refused.expect_err("the peer has not ended");
        assert_eq!(error_kind(&error), Some(ErrorKind::NotEnded));
        let (mine, theirs) = executor::join(subject.end_tls(), talk.peer.end_tls());
        mine.and(theirs).expect("the end of TLS");
        assert!(transport(subject).is_ok() && transport(talk.peer).is_ok());
    });
}

#[test]
fn the_end_of_the_peer_alone_is_no_end() {
    for_each_talk(|mut talk| {
        assert!(poll_once(talk.peer.end_tls()).is_pending());
        let read = executor::block_on(talk.subject.read(&mut [0]));
        assert_eq!(read.expect("the end"), 0);
        assert_eq!(transport(talk.subject).err(), Some(ErrorKind::NotEnded));
    });
}

#[test]
fn an_unflushed_close_notify_is_not_the_end() {
    for_each_talk(|mut talk| {
        talk.subject_io.buffer(3000);
        talk.subject_io.block(Operation::Flush);
        assert!(poll_once(talk.subject.end_tls()).is_pending());
        assert!(poll_once(talk.peer.end_tls()).is_pending());
        assert_eq!(
            executor::block_on(talk.subject.read(&mut [0])).expect("the end"),
            0
        );
        let (error, mut subject) = talk.subject.into_transport().expect_err("not flushed");
        assert_eq!(error_kind(&error), Some(ErrorKind::NotEnded));
        talk.subject_io.unblock(Operation::Flush);
        let (mine, theirs) = executor::join(subject.end_tls(), talk.peer.end_tls());
        mine.and(theirs).expect("the end of TLS");
        assert!(transport(subject).is_ok() && transport(talk.peer).is_ok());
    });
}
