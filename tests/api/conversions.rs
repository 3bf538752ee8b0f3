//! A stream of other code, here tokio-rustls, becomes one of pollback, including everything that is
//! in progress.

use crate::support::{Transport, carry, duplex, localhost, setups, talk, tcp};
use pollback_testkit::configs::Setup;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

type TheirClient<IO> = tokio_rustls::client::TlsStream<IO>;
type TheirServer<IO> = tokio_rustls::server::TlsStream<IO>;
type OurClient<IO> = pollback::client::TlsStream<IO>;
type OurServer<IO> = pollback::server::TlsStream<IO>;

/// Connected streams of tokio-rustls.
async fn connected<IO: Transport>(
    setup: &Setup,
    (near, far): (IO, IO),
) -> (TheirClient<IO>, TheirServer<IO>) {
    let connector = tokio_rustls::TlsConnector::from(Arc::new(setup.client()));
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(setup.server()));
    let (client, server) = tokio::join!(connector.connect(localhost(), near), acceptor.accept(far));
    (client.unwrap(), server.unwrap())
}

#[tokio::test]
async fn both_sides_continue_after_the_conversion() {
    for setup in setups() {
        let (mut client, mut server) = connected(&setup, tcp().await).await;
        talk(&mut client, &mut server).await;
        let address = client.get_ref().0.local_addr().unwrap();
        let mut client = OurClient::from(client.into_inner());
        let mut server: OurServer<_> = server.into_inner().into();
        assert_eq!(client.get_ref().0.local_addr().unwrap(), address);
        assert!(client.get_ref().1.peer_certificates().is_some());
        talk(&mut client, &mut server).await;
        client.shutdown().await.unwrap();
        assert_eq!(server.read(&mut [0; 8]).await.unwrap(), 0);
        server.shutdown().await.unwrap();
        assert_eq!(client.read(&mut [0; 8]).await.unwrap(), 0);
    }
}

/// Checks that what was received but not read is read after the conversion.
macro_rules! keeps_what_was_not_read {
    ($from:ident, $to:ident, $Ours:ident) => {
        // Three records: one half read, one decrypted or in the buffer, one still in transit.
        $from.write_all(b"half read").await.unwrap();
        $from.flush().await.unwrap();
        $from.write_all(b", whole").await.unwrap();
        $from.flush().await.unwrap();
        let mut start = [0; 4];
        $to.read_exact(&mut start).await.unwrap();
        assert_eq!(&start, b"half");
        let mut converted = $Ours::from($to.into_inner());
        $from.write_all(b", later").await.unwrap();
        $from.shutdown().await.unwrap();
        let mut rest = String::new();
        converted.read_to_string(&mut rest).await.unwrap();
        assert_eq!(rest, " read, whole, later");
        carry(&mut converted, &mut $from, b"the other way").await;
    };
}

#[tokio::test]
async fn a_client_keeps_what_was_not_read() {
    for setup in setups() {
        let (mut client, mut server) = connected(&setup, duplex()).await;
        keeps_what_was_not_read!(server, client, OurClient);
    }
}

#[tokio::test]
async fn a_server_keeps_what_was_not_read() {
    for setup in setups() {
        let (mut client, mut server) = connected(&setup, duplex()).await;
        keeps_what_was_not_read!(client, server, OurServer);
    }
}

/// Checks that what was written but not sent is sent after the conversion.
macro_rules! keeps_what_was_not_sent {
    ($from:ident, $to:ident, $Ours:ident) => {
        // Far more than the pipe holds, so that some of it stays in the connection.
        let mut sent = vec![7; 30_000];
        let taken = $from.write(&sent).await.unwrap();
        sent.truncate(taken);
        assert!($from.get_ref().1.wants_write(), "everything was sent");
        let mut converted = $Ours::from($from.into_inner());
        sent.extend(b"the end");
        let finish = async {
            converted.write_all(b"the end").await.unwrap();
            converted.shutdown().await.unwrap();
        };
        let mut received = Vec::new();
        let (read, ()) = tokio::join!($to.read_to_end(&mut received), finish);
        read.unwrap();
        assert!(
            received == sent,
            "{} bytes of {}",
            received.len(),
            sent.len()
        );
    };
}

#[tokio::test]
async fn a_client_keeps_what_was_not_sent() {
    for setup in setups() {
        let (mut client, mut server) = connected(&setup, duplex()).await;
        keeps_what_was_not_sent!(client, server, OurClient);
    }
}

#[tokio::test]
async fn a_server_keeps_what_was_not_sent() {
    for setup in setups() {
        let (mut client, mut server) = connected(&setup, duplex()).await;
        keeps_what_was_not_sent!(server, client, OurServer);
    }
}
