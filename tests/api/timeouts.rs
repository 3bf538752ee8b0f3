//! Handshakes with a timeout, on tokio's paused clock.

use crate::support::{localhost, setups};
use pollback::{Error, ErrorKind, TlsAcceptor, TlsConnector};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, duplex};
use tokio::time::Instant;

const LIMIT: Duration = Duration::from_secs(7);

fn assert_timeout(error: &io::Error) {
    let found = Error::find(error).map(|error| error.kind());
    assert_eq!(found, Some(ErrorKind::HandshakeTimeout));
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
}

#[tokio::test(start_paused = true)]
async fn a_connector_times_out_on_a_silent_server() {
    for setup in setups() {
        let connector = TlsConnector::from(Arc::new(setup.client())).with_handshake_timeout(LIMIT);
        let (near, mut far) = duplex(4096);
        let begun = Instant::now();
        let connect = connector.connect(localhost(), near).into_fallible();
        let (error, io) = connect.await.expect_err("silence");
        assert_timeout(&error);
        assert_eq!(begun.elapsed().as_secs(), LIMIT.as_secs());
        // The transport still exists.
        drop(io);
        let mut hello = Vec::new();
        far.read_to_end(&mut hello).await.unwrap();
        assert_eq!(hello[0], 22);
    }
}

#[tokio::test(start_paused = true)]
async fn a_connector_with_alpn_times_out_too() {
    let [setup, _] = setups();
    let connector = TlsConnector::from(Arc::new(setup.client())).with_handshake_timeout(LIMIT);
    let (near, _far) = duplex(4096);
    let connect = connector.with_alpn(vec![]).connect(localhost(), near);
    assert_timeout(&connect.await.expect_err("silence"));
}

#[tokio::test(start_paused = true)]
async fn an_acceptor_times_out_on_a_silent_client() {
    let [setup, _] = setups();
    let acceptor = TlsAcceptor::from(Arc::new(setup.server())).with_handshake_timeout(LIMIT);
    let (_near, far) = duplex(4096);
    assert_timeout(&acceptor.accept(far).await.expect_err("silence"));
}

#[tokio::test(start_paused = true)]
async fn a_handshake_can_have_its_own_timeout() {
    let [setup, _] = setups();
    let connector = TlsConnector::from(Arc::new(setup.client())).with_handshake_timeout(LIMIT);
    let (near, _far) = duplex(4096);
    let begun = Instant::now();
    let connect = connector.connect(localhost(), near).with_timeout(LIMIT / 7);
    assert_timeout(&connect.await.expect_err("silence"));
    assert_eq!(begun.elapsed().as_secs(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_handshake_in_time_is_not_affected() {
    for setup in setups() {
        let connector = TlsConnector::from(Arc::new(setup.client())).with_handshake_timeout(LIMIT);
        let acceptor = TlsAcceptor::from(Arc::new(setup.server())).with_handshake_timeout(LIMIT);
        let (near, far) = duplex(4096);
        let (client, server) = tokio::join!(
            tokio::time::timeout(LIMIT * 2, connector.connect(localhost(), near)),
            acceptor.accept(far)
        );
        let (mut client, mut server) = (client.unwrap().unwrap(), server.unwrap());
        tokio::time::sleep(LIMIT * 2).await;
        crate::support::talk(&mut client, &mut server).await;
    }
}

#[test]
fn a_handshake_can_be_created_outside_a_runtime() {
    let [setup, _] = setups();
    let connector = TlsConnector::from(Arc::new(setup.client())).with_handshake_timeout(LIMIT);
    drop(connector.connect(localhost(), duplex(64).0));
}
