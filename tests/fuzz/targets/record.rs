//! Inputs with which a connection succeeds, recorded from successful connections.

use pollback_testkit::executor;
use pollback_testkit::pipe::pipe;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::cryptography::Records;
use super::version::{Handling, Tls, Version};

/// The name and the bytes of each seed.
pub(crate) type Seeds = Vec<(&'static str, Vec<u8>)>;

// The peer sends everything at once and reads, and the subject has room for more than a record.
const PLAIN: [u8; 5] = [0; 5];
const EARLY_OR_LAZY: [u8; 5] = [0, 0, 0, 0, 1];
const IN_HALVES: [u8; 5] = [0, 0, 0, 0, 2];
const ACQUAINTED: [u8; 5] = [0, 0, 0, 0, 4];

pub(super) fn of_server<V: Version>() -> Seeds {
    let [tls13, tls12, early] = talks::<V>().map(|(client, _)| client);
    vec![
        ("tls13", [&PLAIN[..], &tls13].concat()),
        ("tls12", [&PLAIN[..], &tls12].concat()),
        ("tls13-lazy", [&EARLY_OR_LAZY[..], &tls13].concat()),
        ("tls13-halves", [&IN_HALVES[..], &tls13].concat()),
        ("early-data", [&ACQUAINTED[..], &early].concat()),
    ]
}

pub(super) fn of_client<V: Version>() -> Seeds {
    let [tls13, tls12, early] = talks::<V>().map(|(_, server)| server);
    vec![
        ("tls13", [&PLAIN[..], &tls13].concat()),
        ("tls12", [&PLAIN[..], &tls12].concat()),
        ("tls13-halves", [&IN_HALVES[..], &tls13].concat()),
        ("early-data", [&EARLY_OR_LAZY[..], &early].concat()),
    ]
}

/// What a client and a server send to each other.
type Talk = (Vec<u8>, Vec<u8>);

/// With TLS 1.3, with TLS 1.2, and with early data.
fn talks<V: Version>() -> [Talk; 3] {
    let fresh = |tls| {
        let (client, mut server) = (
            V::client(Records::Unmarked, tls),
            V::server(Records::Unmarked, tls),
        );
        // The ID of a TLS 1.2 session would be the one that every client has offered.
        V::forget(&mut server);
        (client, server)
    };
    [
        talk::<V>(fresh(Tls::V13), false),
        talk::<V>(fresh(Tls::V12), false),
        talk::<V>(V::acquainted(Records::Unmarked, true), true),
    ]
}

fn talk<V: Version>((client, server): (V::ClientConfig, V::ServerConfig), early: bool) -> Talk {
    let (client_end, server_end) = pipe(1 << 16);
    let (client_io, server_io) = (client_end.control(), server_end.control());
    let connect = V::connect(client, early, Handling::default());
    let accept = V::accept(server, Handling::default());
    executor::join(
        async {
            let mut stream = connect(Box::new(client_end)).await.expect("connected");
            stream.write_all(b"request").await.expect("written");
            stream.shutdown().await.expect("shut down");
            stream
                .read_to_end(&mut Vec::new())
                .await
                .expect("an answer");
        },
        async {
            let mut stream = accept(Box::new(server_end)).await.expect("accepted");
            stream.write_all(b"answer").await.expect("written");
            stream.ask_for_new_keys();
            stream
                .read_to_end(&mut Vec::new())
                .await
                .expect("a request");
            stream.shutdown().await.expect("shut down");
        },
    );
    (client_io.written(), server_io.written())
}
