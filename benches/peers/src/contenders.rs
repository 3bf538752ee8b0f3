//! The contenders that do the work, by name.

use std::io;

use pollback::{Options, RecordSizing};

use crate::cost::Cost;
use crate::peer::{Peer, Pollback, PollbackNext, Tcp, TokioOpenssl, TokioRustls, UnbufferedRustls};
use crate::work::{self, Arrival, Counted, Idle, Row, Sockets};

/// A peer with a name.
pub struct Contender {
    /// Its name on the command line and in the files.
    pub name: &'static str,
    /// The work of the peer.
    pub workload: &'static dyn Workload,
    /// Whether the records of a large write are separate writes of the transport. Such a contender
    /// is slow without TCP_NODELAY.
    pub cuts_writes: bool,
}

impl Contender {
    /// How many units of a row take about half a second.
    pub fn units(&self, row: &Row) -> usize {
        match self.cuts_writes && row.sockets == Sockets::Default {
            true => row.counted,
            false => row.timed,
        }
    }
}

/// The peer that the others are compared with.
pub const BASELINE: &str = "tokio-rustls";

const BATCHED: Options = Options::new().with_batched_writes(true);

/// All contenders.
pub const CONTENDERS: &[Contender] = &[
    contender(
        "pollback",
        &Made(|record| Pollback::new(Options::new(), record)),
    ),
    contender(
        "pollback-batched",
        &Made(|record| Pollback::new(BATCHED, record)),
    ),
    contender(
        "pollback-next",
        &Made(|record| PollbackNext::new(Options::new(), record)),
    ),
    contender(
        "pollback-next-batched",
        &Made(|record| PollbackNext::new(BATCHED, record)),
    ),
    contender(BASELINE, &Made(TokioRustls::new)),
    cutting("rustls-unbuffered", &Made(UnbufferedRustls::new)),
    cutting("tokio-openssl", &Made(|_| TokioOpenssl::default())),
    contender("tcp", &Made(|_| Tcp)),
];

/// One more contender, for rows in which the length of records matters.
pub const SIZED: Contender = contender(
    "pollback-sizing",
    &Made(|record| Pollback::new(sizing(), record)),
);

fn sizing() -> Options {
    Options::new().with_record_sizing(RecordSizing::default())
}

/// Returns the contender of this name.
pub fn named(name: &str) -> Option<&'static Contender> {
    CONTENDERS.iter().find(|contender| contender.name == name)
}

const fn contender(name: &'static str, workload: &'static dyn Workload) -> Contender {
    Contender {
        name,
        workload,
        cuts_writes: false,
    }
}

const fn cutting(name: &'static str, workload: &'static dyn Workload) -> Contender {
    Contender {
        cuts_writes: true,
        ..contender(name, workload)
    }
}

/// The work of a [`Peer`] that is known only at run time.
pub trait Workload: Sync {
    /// Like [`work::timed`].
    fn timed(&self, row: &Row, units: usize) -> io::Result<Cost>;
    /// Like [`work::counted`].
    fn counted(&self, row: &Row, units: usize) -> io::Result<Counted>;
    /// Like [`work::in_memory`].
    fn in_memory(&self, row: &Row, units: usize) -> io::Result<()>;
    /// Like [`work::idle`].
    fn idle(&self) -> io::Result<Idle>;
    /// Like [`work::link`].
    fn link(&self) -> io::Result<Arrival>;
}

/// Creates a [`Peer`] whose clients make records of at most this much plaintext, if that can be
/// configured.
struct Made<P>(fn(Option<usize>) -> P);

impl<P: Peer> Workload for Made<P> {
    fn timed(&self, row: &Row, units: usize) -> io::Result<Cost> {
        work::timed((self.0)(row.record), row, units)
    }

    fn counted(&self, row: &Row, units: usize) -> io::Result<Counted> {
        work::counted((self.0)(row.record), row, units)
    }

    fn in_memory(&self, row: &Row, units: usize) -> io::Result<()> {
        work::in_memory(&(self.0)(row.record), row, units)
    }

    fn idle(&self) -> io::Result<Idle> {
        work::idle(&(self.0)(None))
    }

    fn link(&self) -> io::Result<Arrival> {
        work::link(&(self.0)(None))
    }
}
