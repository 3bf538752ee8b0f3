//! A transport that ends during the handshake, at any place.

use super::{Way, localhost, names};
use pollback::{ErrorKind, TlsConnector};
use pollback_testkit::configs::{Setup, Version};
use std::io;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};

/// Enough for any handshake, so that no side waits for room.
const CAPACITY: usize = 64 * 1024;

/// A transport from which only the first `limit` bytes can be read.
fn cut<IO>(transport: IO, limit: u64) -> impl AsyncRead + AsyncWrite + Unpin
where
    IO: AsyncRead + AsyncWrite,
{
    let (reader, writer) = tokio::io::split(transport);
    tokio::io::join(reader.take(limit), writer)
}

/// Lets the side created by `handshake` read more and more bytes, until its handshake completes.
///
/// Tries every limit near the start, where the record and message headers are, then every 61st.
async fn each_cut<F>(handshake: impl Fn(u64) -> F)
where
    F: Future<Output = io::Result<()>>,
{
    let mut limit = 0;
    while let Err(error) = handshake(limit).await {
        names(&error, ErrorKind::Truncated);
        limit += if limit < 12 { 1 } else { 61 };
        assert!(limit < CAPACITY as u64, "the handshake never completes");
    }
    assert!(limit > 100, "a handshake reads more than {limit} bytes");
}

#[tokio::test]
async fn a_client_whose_server_goes_away() {
    for version in Version::ALL {
        let setup = Setup::new(version);
        let (client, server) = (Arc::new(setup.client()), Arc::new(setup.server()));
        each_cut(|limit| {
            let connector = TlsConnector::from(Arc::clone(&client));
            let server = Arc::clone(&server);
            async move {
                let (near, far) = tokio::io::duplex(CAPACITY);
                let connect = connector.connect(localhost(), cut(near, limit));
                let (client, _) = tokio::join!(connect, Way::Direct.accept(server, far));
                client.map(drop)
            }
        })
        .await;
    }
}

#[tokio::test]
async fn a_server_whose_client_goes_away() {
    for version in Version::ALL {
        for way in Way::ALL {
            let setup = Setup::new(version);
            let (client, server) = (Arc::new(setup.client()), Arc::new(setup.server()));
            each_cut(|limit| {
                let connector = TlsConnector::from(Arc::clone(&client));
                let server = Arc::clone(&server);
                async move {
                    let (near, far) = tokio::io::duplex(CAPACITY);
                    let accept = way.accept(server, cut(far, limit));
                    let (_, server) = tokio::join!(connector.connect(localhost(), near), accept);
                    server.map(drop)
                }
            })
            .await;
        }
    }
}

#[tokio::test]
async fn three_bytes_that_may_be_a_hello() {
    let config = Arc::new(Setup::new(Version::Tls13).server());
    for way in Way::ALL {
        let transport = tokio::io::join(&[22, 3, 1][..], tokio::io::sink());
        let error = way
            .accept(Arc::clone(&config), transport)
            .await
            .unwrap_err();
        names(&error, ErrorKind::Truncated);
    }
}
