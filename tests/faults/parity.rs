//! The application sees what the transport would show it, and truncation.

use std::future::Future;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use pollback::rustls::pki_types::ServerName;
use pollback::{TlsAcceptor, TlsConnector};
use pollback_testkit::configs::{Setup, Version};
use pollback_testkit::executor;
use pollback_testkit::pipe::{Answer, Control, End, pipe};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::rig::Role;

/// What happens to the connection.
#[derive(Clone, Copy, Debug)]
enum Event {
    /// Nothing.
    Silence,
    /// The peer closes its direction.
    HalfClose,
    /// The peer is gone, without a close_notify.
    Gone,
    /// Our next call of the transport reports that the connection was reset.
    Reset,
}

/// An operation of the application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    Read,
    /// Writes and flushes: a TLS stream may report a failed write in the flush.
    Send,
    Shutdown,
}

/// The result of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sight {
    Waits,
    Done,
    Data(usize),
    End,
    Error(io::ErrorKind),
}

const ACTS: [Act; 3] = [Act::Read, Act::Send, Act::Shutdown];

trait Stream: AsyncRead + AsyncWrite + Unpin {}

impl<T: AsyncRead + AsyncWrite + Unpin> Stream for T {}

struct Talk {
    subject: Box<dyn Stream>,
    subject_io: Control,
    peer: Box<dyn Stream>,
}

fn plain() -> Talk {
    let (subject, peer) = pipe(1 << 20);
    Talk {
        subject_io: subject.control(),
        subject: Box::new(subject),
        peer: Box::new(peer),
    }
}

/// Both sides over a pipe.
type Meet = fn(Version, (End, End)) -> (Box<dyn Stream>, Box<dyn Stream>);

fn current(version: Version, (near, far): (End, End)) -> (Box<dyn Stream>, Box<dyn Stream>) {
    let setup = Setup::new(version);
    let connector = TlsConnector::from(Arc::new(setup.client()));
    let acceptor = TlsAcceptor::from(Arc::new(setup.server()));
    let (client, server) =
        executor::join(connector.connect(localhost(), near), acceptor.accept(far));
    (
        Box::new(client.expect("a handshake")),
        Box::new(server.expect("a handshake")),
    )
}

/// On rustls 0.24, whole or in owned halves.
#[cfg(feature = "next")]
mod on_next {
    use pollback::next::{Side, TlsAcceptor, TlsConnector, TlsStream};

    use super::*;
    use crate::next_engine::Setup;

    pub(super) fn whole(version: Version, ends: (End, End)) -> (Box<dyn Stream>, Box<dyn Stream>) {
        let (client, server) = meet(version, ends);
        (Box::new(client), Box::new(server))
    }

    pub(super) fn halved(version: Version, ends: (End, End)) -> (Box<dyn Stream>, Box<dyn Stream>) {
        let (client, server) = meet(version, ends);
        (in_halves(client), in_halves(server))
    }

    fn meet(
        version: Version,
        (near, far): (End, End),
    ) -> (
        pollback::next::client::TlsStream<End>,
        pollback::next::server::TlsStream<End>,
    ) {
        let setup = Setup::new(version);
        let connector = TlsConnector::from(Arc::new(setup.client()));
        let acceptor = TlsAcceptor::from(Arc::new(setup.server()));
        let (client, server) =
            executor::join(connector.connect(localhost(), near), acceptor.accept(far));
        (client.expect("a handshake"), server.expect("a handshake"))
    }

    fn in_halves<S: Side>(stream: TlsStream<End, S>) -> Box<dyn Stream> {
        let halves = stream.into_split_with(tokio::io::split);
        let (reader, writer) = halves.expect("a handshake that is over");
        Box::new(tokio::io::join(reader, writer))
    }
}

const ALL: &[(&str, Meet)] = &[
    ("0.23", current),
    #[cfg(feature = "next")]
    ("0.24", on_next::whole),
    #[cfg(feature = "next")]
    ("0.24 in halves", on_next::halved),
];

fn localhost() -> ServerName<'static> {
    ServerName::try_from("localhost").expect("a valid name")
}

fn tls(meet: Meet, version: Version, subject: Role) -> Talk {
    let ends = pipe(1 << 20);
    let controls = [ends.0.control(), ends.1.control()];
    let (mut client, mut server) = meet(version, ends);
    // The tickets are read, so that the pipe is empty.
    executor::block_on(server.write_all(b".")).expect("a write");
    executor::block_on(server.flush()).expect("a flush");
    executor::block_on(client.read_u8()).expect("a read");
    let [client_io, server_io] = controls;
    match subject {
        Role::Client => Talk {
            subject: client,
            subject_io: client_io,
            peer: server,
        },
        Role::Server => Talk {
            subject: server,
            subject_io: server_io,
            peer: client,
        },
    }
}

fn look(mut talk: Talk, data: usize, event: Event, acts: [Act; 3]) -> Vec<Sight> {
    executor::block_on(talk.peer.write_all(&vec![7; data])).expect("a write");
    executor::block_on(talk.peer.flush()).expect("a flush");
    let mut peer = Some(talk.peer);
    match event {
        Event::Silence => {}
        Event::HalfClose => {
            let peer = peer.as_mut().expect("just stored there");
            executor::block_on(peer.shutdown()).expect("a shutdown");
        }
        Event::Gone => peer = None,
        Event::Reset => {
            let next = talk.subject_io.calls().len();
            talk.subject_io.strike(next, Answer::Reset);
        }
    }
    let sights = acts
        .into_iter()
        .map(|act| see(&mut *talk.subject, act))
        .collect();
    drop(peer);
    sights
}

fn see(stream: &mut dyn Stream, act: Act) -> Sight {
    let mut room = [0; 64];
    let mut stream = Pin::new(stream);
    let answer = match act {
        Act::Read => once(stream.read(&mut room)).map_ok(|length| match length {
            0 => Sight::End,
            length => Sight::Data(length),
        }),
        Act::Send => once(async {
            stream.write_all(b"hello").await?;
            stream.flush().await
        })
        .map_ok(|()| Sight::Done),
        Act::Shutdown => once(stream.shutdown()).map_ok(|()| Sight::Done),
    };
    match answer {
        Poll::Pending => Sight::Waits,
        Poll::Ready(Ok(sight)) => sight,
        Poll::Ready(Err(error)) => Sight::Error(error.kind()),
    }
}

fn once<F: Future>(future: F) -> Poll<F::Output> {
    pin!(future).poll(&mut Context::from_waker(Waker::noop()))
}

/// The expected result of TLS where the result of the transport is `raw`.
fn expected(event: Event, acts: [Act; 3], raw: &[Sight]) -> Vec<Sight> {
    let acts = acts.into_iter().zip(raw);
    acts.map(|(act, raw)| once_expected(event, act, *raw))
        .collect()
}

fn once_expected(event: Event, act: Act, raw: Sight) -> Sight {
    match (event, act, raw) {
        // This end is not authenticated.
        (Event::Gone | Event::Reset, Act::Read, Sight::End) => {
            Sight::Error(io::ErrorKind::UnexpectedEof)
        }
        // A close_notify has to be sent, and the peer is gone.
        (Event::Gone | Event::Reset, Act::Shutdown, Sight::Done) => {
            Sight::Error(io::ErrorKind::BrokenPipe)
        }
        _ => raw,
    }
}

#[test]
fn an_application_sees_what_the_transport_shows() {
    let events = [Event::Silence, Event::HalfClose, Event::Gone, Event::Reset];
    for event in events {
        for data in [0, 5] {
            for acts in sequences() {
                let raw = look(plain(), data, event, acts);
                let expected = expected(event, acts, &raw);
                for (name, meet) in ALL {
                    for version in Version::ALL {
                        for role in Role::BOTH {
                            let seen = look(tls(*meet, version, role), data, event, acts);
                            assert_eq!(
                                seen, expected,
                                "{name}: {acts:?} by the {role:?} after {event:?} and {data} bytes, \
                                 {version:?}"
                            );
                        }
                    }
                }
            }
        }
    }
}

fn sequences() -> impl Iterator<Item = [Act; 3]> {
    ACTS.into_iter().flat_map(|first| {
        ACTS.into_iter()
            .flat_map(move |second| ACTS.into_iter().map(move |third| [first, second, third]))
    })
}
