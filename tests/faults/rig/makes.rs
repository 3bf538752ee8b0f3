//! A common interface for the TLS implementations.

use std::convert::identity;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use pollback::rustls::pki_types::ServerName;
use pollback::rustls::server::Acceptor;
use pollback::rustls::{ClientConfig, ServerConfig};
use pollback::stream::{Handshake, TlsConnection, TlsStream};
use pollback::{Options, RecordSizing, hello};

use super::attempting::Attempting;
use super::carrier::Io;
use super::side::Side;
use super::streams::Stream;

/// The TLS implementation of a side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Make {
    /// The crate under test.
    Ours,
    /// The crate under test, with all options enabled and with tight limits.
    Tuned,
    /// The crate under test, used with attempts.
    Attempting,
    /// tokio-rustls.
    Theirs,
    /// The crate under test, on rustls 0.24.
    #[cfg(feature = "next")]
    Next,
    /// The same with all options enabled.
    #[cfg(feature = "next")]
    NextTuned,
    /// The same in owned halves.
    #[cfg(feature = "next")]
    NextHalved,
}

type Connected = io::Result<Box<dyn Stream>>;

macro_rules! make {
    ($name:ident, $make:ident, $resolve_early:expr, $wrap:expr, $finish:path) => {
        mod $name {
            use super::*;

            pub(super) async fn connect(config: ClientConfig, early: bool, io: Io) -> Connected {
                let connector = $make::TlsConnector::from(Arc::new(config));
                #[cfg(feature = "early-data")]
                let connector = connector.early_data(early);
                #[cfg(not(feature = "early-data"))]
                assert!(!early, "the feature `early-data` is off");
                let name = ServerName::try_from("localhost").expect("a valid name");
                let stream = $finish(connector.connect(name, io)).await?;
                Ok(Box::new($wrap($make::TlsStream::Client(stream))))
            }

            pub(super) async fn accept(config: ServerConfig, early: bool, io: Io) -> Connected {
                let acceptor = $make::TlsAcceptor::from(Arc::new(config));
                let acceptor = $resolve_early(acceptor, early);
                let stream = $finish(acceptor.accept(io)).await?;
                Ok(Box::new($wrap($make::TlsStream::Server(stream))))
            }

            pub(super) async fn accept_lazily(
                config: ServerConfig,
                io: Io,
                side: &Side,
            ) -> Connected {
                let mut acceptor = $make::LazyConfigAcceptor::new(Acceptor::default(), io);
                let start = cancelled_at_times(&mut acceptor, side).await?;
                let stream = $finish(start.into_stream(Arc::new(config))).await?;
                Ok(Box::new($wrap($make::TlsStream::Server(stream))))
            }
        }
    };
}

make!(ours, pollback, resolve_early, identity, identity);
make!(tuned, pollback, resolve_early, identity, tuned_handshake);
make!(attempting, pollback, resolve_early, Attempting, identity);
make!(
    theirs,
    tokio_rustls,
    |acceptor, _| acceptor,
    identity,
    identity
);

/// Makes the server's handshake resolve before the client's Finished, if there is early data.
fn resolve_early(acceptor: pollback::TlsAcceptor, enabled: bool) -> pollback::TlsAcceptor {
    #[cfg(feature = "early-data")]
    let acceptor = acceptor.early_data(enabled);
    #[cfg(not(feature = "early-data"))]
    assert!(!enabled, "the feature `early-data` is off");
    acceptor
}

/// The configurations of a side, for all implementations.
#[cfg(not(feature = "next"))]
pub(crate) type ClientConfigs = ClientConfig;
#[cfg(not(feature = "next"))]
pub(crate) type ServerConfigs = ServerConfig;
#[cfg(feature = "next")]
pub(crate) type ClientConfigs = (ClientConfig, pollback::next::rustls::ClientConfig);
#[cfg(feature = "next")]
pub(crate) type ServerConfigs = (ServerConfig, pollback::next::rustls::ServerConfig);

#[cfg(feature = "next")]
mod next {
    use pollback::next::rustls::{ClientConfig, ServerConfig};
    use pollback::next::{LazyConfigAcceptor, Side, TlsAcceptor, TlsConnector, TlsStream};

    use super::*;
    use crate::rig::halves::InHalves;

    fn handled<S: Side>(stream: TlsStream<Io, S>, in_halves: bool) -> Box<dyn Stream>
    where
        TlsStream<Io, S>: Stream,
        InHalves<S>: Stream + From<TlsStream<Io, S>>,
    {
        match in_halves {
            true => Box::new(InHalves::from(stream)),
            false => Box::new(stream),
        }
    }

    pub(super) async fn connect(
        config: ClientConfig,
        early: bool,
        (options, in_halves): (Options, bool),
        io: Io,
    ) -> Connected {
        let connector = TlsConnector::from(Arc::new(config)).early_data(early);
        let name = ServerName::try_from("localhost").expect("a valid name");
        let connect = connector.with_options(options).connect(name, io);
        Ok(handled(connect.await?, in_halves))
    }

    pub(super) async fn accept(
        config: ServerConfig,
        early: bool,
        (options, in_halves): (Options, bool),
        io: Io,
    ) -> Connected {
        let acceptor = TlsAcceptor::from(Arc::new(config)).early_data(early);
        let accept = acceptor.with_options(options).accept(io);
        Ok(handled(accept.await?, in_halves))
    }

    pub(super) async fn accept_lazily(
        config: ServerConfig,
        (options, in_halves): (Options, bool),
        io: Io,
        side: &super::Side,
    ) -> Connected {
        let mut acceptor = LazyConfigAcceptor::new(io);
        let start = cancelled_at_times(&mut acceptor, side).await?;
        let accept = start.into_stream(Arc::new(config)).with_options(options);
        Ok(handled(accept.await?, in_halves))
    }
}

/// A handshake with all settings, which returns its transport on failure.
async fn tuned_handshake<C: TlsConnection>(
    handshake: Handshake<Io, C>,
) -> io::Result<TlsStream<Io, C>> {
    let handshake = handshake.with_options(options()).with_timeout(LONG);
    handshake.into_fallible().await.map_err(|(error, _)| error)
}

fn options() -> Options {
    Options::new()
        .with_read_ahead(1024, 5000)
        .with_send_buffer_limit(40_000)
        .with_batched_writes(true)
        .with_record_sizing(RecordSizing::new(100, Duration::from_secs(1)))
}

/// A time that never elapses.
const LONG: Duration = Duration::from_secs(24 * 60 * 60);

/// Awaits a future by reference, which is dropped when an operation of the side is to be cancelled.
async fn cancelled_at_times<F: Future + Unpin>(future: &mut F, side: &Side) -> F::Output {
    loop {
        let attempt = poll_fn(|cx| match Pin::new(&mut *future).poll(cx) {
            Poll::Pending if side.cancels_now() => Poll::Ready(None),
            answer => answer.map(Some),
        });
        if let Some(output) = attempt.await {
            return output;
        }
    }
}

impl Make {
    pub(crate) const ALL: &[Self] = &[
        Self::Ours,
        Self::Tuned,
        Self::Attempting,
        Self::Theirs,
        #[cfg(feature = "next")]
        Self::Next,
        #[cfg(feature = "next")]
        Self::NextTuned,
        #[cfg(feature = "next")]
        Self::NextHalved,
    ];

    /// Whether it is on rustls 0.24, which resumes no sessions of 0.23.
    pub(crate) fn is_next(self) -> bool {
        #[cfg(feature = "next")]
        return matches!(self, Self::Next | Self::NextTuned | Self::NextHalved);
        #[cfg(not(feature = "next"))]
        return false;
    }

    /// The options of this implementation on rustls 0.24, and whether it is in halves.
    #[cfg(feature = "next")]
    fn next_handling(self) -> (Options, bool) {
        match self {
            Self::NextTuned => (options(), false),
            _ => (Options::new(), self == Self::NextHalved),
        }
    }

    /// Whether it is the crate under test.
    pub(crate) fn is_ours(self) -> bool {
        self != Self::Theirs
    }

    /// The same with whole streams.
    pub(crate) fn whole(self) -> Self {
        match self {
            #[cfg(feature = "next")]
            Self::NextHalved => Self::Next,
            make => make,
        }
    }

    /// Whether a shutdown reads what has arrived: in owned halves only the reader reads.
    pub(crate) fn takes_in_at_shutdown(self) -> bool {
        #[cfg(feature = "next")]
        return !matches!(self, Self::Theirs | Self::NextHalved);
        #[cfg(not(feature = "next"))]
        return self.is_ours();
    }

    pub(super) async fn connect(self, config: ClientConfigs, early: bool, io: Io) -> Connected {
        #[cfg(feature = "next")]
        let (config, next) = config;
        match self {
            #[cfg(feature = "next")]
            Self::Next | Self::NextTuned | Self::NextHalved => {
                next::connect(next, early, self.next_handling(), io).await
            }
            Self::Ours => ours::connect(config, early, io).await,
            Self::Tuned => tuned::connect(config, early, io).await,
            Self::Attempting => attempting::connect(config, early, io).await,
            Self::Theirs => theirs::connect(config, early, io).await,
        }
    }

    pub(super) async fn accept(self, config: ServerConfigs, early: bool, io: Io) -> Connected {
        #[cfg(feature = "next")]
        let (config, next) = config;
        match self {
            #[cfg(feature = "next")]
            Self::Next | Self::NextTuned | Self::NextHalved => {
                next::accept(next, early, self.next_handling(), io).await
            }
            Self::Ours => ours::accept(config, early, io).await,
            Self::Tuned => tuned::accept(config, early, io).await,
            Self::Attempting => attempting::accept(config, early, io).await,
            Self::Theirs => theirs::accept(config, early, io).await,
        }
    }

    /// Accepts after `hello::peek`, which only the crate under test has.
    pub(super) async fn accept_peeked(
        self,
        config: ServerConfigs,
        rewound: bool,
        io: Io,
        side: &Side,
    ) -> Connected {
        let mut peek = hello::peek(io);
        let incoming = cancelled_at_times(&mut peek, side).await?;
        if rewound {
            let io = Box::new(incoming.into_rewind());
            return self.accept(config, false, io).await;
        }
        #[cfg(feature = "next")]
        let (config, _) = config;
        let accept = incoming.accept(Arc::new(config));
        let stream = match self {
            Self::Tuned => tuned_handshake(accept).await?,
            _ => accept.await?,
        };
        Ok(Box::new(pollback::TlsStream::Server(stream)))
    }

    pub(super) async fn accept_lazily(
        self,
        config: ServerConfigs,
        io: Io,
        side: &Side,
    ) -> Connected {
        #[cfg(feature = "next")]
        let (config, next) = config;
        match self {
            #[cfg(feature = "next")]
            Self::Next | Self::NextTuned | Self::NextHalved => {
                next::accept_lazily(next, self.next_handling(), io, side).await
            }
            Self::Ours => ours::accept_lazily(config, io, side).await,
            Self::Tuned => tuned::accept_lazily(config, io, side).await,
            Self::Attempting => attempting::accept_lazily(config, io, side).await,
            Self::Theirs => theirs::accept_lazily(config, io, side).await,
        }
    }
}
