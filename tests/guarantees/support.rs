//! Shared by the tests of all guarantees.

use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use crate::engine::Setup;
pub(crate) use pollback_testkit::bytes::{pattern, receive, send};
use pollback_testkit::configs::Version;
pub(crate) use pollback_testkit::configs::localhost;
use pollback_testkit::executor;
use pollback_testkit::pipe::{Control, End, SHAPES, Shape, pipe};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};

use crate::engine::{
    AlertDescription, ClientConfig, ServerConfig, TlsAcceptor, TlsConnector, TlsStream, client,
    rustls, server,
};
use pollback::{Error, ErrorKind};

/// A pipe with more room than any test fills.
pub(crate) const WIDE: usize = 4 << 20;

/// An established connection, seen from the side under test.
pub(crate) struct Talk {
    pub(crate) subject: TlsStream<End>,
    pub(crate) subject_io: Control,
    pub(crate) peer: TlsStream<End>,
    pub(crate) peer_io: Control,
}

/// Runs a test for each version over each shape of transport.
pub(crate) fn for_each_shape(test: impl Fn(Version, &Shape)) {
    for version in Version::ALL {
        for shape in &SHAPES {
            eprintln!("{version:?} over {}", shape.name);
            test(version, shape);
        }
    }
}

/// Runs a test for each version, the client and then the server under test, over a wide pipe.
pub(crate) fn for_each_talk(test: impl Fn(Talk)) {
    for version in Version::ALL {
        for under_test in Side::BOTH {
            eprintln!("{version:?}, {under_test:?} under test");
            test(under_test.talk(version, pipe(WIDE)));
        }
    }
}

/// The same over each shape of transport.
pub(crate) fn for_each_talk_and_shape(test: impl Fn(Talk)) {
    for_each_shape(|version, shape| {
        for under_test in Side::BOTH {
            eprintln!("{under_test:?} under test");
            test(under_test.talk(version, shape.open()));
        }
    });
}

/// The side under test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Client,
    Server,
}

impl Side {
    pub(crate) const BOTH: [Self; 2] = [Self::Client, Self::Server];

    pub(crate) fn talk(self, version: Version, ends: (End, End)) -> Talk {
        let setup = Setup::new(version);
        let (client_io, server_io) = (ends.0.control(), ends.1.control());
        let (client, server) = handshake(setup.client(), setup.server(), ends);
        let (client, server) = (TlsStream::from(client), TlsStream::from(server));
        let (subject, subject_io, peer, peer_io) = match self {
            Self::Client => (client, client_io, server, server_io),
            Self::Server => (server, server_io, client, client_io),
        };
        Talk {
            subject,
            subject_io,
            peer,
            peer_io,
        }
        .settle()
    }
}

impl Talk {
    /// Exchanges a byte in each direction, after which nothing of the handshake is in transit any
    /// more: otherwise a test that counts bytes would count tickets.
    pub(crate) fn settle(mut self) -> Self {
        for _ in 0..2 {
            let (from, to) = (&mut self.subject, &mut self.peer);
            executor::join(send(from, b"."), receive(to, 1));
            executor::join(send(to, b"."), receive(from, 1));
        }
        self
    }
}

pub(crate) fn connector(config: ClientConfig) -> TlsConnector {
    TlsConnector::from(Arc::new(config))
}

pub(crate) fn acceptor(config: ServerConfig) -> TlsAcceptor {
    TlsAcceptor::from(Arc::new(config))
}

/// Both sides of a handshake that is expected to succeed.
pub(crate) fn handshake(
    client: ClientConfig,
    server: ServerConfig,
    (client_end, server_end): (End, End),
) -> (client::TlsStream<End>, server::TlsStream<End>) {
    let (client, server) = executor::join(
        connector(client).connect(localhost(), client_end),
        acceptor(server).accept(server_end),
    );
    (
        client.expect("the client connects"),
        server.expect("the server accepts"),
    )
}

/// The first bytes of a client.
pub(crate) fn client_hello(version: Version) -> Vec<u8> {
    let (end, _peer) = pipe(WIDE);
    let io = end.control();
    let connect = connector(Setup::new(version).client()).connect(localhost(), end);
    assert!(poll_once(connect).is_pending());
    io.written()
}

/// Polls a future once, and drops it.
pub(crate) fn poll_once<F: Future>(future: F) -> Poll<F::Output> {
    pin!(future).poll(&mut Context::from_waker(Waker::noop()))
}

/// Polls once for as much as fits into `room`.
pub(crate) fn poll_read<S>(stream: &mut S, room: usize) -> Poll<io::Result<Vec<u8>>>
where
    S: AsyncRead + Unpin,
{
    let mut room = vec![0; room];
    let mut buf = ReadBuf::new(&mut room);
    let mut cx = Context::from_waker(Waker::noop());
    Pin::new(stream)
        .poll_read(&mut cx, &mut buf)
        .map_ok(|()| buf.filled().to_vec())
}

/// Reads everything that has arrived.
pub(crate) fn read_what_is_there<S: AsyncRead + Unpin>(stream: &mut S) -> Vec<u8> {
    let mut received = Vec::new();
    while let Poll::Ready(bytes) = poll_read(stream, 64 * 1024) {
        let bytes = bytes.expect("a successful read");
        assert!(
            !bytes.is_empty(),
            "an end of stream where more could arrive"
        );
        received.extend(bytes);
    }
    received
}

/// Reads to the end of the stream.
pub(crate) async fn receive_all<S: AsyncRead + Unpin>(stream: &mut S) -> io::Result<Vec<u8>> {
    let mut received = Vec::new();
    stream.read_to_end(&mut received).await?;
    Ok(received)
}

/// Makes one vectored write.
pub(crate) async fn write_vectored<S>(stream: &mut S, slices: &[&[u8]]) -> io::Result<usize>
where
    S: AsyncWrite + Unpin,
{
    let slices: Vec<IoSlice<'_>> = slices.iter().map(|slice| IoSlice::new(slice)).collect();
    stream.write_vectored(&slices).await
}

/// The kind of an error of the crate under test.
pub(crate) fn error_kind(error: &io::Error) -> Option<ErrorKind> {
    Error::find(error).map(|error| error.kind())
}

/// The error of rustls in an I/O error.
pub(crate) fn tls_error(error: &io::Error) -> &rustls::Error {
    error
        .get_ref()
        .and_then(|inner| inner.downcast_ref())
        .unwrap_or_else(|| panic!("{error:?} contains no rustls error"))
}

/// Checks that the peer has sent this alert.
pub(crate) fn assert_alert(error: &io::Error, alert: AlertDescription) {
    assert_eq!(tls_error(error), &rustls::Error::AlertReceived(alert));
}

/// The content types of the records in the bytes.
///
/// # Panics
///
/// If the last record is incomplete.
pub(crate) fn records(mut bytes: &[u8]) -> Vec<u8> {
    let mut types = Vec::new();
    while let [content_type, _, _, high, low, rest @ ..] = bytes {
        types.push(*content_type);
        bytes = &rest[usize::from(u16::from_be_bytes([*high, *low]))..];
    }
    assert!(
        bytes.is_empty(),
        "{} bytes of an incomplete record",
        bytes.len()
    );
    types
}

/// The content type of an alert.
pub(crate) const ALERT: u8 = 21;

pub(crate) use crate::engine::request_key_update;
