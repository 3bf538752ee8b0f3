//! rustls 0.23 at the other end.

use pollback_testkit::configs::{Setup as OtherSetup, Version};
use pollback_testkit::executor;
use pollback_testkit::pipe::{SHAPES, Shape};
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};

use crate::engine::Setup;
use crate::support::{acceptor, connector, localhost, pattern, receive, receive_all, send};

fn for_each_shape(test: impl Fn(Version, &Shape)) {
    for version in Version::ALL {
        for shape in &SHAPES {
            eprintln!("{version:?} over {}", shape.name);
            test(version, shape);
        }
    }
}

#[test]
fn a_client_of_0_24_works_with_a_server_of_0_23() {
    for_each_shape(|version, shape| {
        for client_auth in [false, true] {
            let (mut setup, mut other) = (Setup::new(version), OtherSetup::new(version));
            if client_auth {
                (setup, other) = (setup.client_auth(), other.client_auth());
            }
            let (near, far) = shape.open();
            let acceptor = pollback::TlsAcceptor::from(Arc::new(other.server()));
            let (client, server) = executor::join(
                connector(setup.client()).connect(localhost(), near),
                acceptor.accept(far),
            );
            let (client, server) = (client.expect("a client"), server.expect("a server"));
            let certificates = server.get_ref().1.peer_certificates();
            assert_eq!(certificates.is_some(), client_auth);
            talk(client, server);
        }
    });
}

#[test]
fn a_client_of_0_23_works_with_a_server_of_0_24() {
    for_each_shape(|version, shape| {
        for client_auth in [false, true] {
            let (mut setup, mut other) = (Setup::new(version), OtherSetup::new(version));
            if client_auth {
                (setup, other) = (setup.client_auth(), other.client_auth());
            }
            let (near, far) = shape.open();
            let connector = pollback::TlsConnector::from(Arc::new(other.client()));
            let (client, server) = executor::join(
                connector.connect(localhost(), near),
                acceptor(setup.server()).accept(far),
            );
            let (client, server) = (client.expect("a client"), server.expect("a server"));
            assert_eq!(server.get_ref().1.peer_identity().is_some(), client_auth);
            talk(client, server);
        }
    });
}

/// Exchanges data in both directions, with a clean end.
fn talk<A, B>(mut first: A, mut second: B)
where
    A: AsyncRead + AsyncWrite + Unpin,
    B: AsyncRead + AsyncWrite + Unpin,
{
    let bytes = pattern(40_000);
    let question = async {
        send(&mut first, &bytes).await;
        first.shutdown().await.expect("a shutdown");
        receive_all(&mut first).await.expect("a clean end")
    };
    let answer = async {
        let received = receive(&mut second, bytes.len()).await;
        assert!(
            receive_all(&mut second)
                .await
                .expect("a clean end")
                .is_empty()
        );
        send(&mut second, &received).await;
        second.shutdown().await.expect("a shutdown");
    };
    let (received, ()) = executor::join(question, answer);
    assert!(received == bytes);
}
