//! A stream over a connection of rustls-ffi, and a peer over one of rustls.

use std::io;
use std::sync::Arc;

use pollback::ffi::FfiConnection;
use pollback::stream::TlsStream;
use pollback::{Error, ErrorKind, TlsAcceptor, TlsConnector};
pub(crate) use pollback_testkit::bytes::{pattern, receive, send};
pub(crate) use pollback_testkit::configs::localhost;
use pollback_testkit::configs::{Setup, Version};
use pollback_testkit::executor;
use pollback_testkit::pipe::{Control, End, SHAPES, Shape, pipe};

use crate::configs::{ClientConfig, ServerConfig};

/// A pipe with more room than any test fills.
pub(crate) const WIDE: usize = 4 << 20;

/// Which side rustls-ffi is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Side {
    Client,
    Server,
}

/// An established connection between the two.
pub(crate) struct Talk {
    pub(crate) subject: TlsStream<End, FfiConnection>,
    pub(crate) subject_io: Control,
    pub(crate) peer: pollback::TlsStream<End>,
    pub(crate) peer_io: Control,
}

impl Side {
    pub(crate) const BOTH: [Self; 2] = [Self::Client, Self::Server];

    pub(crate) fn connection(self, version: Version) -> FfiConnection {
        match self {
            Self::Client => ClientConfig::new(version).connection(c"localhost"),
            Self::Server => ServerConfig::new(version).connection(),
        }
    }

    pub(crate) fn talk(self, version: Version, (ours, theirs): (End, End)) -> Talk {
        let (subject_io, peer_io) = (ours.control(), theirs.control());
        let handshake = self.connection(version).handshake(ours);
        let (subject, peer) = executor::join(handshake, self.peer(version, theirs));
        let mut talk = Talk {
            subject: subject.expect("a handshake of rustls-ffi"),
            subject_io,
            peer: peer.expect("a handshake of rustls"),
            peer_io,
        };
        // After a byte in each direction nothing of the handshake is in transit any more.
        executor::join(send(&mut talk.peer, b"."), receive(&mut talk.subject, 1));
        executor::join(send(&mut talk.subject, b"."), receive(&mut talk.peer, 1));
        talk
    }

    /// The other side's handshake.
    pub(crate) async fn peer(
        self,
        version: Version,
        end: End,
    ) -> io::Result<pollback::TlsStream<End>> {
        match self {
            Self::Client => acceptor(version).accept(end).await.map(Into::into),
            Self::Server => connector(version)
                .connect(localhost(), end)
                .await
                .map(Into::into),
        }
    }
}

pub(crate) fn acceptor(version: Version) -> TlsAcceptor {
    Arc::new(Setup::new(version).server()).into()
}

pub(crate) fn connector(version: Version) -> TlsConnector {
    Arc::new(Setup::new(version).client()).into()
}

pub(crate) fn for_each_side(test: impl Fn(Side, Version)) {
    for version in Version::ALL {
        for side in Side::BOTH {
            eprintln!("{version:?}, rustls-ffi as the {side:?}");
            test(side, version);
        }
    }
}

pub(crate) fn for_each_talk(test: impl Fn(Talk)) {
    for_each_side(|side, version| test(side.talk(version, pipe(WIDE))));
}

pub(crate) fn for_each_shape(test: impl Fn(Side, Version, &Shape)) {
    for shape in &SHAPES {
        eprintln!("over {}", shape.name);
        for_each_side(|side, version| test(side, version, shape));
    }
}

/// The kind of the error in a result, if it has one.
pub(crate) fn kind<T>(answer: io::Result<T>) -> Option<ErrorKind> {
    match answer {
        Ok(_) => panic!("a failure was expected"),
        Err(error) => Error::find(&error).map(|error| error.kind()),
    }
}
