//! Options can be set on everything that creates streams.

use std::sync::Arc;

#[cfg(feature = "listener")]
use pollback::listener::{SharedConfig, TlsListener, Transports};
use pollback::rustls::server::Acceptor;
use pollback::{LazyConfigAcceptor, Options};
use pollback_testkit::configs::{Setup, Version};
use pollback_testkit::executor;
use pollback_testkit::pipe::{Control, End, Operation, pipe};
use tokio::io::{AsyncWrite, AsyncWriteExt};

use crate::support::{WIDE, acceptor, connector, localhost, poll_once};

const BATCHED: Options = Options::new().with_batched_writes(true);

/// Asserts that a small write waits for a flush.
fn assert_batches<S: AsyncWrite + Unpin>(stream: &mut S, io: &Control) {
    let before = io.written().len();
    executor::block_on(stream.write_all(b"wait")).expect("a write");
    assert_eq!(io.written().len(), before);
    executor::block_on(stream.flush()).expect("a flush");
    assert!(io.written().len() > before);
}

fn ends() -> (Setup, End, End, Control, Control) {
    let (near, far) = pipe(WIDE);
    let (client_io, server_io) = (near.control(), far.control());
    (Setup::new(Version::Tls13), near, far, client_io, server_io)
}

#[test]
fn a_connector_with_alpn() {
    let (setup, near, far, client_io, _) = ends();
    let connector = connector(setup.client()).with_options(BATCHED);
    let (client, _server) = executor::join(
        connector.with_alpn(vec![]).connect(localhost(), near),
        acceptor(setup.server()).accept(far),
    );
    assert_batches(&mut client.expect("a client"), &client_io);
}

#[test]
fn single_handshakes() {
    let (setup, near, far, client_io, server_io) = ends();
    let (client, server) = executor::join(
        connector(setup.client())
            .connect(localhost(), near)
            .with_options(BATCHED),
        acceptor(setup.server())
            .accept(far)
            .into_fallible()
            .with_options(BATCHED),
    );
    let (mut client, mut server) = (
        client.expect("a client"),
        server.map_err(|_| ()).expect("a server"),
    );
    assert_batches(&mut client, &client_io);
    assert_batches(&mut server, &server_io);
}

#[test]
fn a_handshake_keeps_settings_that_its_options_omit() {
    let (setup, near, far, client_io, server_io) = ends();
    let other = Options::new().with_read_ahead(1024, 2048);
    let (client, server) = executor::join(
        connector(setup.client())
            .with_options(BATCHED)
            .connect(localhost(), near)
            .with_options(other),
        acceptor(setup.server())
            .with_options(BATCHED)
            .accept(far)
            .into_fallible()
            .with_options(Options::new()),
    );
    let (mut client, mut server) = (
        client.expect("a client"),
        server.map_err(|_| ()).expect("a server"),
    );
    assert_batches(&mut client, &client_io);
    assert_batches(&mut server, &server_io);
}

#[test]
fn a_handshake_changes_settings_that_its_options_name() {
    let (setup, near, far, client_io, _) = ends();
    let (client, _server) = executor::join(
        connector(setup.client())
            .with_options(BATCHED)
            .connect(localhost(), near)
            .with_options(Options::new().with_batched_writes(false)),
        acceptor(setup.server()).accept(far),
    );
    let mut client = client.expect("a client");
    let before = client_io.written().len();
    executor::block_on(client.write_all(b"now")).expect("a write");
    assert!(client_io.written().len() > before);
    // The queue of the connection has a limit, unlike with batches.
    client_io.block(Operation::Write);
    assert!(poll_once(client.write_all(&[7; 1 << 20])).is_pending());
}

#[test]
fn a_handshake_in_progress() {
    let (setup, near, far, client_io, _) = ends();
    let mut connect = connector(setup.client()).connect(localhost(), near);
    assert!(poll_once(&mut connect).is_pending());
    let (client, _server) = executor::join(
        connect.with_options(BATCHED),
        acceptor(setup.server()).accept(far),
    );
    assert_batches(&mut client.expect("a client"), &client_io);
}

#[test]
fn a_configuration_chosen_by_the_client_hello() {
    let (setup, near, far, _, server_io) = ends();
    let (_client, server) = executor::join(
        connector(setup.client()).connect(localhost(), near),
        async {
            let start = LazyConfigAcceptor::new(Acceptor::default(), far).await?;
            let accept = start.into_stream(Arc::new(setup.server()));
            accept.with_options(BATCHED).await
        },
    );
    assert_batches(&mut server.expect("a server"), &server_io);
}

#[cfg(feature = "listener")]
#[tokio::test]
async fn a_listener() {
    let (setup, near, far, _, server_io) = ends();
    let config = SharedConfig::new(setup.server()).with_options(BATCHED);
    let incoming = futures_util::stream::iter([Ok((far, ()))]);
    let mut listener = TlsListener::new(Transports(incoming), config);
    let (client, accepted) = tokio::join!(
        connector(setup.client()).connect(localhost(), near),
        listener.accept()
    );
    let _client = client.expect("a client");
    let (mut server, ..) = accepted.expect("a connection").into_parts();
    assert_batches(&mut server, &server_io);
}
