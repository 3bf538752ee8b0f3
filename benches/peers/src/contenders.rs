//! Who does the work, by name.

use std::io;

use pollback::{Options, RecordSizing};

use crate::cost::Cost;
use crate::peer::{Peer, Pollback, Tcp, TokioOpenssl, TokioRustls, UnbufferedRustls};
use crate::work::{self, Arrival, Counted, Idle, Row};

/// A peer with a name.
pub struct Contender {
    /// Its name on the command line and in the files.
    pub name: &'static str,
    /// What it does.
    pub workload: &'static dyn Workload,
}

/// The peer that the others are compared with.
pub const BASELINE: &str = "tokio-rustls";

const COALESCING: Options = Options::new().with_coalescing(true);

/// As many whole records as rustls has room for.
const UNSENT: Options = Options::new().with_unsent(48 * 1024);

/// Writes of any size leave in as many whole records.
const BATCHES: Options = UNSENT.with_coalescing(true);

/// All of them.
pub const CONTENDERS: &[Contender] = &[
    contender("pollback", &Made(Pollback::default)),
    contender("pollback-coalescing", &Made(|| Pollback::with(COALESCING))),
    contender("pollback-unsent", &Made(|| Pollback::with(UNSENT))),
    contender("pollback-batches", &Made(|| Pollback::with(BATCHES))),
    contender(BASELINE, &Made(TokioRustls::default)),
    contender("rustls-unbuffered", &Made(UnbufferedRustls::default)),
    contender("tokio-openssl", &Made(TokioOpenssl::default)),
    contender("tcp", &Made(|| Tcp)),
];

/// One more where it matters how long records are.
pub const SIZED: Contender = contender("pollback-sizing", &Made(|| Pollback::with(sizing())));

fn sizing() -> Options {
    Options::new().with_record_sizing(RecordSizing::default())
}

/// The one of this name.
pub fn named(name: &str) -> Option<&'static Contender> {
    CONTENDERS.iter().find(|contender| contender.name == name)
}

const fn contender(name: &'static str, workload: &'static dyn Workload) -> Contender {
    Contender { name, workload }
}

/// The work of a [`Peer`] that is known at run time only.
pub trait Workload: Sync {
    /// As [`work::timed`].
    fn timed(&self, row: &Row, units: usize) -> io::Result<Cost>;
    /// As [`work::counted`].
    fn counted(&self, row: &Row, units: usize) -> io::Result<Counted>;
    /// As [`work::in_memory`].
    fn in_memory(&self, row: &Row, units: usize) -> io::Result<()>;
    /// As [`work::idle`].
    fn idle(&self) -> io::Result<Idle>;
    /// As [`work::link`].
    fn link(&self) -> io::Result<Arrival>;
}

/// How to make a [`Peer`].
struct Made<P>(fn() -> P);

impl<P: Peer> Workload for Made<P> {
    fn timed(&self, row: &Row, units: usize) -> io::Result<Cost> {
        work::timed((self.0)(), row, units)
    }

    fn counted(&self, row: &Row, units: usize) -> io::Result<Counted> {
        work::counted((self.0)(), row, units)
    }

    fn in_memory(&self, row: &Row, units: usize) -> io::Result<()> {
        work::in_memory(&(self.0)(), row, units)
    }

    fn idle(&self) -> io::Result<Idle> {
        work::idle(&(self.0)())
    }

    fn link(&self) -> io::Result<Arrival> {
        work::link(&(self.0)())
    }
}
