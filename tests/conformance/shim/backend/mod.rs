//! What the tests are run on: plain rustls, and the ways into a stream of pollback.
//!
//! A back end is one more file here and one more line in `open`. One on another version of rustls
//! makes configurations of its own, as `setup` does for rustls 0.23, and tells of a connection in
//! the numbers of `Negotiated`.

mod connection;
mod joined;
mod plain;

use std::io;
use std::net::TcpStream;

use tokio::io::{AsyncRead, AsyncWrite};

use crate::options::{Options, Unimplemented};
use crate::settings::Settings;
use crate::setup::Setup;

/// What the tests are run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Backend {
    /// rustls with blocking I/O: what the others are held against.
    Plain,
    /// `TlsConnector` and `TlsAcceptor`.
    Acceptor,
    /// `LazyConfigAcceptor`.
    Lazy,
    /// `hello::peek`.
    Hello,
    /// `TlsListener`.
    Listener,
}

impl Backend {
    pub(crate) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "plain" => Self::Plain,
            "acceptor" => Self::Acceptor,
            "lazy" => Self::Lazy,
            "hello" => Self::Hello,
            "listener" => Self::Listener,
            _ => return None,
        })
    }
}

/// A connection that was opened. The handshake of a client that offers early data may still go on,
/// and that of a server that takes some.
pub(crate) trait Conversation: AsyncRead + AsyncWrite + Send + Unpin {
    fn is_handshaking(&self) -> bool;

    /// What the handshake has settled.
    fn negotiated(&self) -> Negotiated;

    /// Keying material (RFC 5705) of the length of `out`.
    fn export(&self, out: &mut [u8], label: &[u8], context: Option<&[u8]>) -> io::Result<()>;

    /// Sends with another key from now on, and tells the peer so.
    fn update_keys(&mut self) -> io::Result<()>;
}

/// What a handshake has settled, in the numbers of TLS.
#[derive(Debug)]
pub(crate) struct Negotiated {
    pub(crate) version: Option<u16>,
    pub(crate) cipher: Option<u16>,
    pub(crate) group: Option<u16>,
    pub(crate) alpn: Option<Vec<u8>>,
    pub(crate) resumed: bool,
    pub(crate) retry_request: bool,
    pub(crate) server_name: Option<String>,
    pub(crate) peer_chain: Vec<Vec<u8>>,
    /// Whether a client's early data was accepted; `None` with a server.
    pub(crate) early_data_accepted: Option<bool>,
}

/// Why there is no connection, or no more.
#[derive(Debug)]
pub(crate) enum Failure {
    Unimplemented(Unimplemented),
    /// The connection has failed, as the runner may want it.
    Io(io::Error),
    /// It has not, but is not what it should be.
    Unexpected(String),
}

impl From<Unimplemented> for Failure {
    fn from(unimplemented: Unimplemented) -> Self {
        Self::Unimplemented(unimplemented)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Opens a connection over `socket`.
pub(crate) async fn open(
    options: &Options,
    setup: &mut Setup,
    settings: &Settings,
    socket: TcpStream,
) -> Result<Box<dyn Conversation>, Failure> {
    if options.backend == Backend::Plain {
        return plain::open(setup, settings, socket);
    }
    socket.set_nonblocking(true)?;
    let socket = tokio::net::TcpStream::from_std(socket)?;
    let transport = options.variant.transport(socket);
    let stream_options = options.variant.options();
    if !settings.server {
        if options.backend != Backend::Acceptor {
            let reason = "a client, where only the ways of a server differ";
            return Err(Unimplemented(reason.to_owned()).into());
        }
        let (config, name) = setup.client(settings)?;
        return joined::connect(config, name, transport, stream_options).await;
    }
    let config = setup.server(settings)?;
    // Keying material is exported only when the handshake is done.
    let early_data = settings.export.is_none();
    match options.backend {
        Backend::Lazy => joined::accept_lazily(config, transport, stream_options, early_data).await,
        Backend::Hello => joined::peek(config, transport, stream_options, early_data).await,
        Backend::Listener => joined::listen(config, transport, stream_options, early_data).await,
        Backend::Plain | Backend::Acceptor => {
            joined::accept(config, transport, stream_options, early_data).await
        }
    }
}
