//! Behaviour of rustls 0.24.0-dev.2 that a later version may not have. Each test fails when it has
//! changed; the workaround can then be removed.
//!
//! `engine::full_record` states how much less than 16 KiB a record holds.

use std::sync::Arc;

use pollback::next::rustls::crypto::cipher::OutboundPlain;
use pollback::next::rustls::error::PeerMisbehaved;
use pollback::next::rustls::server::ServerHandshake;
use pollback::next::rustls::{
    ClientSide, Connection, Error, ServerConfig, ServerSide, SideData, SliceInput, Tcp,
};
use pollback_testkit::configs::Version;
use pollback_testkit::executor;
use pollback_testkit::pipe::pipe;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::engine::{self, ClientConfig, Setup};
use crate::support::{WIDE, handshake, localhost, records, tls_error};

fn connect(config: &ClientConfig) -> (Connection<ClientSide, Tcp>, Vec<u8>) {
    let mut output = Vec::new();
    let client = Arc::new(config.clone())
        .connect(localhost())
        .build(&mut output);
    (client.expect("a client"), output)
}

fn accept(config: &ServerConfig) -> Connection<ServerSide, Tcp> {
    Connection::<ServerSide, Tcp>::new(Arc::new(config.clone())).expect("a server")
}

/// Passes everything that was written to a connection; returns its plaintext.
fn feed<S: SideData>(
    connection: &mut Connection<S, Tcp>,
    input: &mut Vec<u8>,
    output: &mut Vec<u8>,
) -> Vec<u8> {
    let mut plaintext = Vec::new();
    let mut slice = SliceInput::new(input);
    let handled = connection
        .read_tls(&mut slice, output)
        .handle_all(&mut plaintext);
    handled.expect("sound ciphertext");
    let used = slice.into_used();
    input.drain(..used);
    plaintext
}

/// Both sides of a completed handshake.
fn established(
    client: &ClientConfig,
    server: &ServerConfig,
) -> (Connection<ClientSide, Tcp>, Connection<ServerSide, Tcp>) {
    let (mut client, mut to_server) = connect(client);
    let (mut server, mut to_client) = (accept(server), Vec::new());
    while client.is_handshaking() || server.is_handshaking() {
        feed(&mut server, &mut to_server, &mut to_client);
        feed(&mut client, &mut to_client, &mut to_server);
    }
    feed(&mut client, &mut to_client, &mut to_server);
    (client, server)
}

/// Therefore a connection is divided as soon as its handshake is complete.
#[test]
fn a_whole_connection_does_not_answer_a_key_update_while_it_reads() {
    let setup = Setup::new(Version::Tls13);
    let (mut client, mut server) = established(&setup.client(), &setup.server());
    let (mut to_server, mut to_client) = (Vec::new(), Vec::new());
    client
        .refresh_traffic_keys(&mut to_server)
        .expect("TLS 1.3");
    feed(&mut server, &mut to_server, &mut to_client);
    let empty = OutboundPlain::new_empty();
    server.write(empty, &mut to_client).expect("an empty write");
    assert!(to_client.is_empty());
}

/// Therefore a stream takes early data out of the connection before it processes what follows, and
/// does not continue from a hello that it has parsed.
#[test]
fn early_data_is_dropped_although_it_is_accepted() {
    let setup = Setup::new(Version::Tls13).early_data(1000);
    let (client_config, server_config) = (setup.client(), setup.server());
    established(&client_config, &server_config);
    for looks in [false, true] {
        let (mut client, mut to_server) = connect(&client_config);
        let mut early = client.early_data().expect("a ticket");
        let sent = early.write(OutboundPlain::Single(b"early"), &mut to_server);
        assert_eq!(sent, Ok(5));
        let mut to_client = Vec::new();
        if looks {
            let mut slice = SliceInput::new(&mut to_server);
            let start = ServerHandshake::start().process(&mut slice, &mut to_client);
            let Ok(ServerHandshake::Accepted(accepted)) = start else {
                panic!("a complete hello");
            };
            let config = Arc::new(server_config.clone());
            let chosen = accepted.choose_config(config, &mut to_client);
            let Ok(ServerHandshake::NeedsInput(handshake)) = chosen else {
                panic!("a handshake in progress");
            };
            // It does not report the five bytes.
            let next = handshake.process(&mut slice, &mut to_client);
            assert!(matches!(next, Ok(ServerHandshake::NeedsInput(_))));
        } else {
            let mut server = accept(&server_config);
            assert!(feed(&mut server, &mut to_server, &mut to_client).is_empty());
        }
        feed(&mut client, &mut to_client, &mut Vec::new());
        assert!(client.side().is_early_data_accepted());
        established(&client_config, &server_config);
    }
}

/// RFC 8446, section 5.1, allows 16 KiB in a record. rustls subtracts the overhead of encryption
/// from that, and no setting changes it, so each write of 16 KiB takes two records.
#[test]
fn no_setting_lets_a_record_hold_16_kib() {
    for largest in [None, Some(16_384 + 5)] {
        let setup = Setup::new(Version::Tls13);
        let mut config = setup.client();
        config.max_fragment_size = largest;
        let (mut client, _) = established(&config, &setup.server());
        let (full, mut output) = (
            engine::full_record(engine::wire(Version::Tls13)),
            Vec::new(),
        );
        for (length, expected) in [(full, 1), (16_384, 2)] {
            output.clear();
            let written = client.write(OutboundPlain::Single(&vec![7; length]), &mut output);
            written.expect("an established connection");
            assert_eq!(records(&output).len(), expected, "{length} bytes");
        }
    }
    let mut config = Setup::new(Version::Tls13).client();
    config.max_fragment_size = Some(16_384 + 5 + 1);
    let built = Arc::new(config).connect(localhost()).build(&mut Vec::new());
    assert_eq!(built.map(drop), Err(Error::BadMaxFragmentSize));
}

#[test]
fn more_than_32_tickets_in_a_row_are_fatal() {
    let setup = Setup::new(Version::Tls13);
    let mut server = setup.server();
    engine::set_tickets(&mut server, 33);
    let (mut client, mut server) = handshake(setup.client(), server, pipe(WIDE));
    executor::block_on(server.flush()).expect("a wide pipe");
    let error = executor::block_on(client.read_u8()).expect_err("too many");
    let too_many = PeerMisbehaved::TooManyConsecutiveHandshakeMessagesAfterHandshake;
    assert_eq!(tls_error(&error), &Error::from(too_many));
}
