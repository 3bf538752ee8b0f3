//! Inputs that make a connection succeed, recorded from connections that did.

use std::sync::Arc;

use pollback::rustls::{
    ClientConfig, ProtocolVersion, ServerConfig, SupportedProtocolVersion, version,
};
use pollback::{TlsAcceptor, TlsConnector};
use pollback_testkit::executor;
use pollback_testkit::pipe::pipe;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::configs::{self, localhost};
use super::cryptography::Records;

/// The name and the bytes of each seed of the target.
pub(crate) fn seeds(target: &str) -> Vec<(&'static str, Vec<u8>)> {
    // The peer sends all at once, listens, and the subject has room for a record and more.
    const PLAIN: [u8; 5] = [0; 5];
    const EARLY_OR_LAZY: [u8; 5] = [0, 0, 0, 0, 1];
    let [tls13, tls12, early] = [
        talk(fresh(&version::TLS13), false),
        talk(fresh(&version::TLS12), false),
        talk(configs::acquainted(Records::Unmarked, true), true),
    ];
    match target {
        "server" => vec![
            ("tls13", [&PLAIN[..], &tls13.0].concat()),
            ("tls12", [&PLAIN[..], &tls12.0].concat()),
            ("tls13-lazy", [&EARLY_OR_LAZY[..], &tls13.0].concat()),
            ("early-data", [&PLAIN[..], &early.0].concat()),
        ],
        "client" => vec![
            ("tls13", [&PLAIN[..], &tls13.1].concat()),
            ("tls12", [&PLAIN[..], &tls12.1].concat()),
            ("early-data", [&EARLY_OR_LAZY[..], &early.1].concat()),
        ],
        _ => Vec::new(),
    }
}

fn fresh(version: &'static SupportedProtocolVersion) -> (ClientConfig, ServerConfig) {
    (
        configs::client(Records::Unmarked, &[version]),
        configs::server(Records::Unmarked, &[version]),
    )
}

/// What a client and a server send to each other.
fn talk((client, server): (ClientConfig, ServerConfig), early: bool) -> (Vec<u8>, Vec<u8>) {
    let (client_end, server_end) = pipe(1 << 16);
    let (client_io, server_io) = (client_end.control(), server_end.control());
    let connector = TlsConnector::from(Arc::new(client)).early_data(early);
    let acceptor = TlsAcceptor::from(Arc::new(server));
    executor::join(
        async {
            let mut stream = connector
                .connect(localhost(), client_end)
                .await
                .expect("connected");
            stream.write_all(b"request").await.expect("written");
            stream.shutdown().await.expect("shut down");
            stream
                .read_to_end(&mut Vec::new())
                .await
                .expect("an answer");
        },
        async {
            let mut stream = acceptor.accept(server_end).await.expect("accepted");
            stream.write_all(b"answer").await.expect("written");
            if stream.get_ref().1.protocol_version() == Some(ProtocolVersion::TLSv1_3) {
                stream.get_mut().1.refresh_traffic_keys().expect("new keys");
            }
            stream
                .read_to_end(&mut Vec::new())
                .await
                .expect("a request");
            stream.shutdown().await.expect("shut down");
        },
    );
    (client_io.written(), server_io.written())
}
