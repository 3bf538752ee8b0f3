//! The implementations under test: plain rustls, and the ways to create a stream of pollback.
//!
//! A back end is one more function in `joined.rs`, or `joined_next.rs` for rustls 0.24, and one
//! more line here. The code for plain rustls is in `plain.rs`.

mod bare;
mod bare_next;
mod facts;
mod joined;
mod joined_next;
mod plain;

use std::any::Any;
use std::io;
use std::net::TcpStream;

use pollback::next::rustls as next;
use rustls::{ClientConnection, ServerConnection};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::options::{Options, Unimplemented};
use crate::settings::Settings;
use crate::setup::Setup;

/// The implementation under test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Backend {
    /// rustls 0.23 with blocking I/O: the reference for the next four.
    Plain,
    /// `TlsConnector` and `TlsAcceptor`.
    Acceptor,
    /// `LazyConfigAcceptor`.
    Lazy,
    /// `hello::peek`.
    Hello,
    /// `TlsListener`.
    Listener,
    /// rustls 0.24 with blocking I/O: the reference for the next two.
    PlainNext,
    /// `TlsConnector` and `TlsAcceptor` of `next`.
    Next,
    /// `LazyConfigAcceptor` of `next`.
    NextLazy,
}

impl Backend {
    pub(crate) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "plain" => Self::Plain,
            "acceptor" => Self::Acceptor,
            "lazy" => Self::Lazy,
            "hello" => Self::Hello,
            "listener" => Self::Listener,
            "plain-next" => Self::PlainNext,
            "next" => Self::Next,
            "next-lazy" => Self::NextLazy,
            _ => return None,
        })
    }
}

/// An open connection. The handshake of a client that offers early data, or of a server that
/// accepts some, may still be in progress.
pub(crate) trait Conversation: AsyncRead + AsyncWrite + Send + Unpin {
    fn is_handshaking(&self) -> bool;

    /// The parameters that the handshake has negotiated.
    fn negotiated(&self) -> Negotiated;

    /// Keying material (RFC 5705) of the length of `out`.
    fn export(&mut self, out: &mut [u8], label: &[u8], context: Option<&[u8]>) -> io::Result<()>;

    /// Updates the sending key, and notifies the peer.
    fn update_keys(&mut self) -> io::Result<()>;

    /// Its owned halves, if it has them.
    fn into_halves(self: Box<Self>) -> Option<Halves> {
        None
    }
}

/// Owned halves of a connection, which two tasks or threads may use.
pub(crate) type Halves = (Box<dyn ReadingHalf>, Box<dyn WritingHalf>);

pub(crate) trait ReadingHalf: AsyncRead + Send + Unpin {
    /// Reunites the connection.
    fn unite(self: Box<Self>, writer: Box<dyn WritingHalf>) -> Box<dyn Conversation>;
}

pub(crate) trait WritingHalf: AsyncWrite + Send + Unpin {
    fn into_any(self: Box<Self>) -> Box<dyn Any>;
}

type Opened = Result<Box<dyn Conversation>, Failure>;

/// The parameters that a handshake has negotiated, as TLS numbers.
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

/// Why there is no connection, or not any more.
#[derive(Debug)]
pub(crate) enum Failure {
    Unimplemented(Unimplemented),
    /// The connection has failed, which the runner may expect.
    Io(io::Error),
    /// The connection has not failed, but is not as expected.
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
) -> Opened {
    setup.begin(settings);
    match options.backend {
        Backend::Plain | Backend::PlainNext => open_plain(options, setup, settings, socket),
        _ if settings.server => accept(options, setup, settings, socket).await,
        _ => connect(options, setup, settings, socket).await,
    }
}

fn open_plain(
    options: &Options,
    setup: &mut Setup,
    settings: &Settings,
    socket: TcpStream,
) -> Opened {
    let mut output = Vec::new();
    match (options.backend, settings.server) {
        (Backend::PlainNext, true) => {
            let config = setup.next.server(settings)?;
            let server = next::Connection::<next::ServerSide, next::Tcp>::new(config);
            let server = server.map_err(io::Error::other)?;
            plain::open(bare_next::BareNext::new(server, output), settings, socket)
        }
        (Backend::PlainNext, false) => {
            let (config, name) = setup.next.client(settings)?;
            let client = config.connect(name).build(&mut output);
            let client = client.map_err(io::Error::other)?;
            plain::open(bare_next::BareNext::new(client, output), settings, socket)
        }
        (_, true) => {
            let server = ServerConnection::new(setup.configs.server(settings)?);
            plain::open(server.map_err(io::Error::other)?, settings, socket)
        }
        (_, false) => {
            let (config, name) = setup.configs.client(settings)?;
            let client = ClientConnection::new(config, name);
            plain::open(client.map_err(io::Error::other)?, settings, socket)
        }
    }
}

async fn connect(
    options: &Options,
    setup: &mut Setup,
    settings: &Settings,
    socket: TcpStream,
) -> Opened {
    let transport = options.variant.transport(socket)?;
    let stream_options = options.variant.options();
    match options.backend {
        Backend::Acceptor => {
            let (config, name) = setup.configs.client(settings)?;
            joined::connect(config, name, transport, stream_options).await
        }
        Backend::Next => {
            let (config, name) = setup.next.client(settings)?;
            joined_next::connect(config, name, transport, stream_options).await
        }
        _ => {
            let reason = "this back end differs only for servers";
            Err(Unimplemented(reason.to_owned()).into())
        }
    }
}

async fn accept(
    options: &Options,
    setup: &mut Setup,
    settings: &Settings,
    socket: TcpStream,
) -> Opened {
    let transport = options.variant.transport(socket)?;
    let stream_options = options.variant.options();
    // Keying material can be exported only after the handshake.
    let early_data = settings.export.is_none();
    if let Backend::Next | Backend::NextLazy = options.backend {
        let config = setup.next.server(settings)?;
        return match options.backend {
            Backend::NextLazy => {
                joined_next::accept_lazily(config, transport, stream_options, early_data).await
            }
            _ => joined_next::accept(config, transport, stream_options, early_data).await,
        };
    }
    let config = setup.configs.server(settings)?;
    match options.backend {
        Backend::Lazy => joined::accept_lazily(config, transport, stream_options, early_data).await,
        Backend::Hello => joined::peek(config, transport, stream_options, early_data).await,
        Backend::Listener => joined::listen(config, transport, stream_options, early_data).await,
        _ => joined::accept(config, transport, stream_options, early_data).await,
    }
}
