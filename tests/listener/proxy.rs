//! The header of the PROXY protocol.

use super::{assert_echo, connect, echo, open, reports, setup};
use pollback::listener::Stage;
use pollback::proxy_protocol::{HeaderError, ProxiedAddress, ProxyHeader};
use pollback::{Error, ErrorKind};
use std::io;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// The number of the trusted proxy.
const TRUSTED: usize = 1;

fn claimed() -> ProxiedAddress {
    let source = "192.0.2.1:4711".parse().unwrap();
    let destination = "192.0.2.2:443".parse().unwrap();
    ProxiedAddress::stream(source, destination)
}

#[tokio::test]
async fn a_trusted_proxy_names_the_client() {
    let setup = setup();
    let (door, listener) = open(setup.clone());
    let mut listener = listener.with_proxy_protocol(|peer| *peer == TRUSTED);
    let first = ProxyHeader::new(claimed());
    // Only the second version can express this.
    let second = ProxyHeader::new(claimed())
        .with_authority("example.com")
        .with_tlv(0xea, b"a network")
        .with_checksum();
    for (bytes, authority) in [
        (first.to_v1(), None),
        (second.to_v2().unwrap(), Some("example.com")),
    ] {
        for size in [1, 7, bytes.len()] {
            let mut io = door.knock(TRUSTED);
            let (setup, bytes) = (setup.clone(), bytes.clone());
            let client = tokio::spawn(async move {
                for part in bytes.chunks(size) {
                    io.write_all(part).await.unwrap();
                    tokio::task::yield_now().await;
                }
                connect(&setup, io).await
            });
            let connection = listener.accept().await.unwrap();
            let peer = connection.peer();
            assert_eq!(peer.address, TRUSTED);
            let said = peer.proxy_header.as_ref().expect("a header");
            assert_eq!(said.proxied_address(), Some(&claimed()));
            assert_eq!(said.authority(), authority);
            tokio::spawn(echo(connection));
            assert_echo(&mut client.await.unwrap().unwrap()).await;
        }
    }
}

#[tokio::test]
async fn a_proxy_may_speak_for_itself() {
    let (door, listener) = open(setup());
    let mut listener = listener.with_proxy_protocol(|_| true);
    let mut io = door.knock(TRUSTED);
    let bytes = ProxyHeader::local().to_v2().unwrap();
    io.write_all(&bytes).await.unwrap();
    let client = tokio::spawn(connect(&setup(), io));
    let connection = listener.accept().await.unwrap();
    let header = connection.peer().proxy_header.as_ref().expect("a header");
    assert!(header.is_local());
    assert_eq!(header.proxied_address(), None);
    client.await.unwrap().unwrap();
}

#[tokio::test]
async fn headers_of_other_peers_are_rejected() {
    let (door, listener) = open(setup());
    let (report, mut reported) = reports();
    let mut listener = listener
        .with_proxy_protocol(|peer| *peer == TRUSTED)
        .on_failure(report);
    let mut io = door.knock(2);
    io.write_all(b"PROXY TCP4 192.0.2.1 192.0.2.2 256 257\r\n")
        .await
        .unwrap();
    let client = door.connect(3);
    let connection = listener.accept().await.unwrap();
    assert_eq!(connection.peer().address, 3);
    assert!(connection.peer().proxy_header.is_none());
    client.await.unwrap().unwrap();
    drop(door);
    assert!(listener.accept().await.is_none());
    let failed = reported.recv().await.unwrap();
    assert_eq!((failed.peer, failed.stage), (Some(2), Stage::Hello));
    let kind = Error::find(&failed.error).map(|error| error.kind());
    assert_eq!(kind, Some(ErrorKind::NotTls));
}

#[tokio::test]
async fn a_trusted_proxy_has_to_send_a_header() {
    let (door, listener) = open(setup());
    let (report, mut reported) = reports();
    let listener = listener.with_proxy_protocol(|_| true).on_failure(report);
    super::serve(listener);
    door.connect(TRUSTED)
        .await
        .unwrap()
        .expect_err("a hello is not a header");
    let failed = reported.recv().await.unwrap();
    assert_eq!(failed.stage, Stage::ProxyHeader);
    assert_eq!(failed.error.kind(), io::ErrorKind::InvalidData);
    let cause = failed
        .error
        .get_ref()
        .and_then(|cause| cause.downcast_ref());
    assert_eq!(cause, Some(&HeaderError::Missing));
}

#[tokio::test]
async fn a_failed_client_is_reported_with_its_address() {
    let (door, listener) = open(setup());
    let (report, mut reported) = reports();
    let listener = listener.with_proxy_protocol(|_| true).on_failure(report);
    super::serve(listener);
    let bytes = ProxyHeader::new(claimed()).to_v2().unwrap();
    for (behind, stage, line) in [
        (
            &b""[..],
            Stage::FirstByte,
            "192.0.2.1:4711 through 1: the peer closed the connection before it sent data",
        ),
        (
            b"GET /",
            Stage::Hello,
            "192.0.2.1:4711 through 1: reading the ClientHello failed: ",
        ),
    ] {
        let mut io = door.knock(TRUSTED);
        io.write_all(&bytes).await.unwrap();
        io.write_all(behind).await.unwrap();
        drop(io);
        let failed = reported.recv().await.unwrap();
        assert!(failed.to_string().starts_with(line), "{failed}");
        assert_eq!((failed.peer, failed.stage), (Some(TRUSTED), stage));
        let said = failed.proxy_header.expect("it was read");
        assert_eq!(said.proxied_address(), Some(&claimed()));
    }
}

/// A health check of a load balancer connects with a header or without, and closes.
#[tokio::test]
async fn a_health_check_is_distinguished_from_a_truncated_proxy() {
    let (door, listener) = open(setup());
    let (report, mut reported) = reports();
    let listener = listener.with_proxy_protocol(|_| true).on_failure(report);
    super::serve(listener);
    let local = ProxyHeader::local().to_v2().unwrap();
    for (said, stage) in [
        (&b""[..], Stage::FirstByte),
        (&local, Stage::FirstByte),
        (b"PROXY UNKNOWN\r\n", Stage::FirstByte),
        (b"PROXY UNK", Stage::ProxyHeader),
        (&local[..13], Stage::ProxyHeader),
    ] {
        let mut io = door.knock(TRUSTED);
        io.write_all(said).await.unwrap();
        drop(io);
        let failed = reported.recv().await.unwrap();
        assert_eq!(failed.stage, stage, "{said:?}");
        assert_eq!(failed.is_probe(), stage == Stage::FirstByte);
        assert_eq!(failed.error.kind(), io::ErrorKind::UnexpectedEof);
        let is_local = said == local;
        let header = failed.proxy_header.as_ref();
        assert_eq!(header.is_some_and(|header| header.is_local()), is_local);
    }
}

#[tokio::test(start_paused = true)]
async fn the_deadline_covers_the_header() {
    let (door, listener) = open(setup());
    let (report, mut reported) = reports();
    let listener = listener
        .with_proxy_protocol(|_| true)
        .with_deadline(Duration::from_secs(3))
        .on_failure(report);
    super::serve(listener);
    let begun = tokio::time::Instant::now();
    let mut io = door.knock(TRUSTED);
    io.write_all(b"PROXY TCP4").await.unwrap();
    assert_eq!(io.read(&mut [0]).await.unwrap(), 0);
    assert_eq!(begun.elapsed(), Duration::from_secs(3));
    let failed = reported.recv().await.unwrap();
    assert_eq!(failed.stage, Stage::ProxyHeader);
    assert_eq!(failed.error.kind(), io::ErrorKind::TimedOut);
}
