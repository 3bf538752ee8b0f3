//! The header of the PROXY protocol.

use super::{assert_echo, connect, echo, open, reports, setup};
use pollback::listener::Stage;
use pollback::listener::proxy_header::{ProxiedAddress, ProxyHeader, Tlv};
use pollback::{Error, ErrorKind};
use std::io;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// The door of the proxy that is trusted.
const TRUSTED: usize = 1;

fn claimed() -> ProxiedAddress {
    let source = "192.0.2.1:4711".parse().unwrap();
    let destination = "192.0.2.2:443".parse().unwrap();
    ProxiedAddress::stream(source, destination)
}

/// What only version 2 can say besides.
fn additions() -> [Tlv<'static>; 2] {
    [
        Tlv::Authority("example.com".into()),
        Tlv::Custom(0xea, b"a network".into()),
    ]
}

#[tokio::test]
async fn a_trusted_proxy_says_who_the_client_is() {
    let setup = setup();
    let (door, listener) = open(setup.clone());
    let mut listener = listener.with_proxy_protocol(|peer| *peer == TRUSTED);
    let (mut first, mut second) = (vec![0; 1024], vec![0; 1024]);
    let header = ProxyHeader::with_address(claimed());
    let length = header.encode_to_slice_v1(&mut first).unwrap();
    first.truncate(length);
    let header = ProxyHeader::with_tlvs(Some(claimed()), additions());
    let length = header.encode_to_slice_v2(&mut second).unwrap();
    second.truncate(length);
    for (bytes, added) in [(first, &[][..]), (second, &additions())] {
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
            let tlvs: Vec<_> = said.tlvs().map(Result::unwrap).collect();
            assert_eq!(tlvs, added);
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
    let mut bytes = [0; 64];
    let length = ProxyHeader::with_local()
        .encode_to_slice_v2(&mut bytes)
        .unwrap();
    io.write_all(&bytes[..length]).await.unwrap();
    let client = tokio::spawn(connect(&setup(), io));
    let connection = listener.accept().await.unwrap();
    let header = connection.peer().proxy_header.as_ref().expect("a header");
    assert_eq!(header.proxied_address(), None);
    client.await.unwrap().unwrap();
}

#[tokio::test]
async fn no_one_else_is_believed() {
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
        .expect_err("a hello is no header");
    let failed = reported.recv().await.unwrap();
    assert_eq!(failed.stage, Stage::ProxyHeader);
    assert_eq!(failed.error.kind(), io::ErrorKind::InvalidData);
}

#[tokio::test]
async fn a_client_that_fails_is_known_all_the_same() {
    let (door, listener) = open(setup());
    let (report, mut reported) = reports();
    let listener = listener.with_proxy_protocol(|_| true).on_failure(report);
    super::serve(listener);
    let mut bytes = [0; 64];
    let header = ProxyHeader::with_address(claimed());
    let length = header.encode_to_slice_v2(&mut bytes).unwrap();
    for behind in [&b""[..], b"GET /"] {
        let mut io = door.knock(TRUSTED);
        io.write_all(&bytes[..length]).await.unwrap();
        io.write_all(behind).await.unwrap();
        drop(io);
        let failed = reported.recv().await.unwrap();
        assert_eq!((failed.peer, failed.stage), (Some(TRUSTED), Stage::Hello));
        let said = failed.proxy_header.expect("it was read");
        assert_eq!(said.proxied_address(), Some(&claimed()));
    }
    drop(door.knock(TRUSTED));
    let failed = reported.recv().await.unwrap();
    assert_eq!(failed.stage, Stage::ProxyHeader);
    assert!(failed.proxy_header.is_none());
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
