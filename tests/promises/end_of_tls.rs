//! The end of TLS, after which the transport goes on in the clear.

use std::io;

use pollback_testkit::executor;
use pollback_testkit::pipe::{Control, End};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::engine::TlsStream;
use crate::support::{
    Talk, error_kind, for_each_talk, for_each_talk_and_shape, poll_once, receive, send,
};
use pollback::ErrorKind;

/// Does the same with the stream of whichever side.
macro_rules! on_either {
    ($either:expr, $stream:ident => $do:expr) => {
        match $either {
            TlsStream::Client($stream) => $do,
            TlsStream::Server($stream) => $do,
        }
    };
}

async fn end_tls(stream: &mut TlsStream<End>) -> io::Result<()> {
    on_either!(stream, stream => stream.end_tls().await)
}

fn transport(stream: TlsStream<End>) -> Result<End, ErrorKind> {
    on_either!(stream, stream => stream.into_transport().map_err(|(error, _)| {
        error_kind(&error).expect("an error of this crate")
    }))
}

/// Makes a transport that interrupts try again, as a stream does.
async fn patiently<T>(mut attempt: impl AsyncFnMut() -> io::Result<T>) -> T {
    loop {
        match attempt().await {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result.expect("an honest transport"),
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
fn both_sides_go_on_in_the_clear() {
    for_each_talk_and_shape(|talk| {
        let Talk {
            mut subject,
            mut peer,
            ..
        } = talk;
        executor::join(
            async {
                send(&mut subject, b"secret").await;
                end_tls(&mut subject).await.expect("the end of TLS");
                let mut transport = transport(subject).expect("nothing follows");
                clear_send(&mut transport, b"in the clear").await;
                assert_eq!(clear_receive(&mut transport, 1).await, b"!");
            },
            async {
                assert_eq!(receive(&mut peer, 6).await, b"secret");
                end_tls(&mut peer).await.expect("the end of TLS");
                // The first bytes in the clear may have come with the close_notify.
                on_either!(peer, stream => {
                    let mut parts = stream.into_parts();
                    assert_eq!(clear_receive(&mut parts, 12).await, b"in the clear");
                    clear_send(&mut parts, b"!").await;
                    parts.io
                })
            },
        );
    });
}

/// A peer that has ended TLS, and behind its close_notify these bytes.
fn trailing(peer: &mut TlsStream<End>, subject_io: &Control, bytes: &[u8]) {
    assert!(poll_once(end_tls(peer)).is_pending());
    subject_io.inject(bytes);
}

#[test]
fn bytes_behind_a_close_notify_are_refused_unless_they_are_asked_for() {
    for_each_talk(|mut talk| {
        trailing(&mut talk.peer, &talk.subject_io, b"220 hello");
        let mut subject = talk.subject;
        executor::block_on(end_tls(&mut subject)).expect("the end of TLS");
        let subject = on_either!(subject, stream => {
            let (error, stream) = stream.into_transport().expect_err("bytes that follow");
            assert_eq!(error_kind(&error), Some(ErrorKind::TrailingData));
            TlsStream::from(stream)
        });
        talk.subject_io.inject(b", later");
        on_either!(subject, stream => {
            let mut parts = stream.into_parts();
            let read = executor::block_on(receive(&mut parts, 16));
            assert_eq!(read, b"220 hello, later");
        });
    });
}

#[test]
fn plaintext_before_the_end_is_not_dropped() {
    for_each_talk(|mut talk| {
        executor::block_on(send(&mut talk.peer, b"last words"));
        assert!(poll_once(end_tls(&mut talk.peer)).is_pending());
        let subject = &mut talk.subject;
        let error = executor::block_on(end_tls(subject)).expect_err("unread");
        assert_eq!(error_kind(&error), Some(ErrorKind::UnreadData));
        assert_eq!(executor::block_on(receive(subject, 10)), b"last words");
        executor::block_on(end_tls(subject)).expect("the end of TLS");
        executor::block_on(end_tls(&mut talk.peer)).expect("the end of TLS");
        assert!(transport(talk.subject).is_ok());
    });
}

#[test]
fn a_transport_that_ends_is_no_end_of_tls() {
    for_each_talk(|mut talk| {
        drop(talk.peer);
        let error = executor::block_on(end_tls(&mut talk.subject)).expect_err("no close_notify");
        let kind = error_kind(&error);
        let is_broken = error.kind() == io::ErrorKind::BrokenPipe;
        assert!(kind == Some(ErrorKind::Truncated) || is_broken, "{error}");
        assert_eq!(transport(talk.subject).err(), Some(ErrorKind::NotEnded));
    });
}

#[test]
fn tls_that_has_not_ended_keeps_its_transport() {
    for_each_talk(|mut talk| {
        // Given up, and tried again later.
        assert!(poll_once(end_tls(&mut talk.subject)).is_pending());
        let error = executor::block_on(talk.subject.write(b"x")).expect_err("our end");
        assert_eq!(error_kind(&error), Some(ErrorKind::Closed));
        let subject = on_either!(talk.subject, stream => {
            let (error, stream) = stream.into_transport().expect_err("the peer has not ended");
            assert_eq!(error_kind(&error), Some(ErrorKind::NotEnded));
            TlsStream::from(stream)
        });
        let mut subject = subject;
        let (mine, theirs) = executor::join(end_tls(&mut subject), end_tls(&mut talk.peer));
        mine.and(theirs).expect("the end of TLS");
        assert!(transport(subject).is_ok() && transport(talk.peer).is_ok());
    });
}
