//! Servers with a `rustls_acceptor`.

use std::ptr::null;

use pollback::ErrorKind;
use pollback::ffi::rustls_ffi::acceptor::rustls_accepted;
use pollback::ffi::{FfiAccepted, FfiAcceptor};
use pollback::rustls::AlertDescription;
use pollback_testkit::configs::Version;
use pollback_testkit::executor::{self, Executor};
use pollback_testkit::pipe::{End, SHAPES, pipe};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::accepted::{alert, client_hello};
use crate::configs::ServerConfig;
use crate::support::{WIDE, connector, kind, localhost, receive, send};

#[test]
fn a_server_chooses_by_the_client_hello_over_every_transport() {
    for shape in &SHAPES {
        for version in Version::ALL {
            eprintln!("{version:?} over {}", shape.name);
            let (ours, theirs) = shape.open();
            let config = ServerConfig::new(version);
            let mut executor = Executor::new();
            let name = executor.spawn("server", async {
                let accepted = FfiAcceptor::new(ours).await.expect("a hello");
                let name = server_name(&accepted);
                // SAFETY: the configuration outlives the call, and nothing is attached to it.
                let handshake = unsafe { accepted.into_stream(config.as_ptr()) };
                let mut stream = handshake.await.expect("a handshake");
                assert_eq!(receive(&mut stream, 5).await, b"hello");
                send(&mut stream, b"and welcome").await;
                stream.shutdown().await.expect("a shutdown");
                name
            });
            executor.spawn("client", async {
                let connect = connector(version).connect(localhost(), theirs);
                let mut stream = connect.await.expect("a handshake");
                send(&mut stream, b"hello").await;
                assert_eq!(receive(&mut stream, 11).await, b"and welcome");
                assert_eq!(stream.read(&mut [0]).await.expect("a clean end"), 0);
            });
            executor.run();
            assert_eq!(name.take(), "localhost");
        }
    }
}

#[test]
fn anything_but_a_hello_is_answered_with_an_alert() {
    for (bytes, expected, told) in [
        (
            b"GET / HTTP/1.1\r\n\r\n".to_vec(),
            ErrorKind::NotTls,
            AlertDescription::DecodeError,
        ),
        (
            alert(AlertDescription::HandshakeFailure),
            ErrorKind::Misbehaved,
            // rustls prepares no alert for this.
            AlertDescription::UnexpectedMessage,
        ),
    ] {
        // One byte at a time fits, so that the alert needs a poll for each of its bytes.
        for capacity in [1, WIDE] {
            let (ours, mut peer) = pipe(capacity);
            let control = ours.control();
            let mut acceptor = FfiAcceptor::new(ours);
            let mut executor = Executor::new();
            let server = executor.spawn("server", async {
                let answer = (&mut acceptor).await;
                assert!(acceptor.take_io().is_some());
                answer
            });
            executor.spawn("client", async {
                let _ = peer.write_all(&bytes).await;
                let mut heard = Vec::new();
                let _ = peer.read_to_end(&mut heard).await;
            });
            executor.run();
            assert_eq!(kind(server.take()), Some(expected));
            assert_eq!(control.written(), alert(told));
        }
    }
}

#[test]
fn a_client_that_the_configuration_rejects_receives_an_alert() {
    for (ours_is, theirs_is) in [
        (Version::Tls12, Version::Tls13),
        (Version::Tls13, Version::Tls12),
    ] {
        for capacity in [1, WIDE] {
            let (ours, theirs) = pipe(capacity);
            let config = ServerConfig::new(ours_is);
            let (server, client) = executor::join(
                async {
                    let accepted = FfiAcceptor::new(ours).await?;
                    // SAFETY: the configuration outlives the call, and nothing is attached to it.
                    unsafe { accepted.into_stream(config.as_ptr()) }.await
                },
                connector(theirs_is).connect(localhost(), theirs),
            );
            // rustls-ffi reports that they are incompatible, but not why.
            assert_eq!(kind(server), Some(ErrorKind::Tls));
            let told = ErrorKind::Alert(AlertDescription::ProtocolVersion);
            assert_eq!(kind(client), Some(told));
        }
    }
}

#[test]
fn a_null_configuration_is_rejected_with_an_alert() {
    let (ours, theirs) = pipe(WIDE);
    let (server, client) = executor::join(
        async {
            let accepted = FfiAcceptor::new(ours).await?;
            // SAFETY: a null configuration is rejected.
            unsafe { accepted.into_stream(null()) }.await
        },
        connector(Version::Tls13).connect(localhost(), theirs),
    );
    assert_eq!(kind(server), Some(ErrorKind::Tls));
    let told = ErrorKind::Alert(AlertDescription::InternalError);
    assert_eq!(kind(client), Some(told));
}

#[test]
fn an_end_within_the_hello_is_a_truncation() {
    let hello = client_hello(Version::Tls13);
    for length in [0, 1, 5, hello.len() - 1] {
        let (ours, theirs) = pipe(WIDE);
        ours.control().inject(&hello[..length]);
        drop(theirs);
        let answer = executor::block_on(FfiAcceptor::new(ours));
        assert_eq!(kind(answer), Some(ErrorKind::Truncated));
    }
}

#[test]
fn a_cancelled_acceptor_can_continue_and_a_completed_one_fails() {
    let hello = client_hello(Version::Tls12);
    let (ours, theirs) = pipe(WIDE);
    let control = ours.control();
    let mut acceptor = FfiAcceptor::new(ours);
    for part in [&hello[..20], &hello[20..]] {
        let mut executor = Executor::new();
        let wait = executor.spawn("server", &mut acceptor);
        assert!(!executor.run_until_stalled());
        executor.cancel(&wait);
        control.inject(part);
    }
    let accepted = executor::block_on(&mut acceptor).expect("a hello");
    assert_eq!(server_name(&accepted), "localhost");
    assert!(acceptor.take_io().is_none());
    assert!(executor::block_on(acceptor).is_err());
    drop(theirs);
}

fn server_name(accepted: &FfiAccepted<End>) -> String {
    let name = rustls_accepted::rustls_accepted_server_name(accepted.as_ptr());
    // SAFETY: the hello exists until `accepted` is dropped.
    unsafe { name.to_str() }.to_owned()
}
