//! Asynchronous verification of certificates.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use pollback::ErrorKind;
use pollback::next::rustls::crypto::VerifiedIdentity;
use pollback::next::rustls::server::WebPkiClientVerifier;
use pollback::next::rustls::server::danger::ClientVerifier;
use pollback_testkit::certificates::Authority;
use pollback_testkit::configs::Version;
use pollback_testkit::executor::{self, Executor};
use pollback_testkit::pipe::pipe;
use tokio::io::AsyncWriteExt;
use tokio::sync::oneshot;

use crate::engine::{
    self, AlertDescription, CertificateError, Error, Setup, TlsAcceptor, TlsConnector, client, lazy,
};
use crate::resumption::{Acquaintances, LIMIT};
use crate::support::{
    WIDE, acceptor, assert_alert, connector, error_kind, for_each_shape, localhost, pattern,
    receive, receive_all, send, tls_error,
};

/// Resolves in its third poll.
struct Slowly(usize);

impl Future for Slowly {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.0 += 1;
        cx.waker().wake_by_ref();
        match self.0 {
            3.. => Poll::Ready(()),
            _ => Poll::Pending,
        }
    }
}

/// How often a verifier was called.
type Asked = Arc<AtomicUsize>;

fn times(asked: &Asked) -> usize {
    asked.load(Ordering::Relaxed)
}

/// A client whose verifier waits after that of the configuration.
fn slow_connector(config: engine::ClientConfig) -> (TlsConnector, Asked) {
    let (verifier, asked) = (Arc::clone(config.verifier()), Asked::default());
    let counted = Arc::clone(&asked);
    let connector = connector(config).with_verifier(move |presented| {
        counted.fetch_add(1, Ordering::Relaxed);
        let verified = verifier.verify_identity(presented);
        async move {
            Slowly(0).await;
            verified
        }
    });
    (connector, asked)
}

fn client_verifier(version: Version) -> impl ClientVerifier {
    let roots = engine::roots(Authority::shared());
    let verifier = WebPkiClientVerifier::builder(roots.into(), &engine::provider(version));
    verifier.build().expect("a usable root store")
}

fn slow_acceptor(config: engine::ServerConfig, version: Version) -> (TlsAcceptor, Asked) {
    let (verifier, asked) = (client_verifier(version), Asked::default());
    let counted = Arc::clone(&asked);
    let acceptor = acceptor(config).with_verifier(move |presented| {
        counted.fetch_add(1, Ordering::Relaxed);
        let verified = verifier.verify_identity(presented);
        async move {
            Slowly(0).await;
            verified
        }
    });
    (acceptor, asked)
}

#[test]
fn both_sides_wait_for_their_verifiers() {
    for_each_shape(|version, shape| {
        let setup = Setup::new(version).client_auth();
        let (connector, by_client) = slow_connector(setup.client());
        let (acceptor, by_server) = slow_acceptor(setup.server(), version);
        let bytes = pattern(20_000);
        let (near, far) = shape.open();
        let client = async {
            let mut stream = connector
                .connect(localhost(), near)
                .await
                .expect("a client");
            assert!(stream.get_ref().1.peer_identity().is_some());
            send(&mut stream, &bytes).await;
            stream.shutdown().await.expect("a shutdown");
            receive_all(&mut stream).await.expect("a clean end")
        };
        let server = async {
            let mut stream = acceptor.accept(far).await.expect("a server");
            assert!(stream.get_ref().1.peer_identity().is_some());
            let name = stream.get_ref().1.side().server_name();
            assert_eq!(name.map(AsRef::as_ref), Some("localhost"));
            let received = receive_all(&mut stream).await.expect("a clean end");
            send(&mut stream, &received).await;
            stream.shutdown().await.expect("a shutdown");
        };
        let (received, ()) = executor::join(client, server);
        assert!(received == bytes);
        assert_eq!((times(&by_client), times(&by_server)), (1, 1));
    });
}

/// The verdict that a verifier receives from outside.
type Verdict = Result<VerifiedIdentity<'static>, Error>;

/// A client that waits for a verdict, and a channel with the presented identity.
fn waiting_connector(
    config: engine::ClientConfig,
) -> (TlsConnector, oneshot::Sender<Result<(), Error>>) {
    let (verdict, told) = oneshot::channel::<Result<(), Error>>();
    let told = Mutex::new(Some(told));
    let connector = connector(config).with_verifier(move |presented| {
        let identity = VerifiedIdentity::assertion(presented.identity.clone());
        let told = told.lock().unwrap_or_else(PoisonError::into_inner).take();
        async move {
            let told = told.expect("one connection");
            told.await.expect("a verdict").map(|()| identity) as Verdict
        }
    });
    (connector, verdict)
}

#[test]
fn the_task_of_a_handshake_is_woken_by_the_verdict() {
    for version in Version::ALL {
        let setup = Setup::new(version);
        let (connector, verdict) = waiting_connector(setup.client());
        let (near, far) = pipe(WIDE);
        let io = near.control();
        let mut executor = Executor::new();
        let client = executor.spawn("client", connector.connect(localhost(), near));
        executor.spawn("server", acceptor(setup.server()).accept(far));
        assert!(!executor.run_until_stalled());
        let written = io.written().len();
        assert!(!executor.run_until_stalled());
        assert_eq!(io.written().len(), written, "nothing is sent meanwhile");
        verdict.send(Ok(())).expect("a handshake that waits");
        executor.run();
        client.take().expect("a client");
    }
}

#[test]
fn a_rejected_server_receives_an_alert() {
    for version in Version::ALL {
        let setup = Setup::new(version);
        let (connector, verdict) = waiting_connector(setup.client());
        let revoked = Error::from(CertificateError::Revoked);
        verdict.send(Err(revoked)).expect("a connector");
        let (near, far) = pipe(WIDE);
        let (connected, accepted) = executor::join(
            connector.connect(localhost(), near),
            acceptor(setup.server()).accept(far),
        );
        let error = connected.expect_err("revoked");
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        assert_eq!(tls_error(&error), &CertificateError::Revoked.into());
        let error = accepted.expect_err("an alert");
        assert_alert(&error, AlertDescription::CertificateRevoked);
    }
}

#[test]
fn a_rejected_client_receives_an_alert() {
    for version in Version::ALL {
        let setup = Setup::new(version).client_auth();
        let acceptor = acceptor(setup.server()).with_verifier(|_| async {
            Slowly(0).await;
            Err(CertificateError::ApplicationVerificationFailure.into())
        });
        let (near, far) = pipe(WIDE);
        let client = async {
            let mut stream = connector(setup.client()).connect(localhost(), near).await?;
            // A TLS 1.3 client has finished before the server verifies its certificate.
            receive_all(&mut stream).await.map(drop)
        };
        let (connected, accepted) = executor::join(client, acceptor.accept(far));
        let expected = CertificateError::ApplicationVerificationFailure.into();
        assert_eq!(tls_error(&accepted.expect_err("refused")), &expected);
        let error = connected.expect_err("an alert");
        assert_alert(&error, AlertDescription::AccessDenied);
    }
}

#[test]
fn a_client_without_a_certificate_is_not_verified() {
    for version in Version::ALL {
        let (connector, by_client) = slow_connector(Setup::new(version).client());
        let (acceptor, by_server) = slow_acceptor(Setup::new(version).server(), version);
        for resumed in 0..3 {
            let (near, far) = pipe(WIDE);
            let (client, server) =
                executor::join(connector.connect(localhost(), near), acceptor.accept(far));
            let (mut client, mut server) = (client.expect("a client"), server.expect("a server"));
            executor::join(send(&mut server, b"."), receive(&mut client, 1));
            // The peer of a resumed session was verified before.
            assert_eq!((times(&by_client), times(&by_server)), (1, 0), "{resumed}");
        }
    }
}

#[test]
fn a_server_that_chooses_by_the_hello_can_verify_too() {
    for version in Version::ALL {
        let setup = Setup::new(version).client_auth();
        let (acceptor, asked) = slow_acceptor(setup.server(), version);
        let (near, far) = pipe(WIDE);
        let (client, server) = executor::join(
            connector(setup.client()).connect(localhost(), near),
            async {
                let start = lazy(far).await.expect("a hello");
                start.into_stream_by(&acceptor).await
            },
        );
        let (mut client, mut server) = (client.expect("a client"), server.expect("a server"));
        executor::join(send(&mut client, b"hello"), receive(&mut server, 5));
        assert_eq!(times(&asked), 1);
    }
}

/// A client and a server that have met before; the client verifies if necessary.
fn slow_acquaintances(rejecting: bool) -> (Acquaintances, TlsConnector, Asked) {
    let both = Acquaintances::new().rejecting(rejecting);
    let (connector, asked) = slow_connector(both.client.clone());
    (both, connector.early_data(true), asked)
}

#[test]
fn early_data_is_sent_before_a_server_is_verified() {
    for rejecting in [false, true] {
        let (both, connector, asked) = slow_acquaintances(rejecting);
        let bytes = pattern(LIMIT as usize + 1000);
        let (near, far) = pipe(WIDE);
        let client = async {
            let mut stream = connector
                .connect(localhost(), near)
                .await
                .expect("a client");
            assert_eq!(times(&asked), 0);
            send(&mut stream, &bytes).await;
            receive(&mut stream, 6).await;
            let accepted = stream.get_ref().1.is_early_data_accepted();
            assert_eq!(accepted, !rejecting);
        };
        let server = async {
            let mut stream = both.acceptor().accept(far).await.expect("a server");
            let received = receive(&mut stream, bytes.len()).await;
            send(&mut stream, b"answer").await;
            received
        };
        assert!(executor::join(client, server).1 == bytes);
        // A session that the server has forgotten is not resumed.
        assert_eq!(times(&asked), usize::from(rejecting));
    }
}

#[test]
fn both_halves_of_a_client_wait_for_the_verdict() {
    let both = Acquaintances::new().rejecting(true);
    let (connector, verdict) = waiting_connector(both.client.clone());
    let (near, far) = pipe(WIDE);
    let mut executor = Executor::new();
    let connect = connector.early_data(true).connect(localhost(), near);
    let stream: client::TlsStream<_> = executor::block_on(connect).expect("a client");
    let (mut reader, mut writer) = tokio::io::split(stream);
    let read = executor.spawn("reader", async move { receive(&mut reader, 6).await });
    let written = executor.spawn("writer", async move {
        send(&mut writer, b"question").await;
        send(&mut writer, b"!").await;
    });
    let acceptor = both.acceptor();
    let served = executor.spawn("server", async move {
        let mut stream = acceptor.accept(far).await.expect("a server");
        let received = receive(&mut stream, 9).await;
        send(&mut stream, b"answer").await;
        received
    });
    assert!(!executor.run_until_stalled());
    verdict.send(Ok(())).expect("a handshake that waits");
    executor.run();
    written.take();
    assert_eq!(read.take(), b"answer");
    assert_eq!(served.take(), b"question!");
}

#[test]
fn a_server_that_verifies_rejects_early_data_and_receives_it_again() {
    let both = Acquaintances::new().with_patience();
    let (acceptor, asked) = slow_acceptor(both.server.clone(), Version::Tls13);
    let (near, far) = pipe(WIDE);
    let client = async {
        let connect = both.connector().connect(localhost(), near);
        let mut stream = connect.await.expect("a client");
        send(&mut stream, b"question").await;
        receive(&mut stream, 6).await;
        assert!(!stream.get_ref().1.is_early_data_accepted());
    };
    let server = async {
        let mut stream = acceptor.accept(far).await.expect("a server");
        let received = receive(&mut stream, 8).await;
        assert_eq!(stream.early_data_read(), 0);
        send(&mut stream, b"answer").await;
        received
    };
    assert_eq!(executor::join(client, server).1, b"question");
    assert_eq!(times(&asked), 0);
}

#[test]
fn a_handshake_that_is_dropped_drops_its_verification() {
    struct Noted(Asked);
    impl Drop for Noted {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    let (setup, dropped) = (Setup::new(Version::Tls13), Asked::default());
    let noted = Arc::clone(&dropped);
    let connector = connector(setup.client()).with_verifier(move |_| {
        let noted = Noted(Arc::clone(&noted));
        async move {
            std::future::pending::<()>().await;
            drop(noted);
            Err(Error::HandshakeNotComplete)
        }
    });
    let (near, far) = pipe(WIDE);
    let mut executor = Executor::new();
    executor.spawn("client", connector.connect(localhost(), near));
    executor.spawn("server", acceptor(setup.server()).accept(far));
    assert!(!executor.run_until_stalled());
    assert_eq!(times(&dropped), 0);
    drop(executor);
    assert_eq!(times(&dropped), 1);
}

#[tokio::test(start_paused = true)]
async fn the_timeout_of_a_handshake_includes_its_verification() {
    let setup = Setup::new(Version::Tls13);
    let (connector, _verdict) = waiting_connector(setup.client());
    let connector = connector.with_handshake_timeout(Duration::from_secs(5));
    let (near, far) = pipe(WIDE);
    let acceptor = acceptor(setup.server());
    let accept = tokio::spawn(async move { acceptor.accept(far).await.map(drop) });
    let error = connector.connect(localhost(), near).await.map(drop);
    let error = error.expect_err("there is no verdict");
    assert_eq!(error_kind(&error), Some(ErrorKind::HandshakeTimeout));
    let error = accept.await.expect("no panic").expect_err("no Finished");
    assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
}

#[tokio::test]
async fn the_example_queries_a_service() {
    let greeting = crate::verify_example::fetch(false).await;
    assert_eq!(greeting.expect("a good certificate"), "hello");
    let error = crate::verify_example::fetch(true).await;
    let error = error.expect_err("a revoked certificate");
    let error = error.downcast_ref::<io::Error>().expect("of a connection");
    assert_eq!(tls_error(error), &CertificateError::Revoked.into());
}
