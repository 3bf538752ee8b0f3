//! Configurations are replaced while they are in use.

use super::{assert_echo, connect, reports, serve, setup};
use pollback::listener::TlsListener;
use pollback_testkit::certificates::{Authority, Identity};
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

fn identity() -> Identity {
    Authority::shared().server()
}

#[tokio::test]
async fn a_replacement_serves_the_next_client_and_fails_none() {
    let setup = setup();
    let (report, mut reported) = reports();
    let (sender, pipes) = super::pipes();
    let config = super::shared(setup.server());
    let door = super::Door {
        setup: setup.clone(),
        sender,
    };
    serve(TlsListener::new(pipes, config.clone()).on_failure(report));
    for number in 0..10 {
        let fresh = identity();
        // One handshake has begun, another begins after the replacement.
        let begun = door.connect(2 * number);
        tokio::task::yield_now().await;
        config.replace(setup.server_with(&fresh));
        let mut client = door.connect(2 * number + 1).await.unwrap().unwrap();
        assert_eq!(
            client.get_ref().1.peer_certificates(),
            Some(fresh.chain().as_slice())
        );
        assert_echo(&mut client).await;
        assert_echo(&mut begun.await.unwrap().unwrap()).await;
    }
    drop(door);
    assert!(reported.recv().await.is_none(), "no handshake has failed");
}

#[tokio::test]
async fn a_handshake_keeps_the_configuration_that_it_began_with() {
    let setup = setup();
    let (old, fresh) = (identity(), identity());
    let (sender, pipes) = super::pipes();
    let config = super::shared(setup.server_with(&old));
    serve(TlsListener::new(pipes, config.clone()));
    // The client's last flight is held back while the configuration is replaced.
    let (near, mut middle) = duplex(64 * 1024);
    let (mut relay, far) = duplex(64 * 1024);
    sender.send(Ok((far, 1))).unwrap();
    let client = tokio::spawn(connect(&setup, near));
    let mut flight = vec![0; 64 * 1024];
    let length = middle.read(&mut flight).await.unwrap();
    relay.write_all(&flight[..length]).await.unwrap();
    let length = relay.read(&mut flight).await.unwrap();
    let before = config.replace(setup.server_with(&fresh));
    assert!(!Arc::ptr_eq(&before, &config.load()));
    middle.write_all(&flight[..length]).await.unwrap();
    tokio::spawn(async move { tokio::io::copy_bidirectional(&mut middle, &mut relay).await });
    let mut client = client.await.unwrap().unwrap();
    assert_eq!(
        client.get_ref().1.peer_certificates(),
        Some(old.chain().as_slice())
    );
    assert_echo(&mut client).await;
}

#[test]
fn clones_share_the_configuration() {
    let one = super::shared(setup().server());
    let other = one.clone();
    let fresh = Arc::new(setup().server());
    one.replace(Arc::clone(&fresh));
    assert!(Arc::ptr_eq(&other.load(), &fresh));
}
