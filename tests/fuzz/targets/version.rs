//! The versions of rustls that the targets use.

use std::error::Error;
use std::io;

use pollback::Options;
use pollback_testkit::executor;
use pollback_testkit::pipe::pipe;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::cryptography::Records;
use super::streams::Begin;

/// A version of rustls, with the streams of pollback on it.
pub(super) trait Version {
    type ClientConfig: Clone;
    type ServerConfig: Clone;
    type Error: Error + PartialEq + 'static;

    /// A client that accepts every certificate.
    fn client(records: Records, tls: Tls) -> Self::ClientConfig;

    /// A server that has a certificate for every name.
    fn server(records: Records, tls: Tls) -> Self::ServerConfig;

    /// Allows early data of at most `most` bytes.
    fn allow_early_data(
        client: &mut Self::ClientConfig,
        server: &mut Self::ServerConfig,
        most: u32,
    );

    /// Makes the server forget its sessions, and store no further ones.
    fn forget(server: &mut Self::ServerConfig);

    fn connect(config: Self::ClientConfig, early: bool, handling: Handling) -> Begin;

    fn accept(config: Self::ServerConfig, handling: Handling) -> Begin;

    /// Reads the ClientHello before it uses the configuration.
    fn accept_lazily(config: Self::ServerConfig, handling: Handling) -> Begin;

    /// The verdict of rustls alone about the bytes of a server.
    fn verdict_of_client(config: Self::ClientConfig, bytes: &[u8]) -> Verdict<Self::Error>;

    /// The verdict of rustls alone about the bytes of a client; a lazy acceptor has different
    /// errors.
    fn verdict_of_server(
        config: Self::ServerConfig,
        lazy: bool,
        bytes: &[u8],
    ) -> Verdict<Self::Error>;

    /// Configurations that have met before: the client has a ticket for early data, which the
    /// server accepts if `accepted`.
    fn acquainted(records: Records, accepted: bool) -> (Self::ClientConfig, Self::ServerConfig) {
        let mut client = Self::client(records, Tls::V13);
        let mut server = Self::server(records, Tls::V13);
        Self::allow_early_data(&mut client, &mut server, 4096);
        introduce(
            Self::connect(client.clone(), false, Handling::default()),
            Self::accept(server.clone(), Handling::default()),
        );
        if !accepted {
            // The server has forgotten the ticket, and skips any early data.
            Self::forget(&mut server);
            Self::allow_early_data(&mut client, &mut server, 1 << 24);
        }
        (client, server)
    }
}

/// How a stream is used.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Handling {
    pub(super) options: Options,
    /// Whether it is split into owned halves, if it has them.
    #[cfg_attr(not(feature = "next"), expect(dead_code))]
    pub(super) in_halves: bool,
}

/// The versions of TLS that are offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tls {
    V13,
    V12,
    /// Each of them, for an attacker to choose from.
    Any,
}

/// The result of rustls alone for some bytes.
pub(super) struct Verdict<E> {
    pub(super) error: Option<E>,
    /// Whether rustls sends an alert for it.
    pub(super) alert: bool,
}

impl<E> Verdict<E> {
    pub(super) fn sound() -> Self {
        Self {
            error: None,
            alert: false,
        }
    }
}

/// Provides the client with a ticket of the server.
fn introduce(connect: Begin, accept: Begin) {
    let (client_end, server_end) = pipe(1 << 16);
    let client = async {
        let mut stream = connect(Box::new(client_end)).await?;
        stream.read_u8().await
    };
    let server = async {
        let mut stream = accept(Box::new(server_end)).await?;
        stream.write_u8(b'.').await?;
        stream.flush().await?;
        io::Result::Ok(stream)
    };
    let (read, _stream) = executor::join(client, server);
    read.expect("a byte");
}
