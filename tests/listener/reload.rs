//! Configurations are replaced while they are in use.

use super::files::{Folder, files};
use super::{assert_echo, connect, reports, serve, setup};
use pollback::TlsConnector;
use pollback::listener::TlsListener;
use pollback_testkit::certificates::{Authority, Identity};
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tokio::sync::mpsc;

fn identity() -> Identity {
    Authority::shared().server()
}

#[tokio::test]
async fn a_replacement_is_used_for_the_next_client_and_fails_none() {
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
async fn a_thousand_reloads_under_traffic_fail_no_client() {
    let setup = setup();
    let identities = [identity(), identity()];
    let folder = Folder::new();
    folder.put(&identities[0]);
    let files = files(&folder);
    let config = super::shared(files.load().unwrap());
    let (report, mut reported) = reports();
    let (sender, pipes) = super::pipes();
    let door = super::Door { setup, sender };
    serve(TlsListener::new(pipes, config.clone()).on_failure(report));
    let mut client = door.setup.client();
    // Each new certificate would be compressed, which takes longer than everything else.
    client.cert_decompressors.clear();
    let connector = TlsConnector::from(Arc::new(client));
    let (sender, mut served) = mpsc::unbounded_channel();
    let clients: Vec<_> = (0..2)
        .map(|number| {
            let (door, connector, sender) = (door.clone(), connector.clone(), sender.clone());
            tokio::spawn(async move {
                loop {
                    let client = connector.connect(super::localhost(), door.knock(number));
                    let mut client = client.await.unwrap();
                    assert_echo(&mut client).await;
                    let chain = client.get_ref().1.peer_certificates().unwrap().to_vec();
                    if sender.send(chain).is_err() {
                        break;
                    }
                }
            })
        })
        .collect();
    let mut chains = Vec::new();
    for number in 1..=1000 {
        folder.put(&identities[number / 3 % 2]);
        files.reload(&config).unwrap();
        // At least one client has finished, and the others are in the middle of their handshakes.
        assert!(served.recv_many(&mut chains, usize::MAX).await > 0);
    }
    drop(served);
    for client in clients {
        client.await.unwrap();
    }
    drop(door);
    assert!(reported.recv().await.is_none(), "no handshake has failed");
    for identity in &identities {
        let count = chains.iter().filter(|chain| **chain == identity.chain());
        assert!(count.count() > 100, "both were in use");
    }
}

#[tokio::test]
async fn a_handshake_keeps_the_configuration_that_it_began_with() {
    let setup = setup();
    let (old, fresh) = (identity(), identity());
    let (sender, pipes) = super::pipes();
    let config = super::shared(setup.server_with(&old));
    serve(TlsListener::new(pipes, config.clone()));
    // The client's last flight is delayed while the configuration is replaced.
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
