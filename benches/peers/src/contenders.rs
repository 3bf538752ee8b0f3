//! Who does the work, by name.

use std::io;
use std::marker::PhantomData;

use crate::cost::Cost;
use crate::peer::{Peer, Pollback, Tcp, TokioOpenssl, TokioRustls};
use crate::work::{self, Counted, Idle, Row};

/// A peer with a name.
pub struct Contender {
    /// Its name on the command line and in the files.
    pub name: &'static str,
    /// What it does.
    pub workload: &'static dyn Workload,
}

/// The peer that the others are compared with.
pub const BASELINE: &str = "tokio-rustls";

/// All of them.
pub const CONTENDERS: &[Contender] = &[
    contender("pollback", &On::<Pollback>(PhantomData)),
    contender(BASELINE, &On::<TokioRustls>(PhantomData)),
    contender("tokio-openssl", &On::<TokioOpenssl>(PhantomData)),
    contender("tcp", &On::<Tcp>(PhantomData)),
];

const fn contender(name: &'static str, workload: &'static dyn Workload) -> Contender {
    Contender { name, workload }
}

/// The work of a [`Peer`] that is known at run time only.
pub trait Workload: Sync {
    /// As [`work::timed`].
    fn timed(&self, row: &Row, units: usize) -> io::Result<Cost>;
    /// As [`work::counted`].
    fn counted(&self, row: &Row, units: usize) -> io::Result<Counted>;
    /// As [`work::idle`].
    fn idle(&self) -> io::Result<Idle>;
}

struct On<P>(PhantomData<P>);

impl<P: Peer> Workload for On<P> {
    fn timed(&self, row: &Row, units: usize) -> io::Result<Cost> {
        work::timed::<P>(row, units)
    }

    fn counted(&self, row: &Row, units: usize) -> io::Result<Counted> {
        work::counted::<P>(row, units)
    }

    fn idle(&self) -> io::Result<Idle> {
        work::idle::<P>()
    }
}
