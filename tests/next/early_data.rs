//! Early data on rustls 0.24 beyond the guarantees: with split streams, and with rustls 0.23 at the
//! other end.

use std::sync::Arc;

use pollback_testkit::configs::Version;
use pollback_testkit::executor;
use pollback_testkit::pipe::{End, pipe};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt};

use crate::engine::{Setup, TlsConnector, client};
use crate::resumption::{Acquaintances, LIMIT};
use crate::support::{WIDE, acceptor, handshake, localhost, receive, send};

async fn connect(connector: TlsConnector, end: End) -> client::TlsStream<End> {
    let connect = connector.connect(localhost(), end);
    connect.await.expect("the client connects")
}

/// A client that sends data before and after the end of the handshake.
async fn early_and_later(connector: TlsConnector, end: End) -> client::TlsStream<End> {
    let mut stream = connect(connector, end).await;
    stream.write_all(b"early").await.expect("early data");
    stream.finish_handshake().await.expect("a handshake");
    send(&mut stream, b"later").await;
    stream
}

#[test]
fn a_client_is_not_split_before_early_data_is_known_to_be_accepted() {
    let both = Acquaintances::new();
    let (client_end, server_end) = pipe(WIDE);
    let client = async {
        let mut stream = connect(both.connector(), client_end).await;
        stream.write_all(b"early").await.expect("early data");
        let refused = stream.into_split_with(tokio::io::split);
        let mut stream = refused.map(drop).expect_err("a handshake in progress");
        assert_eq!(receive(&mut stream, 6).await, b"answer");
        let halves = stream.into_split_with(tokio::io::split);
        let (_reader, mut writer) = halves.expect("a complete handshake");
        send(&mut writer, b"later").await;
    };
    let server = async {
        let accept = both.acceptor().accept(server_end);
        let mut stream = accept.await.expect("the server accepts");
        assert_eq!(receive(&mut stream, 5).await, b"early");
        send(&mut stream, b"answer").await;
        receive(&mut stream, 5).await
    };
    assert_eq!(executor::join(client, server).1, b"later");
}

#[test]
fn a_server_of_0_24_reads_early_data_of_a_client_of_0_23() {
    use pollback_testkit::configs::Setup as OtherSetup;

    let client = OtherSetup::new(Version::Tls13).early_data(LIMIT).client();
    let server = Setup::new(Version::Tls13).early_data(LIMIT).server();
    let connector = pollback::TlsConnector::from(Arc::new(client));
    #[cfg(feature = "early-data")]
    let connector = connector.early_data(true);
    let acceptor = acceptor(server);
    for is_known in [false, true] {
        let (client_end, server_end) = pipe(WIDE);
        let client = async {
            let connect = connector.connect(localhost(), client_end);
            let mut stream = connect.await.expect("the client connects");
            send(&mut stream, b"request").await;
            receive(&mut stream, 6).await;
            let is_early = is_known && cfg!(feature = "early-data");
            assert_eq!(stream.get_ref().1.is_early_data_accepted(), is_early);
        };
        let server = async {
            let accept = acceptor.accept(server_end);
            let mut stream = accept.await.expect("the server accepts");
            assert_eq!(receive(&mut stream, 7).await, b"request");
            send(&mut stream, b"answer").await;
        };
        executor::join(client, server);
    }
}

#[test]
fn unread_early_data_moves_to_the_reading_half() {
    for lent in [false, true] {
        let both = Acquaintances::new();
        let (client_end, server_end) = pipe(WIDE);
        let client = early_and_later(both.connector(), client_end);
        let server = async {
            let accept = both.acceptor().early_data(true).accept(server_end);
            let mut stream = accept.await.expect("the server accepts");
            if lent {
                assert_eq!(stream.fill_buf().await.expect("a loan"), b"early");
            }
            stream.finish_handshake().await.expect("a Finished");
            let halves = stream.into_split_with(tokio::io::split);
            let (mut reader, writer) = halves.expect("a complete handshake");
            assert_eq!(reader.fill_buf().await.expect("a loan"), b"early");
            assert_eq!(receive(&mut reader, 3).await, b"ear");
            assert_eq!(reader.early_data_read(), 3);
            // And from there back to the whole stream.
            let joined = reader.unsplit_with(writer, |reader, writer| reader.unsplit(writer));
            let mut stream = joined.map_err(drop).expect("both of one stream");
            assert_eq!(receive(&mut stream, 7).await, b"lylater");
            assert_eq!(stream.early_data_read(), 5);
        };
        executor::join(client, server);
    }
}

#[test]
fn a_connection_that_is_taken_out_returns_unread_plaintext_early_data_first() {
    let both = Acquaintances::new();
    let (client_end, server_end) = pipe(WIDE);
    let client = early_and_later(both.connector(), client_end);
    let server = async {
        let accept = both.acceptor().early_data(true).accept(server_end);
        let mut stream = accept.await.expect("the server accepts");
        assert_eq!(receive(&mut stream, 2).await, b"ea");
        stream.finish_handshake().await.expect("a Finished");
        stream
    };
    let (_client, server) = executor::join(client, server);
    let (_io, mut connection) = server.into_inner();
    // What arrived behind the Finished is not decrypted yet.
    assert_eq!(connection.take_plaintext(), b"rly");
    assert_eq!(connection.take_plaintext(), b"");

    let setup = Setup::new(Version::Tls13);
    let (mut client, mut server) = handshake(setup.client(), setup.server(), pipe(WIDE));
    executor::block_on(send(&mut client, b"plaintext"));
    assert_eq!(executor::block_on(receive(&mut server, 5)), b"plain");
    let (_io, mut connection) = server.into_inner();
    assert_eq!(connection.take_plaintext(), b"text");
    assert_eq!(connection.take_plaintext(), b"");
}

#[test]
fn both_sides_derive_the_same_keying_material_for_early_data() {
    let both = Acquaintances::new();
    let (client_end, server_end) = pipe(WIDE);
    let derive = |exporter: pollback::next::rustls::KeyingMaterialExporter| {
        let derived = exporter.derive(b"EXPERIMENTAL early", None, [0; 32]);
        derived.expect("keying material")
    };
    let client = async {
        let mut stream = connect(both.connector(), client_end).await;
        stream.write_all(b"early").await.expect("early data");
        let exporter = stream.get_mut().1.early_exporter().expect("an exporter");
        send(&mut stream, b"later").await;
        derive(exporter)
    };
    let server = async {
        let accept = both.acceptor().early_data(true).accept(server_end);
        let mut stream = accept.await.expect("the server accepts");
        receive(&mut stream, 10).await;
        let exporter = stream.get_mut().1.early_exporter().expect("an exporter");
        let again = stream.get_mut().1.early_exporter();
        again.map(drop).expect_err("it was taken before");
        (derive(exporter), stream)
    };
    let (ours, (theirs, _server)) = executor::join(client, server);
    assert_eq!(ours, theirs);
}

#[test]
fn a_client_returns_the_data_of_its_ticket() {
    for version in Version::ALL {
        let setup = Setup::new(version);
        let (client, server) = (setup.client(), Arc::new(setup.server()));
        for expected in [None, Some(&b"member"[..])] {
            let (client_end, server_end) = pipe(WIDE);
            let acceptor = pollback::next::TlsAcceptor::from(Arc::clone(&server));
            let accept = acceptor.accept_with(server_end, |connection| {
                let set = connection.set_resumption_data(b"member");
                set.expect("a handshake that has not begun");
            });
            let connector = crate::support::connector(client.clone());
            let (client, server) =
                executor::join(connector.connect(localhost(), client_end), accept);
            let (mut client, mut server) = (client.expect("a client"), server.expect("a server"));
            executor::join(send(&mut server, b"."), receive(&mut client, 1));
            let shown = server.get_ref().1.side().received_resumption_data();
            assert_eq!(shown, expected);
        }
    }
}
