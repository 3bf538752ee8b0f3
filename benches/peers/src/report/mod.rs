//! The results: a table, files and charts.

use std::time::Duration;

use crate::contenders::BASELINE;
use crate::cost::Cost;
use crate::work::{Arrival, Beginning, Counted, Idle, Row, Sockets, Threads};

pub mod files;
pub mod pictures;
pub mod table;

/// The results of one peer for one row.
pub struct Line {
    /// The row.
    pub row: &'static Row,
    /// The name of the peer.
    pub peer: &'static str,
    /// The measurements of each round.
    pub samples: Vec<Cost>,
    /// The units of work in a sample.
    pub units: usize,
    /// The counts, which are taken once.
    pub counted: Counted,
}

/// The memory of idle connections of one peer.
pub struct Waiting {
    /// The name of the peer.
    pub peer: &'static str,
    /// The memory that they hold.
    pub idle: Idle,
}

/// When a message of one peer arrives over a slow link.
pub struct Arriving {
    /// The name of the peer.
    pub peer: &'static str,
    /// When it arrives.
    pub arrival: Arrival,
}

/// When the first byte of a response arrives over a link with a delay.
pub struct FirstByte {
    /// The name of the peer.
    pub peer: &'static str,
    /// How the connection begins.
    pub beginning: Beginning,
    /// The time in milliseconds.
    pub milliseconds: Spread,
}

/// A summary of many samples, per unit of work.
#[derive(Clone, Copy, Debug)]
pub struct Spread {
    /// The median.
    pub median: f64,
    /// The minimum.
    pub minimum: f64,
}

impl Spread {
    /// Computes it from at least one number.
    pub fn of(numbers: impl Iterator<Item = f64>) -> Self {
        let mut numbers: Vec<_> = numbers.collect();
        numbers.sort_by(f64::total_cmp);
        Self {
            median: numbers[numbers.len() / 2],
            minimum: numbers[0],
        }
    }
}

impl Line {
    /// The processor time in microseconds.
    pub fn processor(&self) -> Spread {
        self.spread(|cost| cost.processor)
    }

    /// The elapsed time in microseconds.
    pub fn wall(&self) -> Spread {
        self.spread(|cost| cost.wall)
    }

    /// The time as a ratio to that of `baseline`: the median of the ratios of all rounds, in each
    /// of which both had the same conditions.
    pub fn ratio(&self, baseline: &Self) -> f64 {
        let time = |line: &Self, cost: &Cost| {
            let time = match line.is_by_the_clock() {
                true => cost.wall,
                false => cost.processor,
            };
            time.as_secs_f64() / line.units as f64
        };
        let pairs = self.samples.iter().zip(&baseline.samples);
        Spread::of(pairs.map(|(ours, theirs)| time(self, ours) / time(baseline, theirs))).median
    }

    /// Whether elapsed time is compared, instead of processor time.
    pub fn is_by_the_clock(&self) -> bool {
        self.row.sockets == Sockets::Default || self.row.threads == Threads::Halves
    }

    /// A count per unit.
    pub fn per_unit(&self, count: u64) -> f64 {
        count as f64 / self.row.counted as f64
    }

    /// The number of bytes written to the transports.
    pub fn wire_bytes(&self) -> f64 {
        self.per_unit(self.counted.calls.writes.bytes)
    }

    fn spread(&self, time: impl Fn(&Cost) -> Duration) -> Spread {
        let each = |cost| time(cost).as_secs_f64() * 1e6 / self.units as f64;
        Spread::of(self.samples.iter().map(each))
    }
}

/// Returns the line that the others of the same row are compared with.
fn baseline_of<'l>(lines: &'l [Line], line: &Line) -> &'l Line {
    lines
        .iter()
        .find(|other| other.row.name == line.row.name && other.peer == BASELINE)
        .expect("every row has the baseline")
}
