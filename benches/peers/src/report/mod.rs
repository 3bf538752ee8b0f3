//! What was found: a table, files and pictures.

use std::time::Duration;

use crate::contenders::BASELINE;
use crate::cost::Cost;
use crate::work::{Arrival, Beginning, Counted, Idle, Row, Sockets, Threads};

pub mod files;
pub mod pictures;
pub mod table;

/// What one peer needed for one row.
pub struct Line {
    /// The row.
    pub row: &'static Row,
    /// The name of the peer.
    pub peer: &'static str,
    /// What was measured in each round.
    pub samples: Vec<Cost>,
    /// The units of work in a sample.
    pub units: usize,
    /// What was counted once.
    pub counted: Counted,
}

/// What the idle connections of one peer hold.
pub struct Waiting {
    /// The name of the peer.
    pub peer: &'static str,
    /// What they hold.
    pub idle: Idle,
}

/// When a message of one peer arrives over a slow link.
pub struct Arriving {
    /// The name of the peer.
    pub peer: &'static str,
    /// When it arrives.
    pub arrival: Arrival,
}

/// When the first byte of an answer comes over a link with a delay.
pub struct FirstByte {
    /// The name of the peer.
    pub peer: &'static str,
    /// How the connection begins.
    pub beginning: Beginning,
    /// After so many milliseconds.
    pub milliseconds: Spread,
}

/// What stands out of many samples, per unit of work.
#[derive(Clone, Copy, Debug)]
pub struct Spread {
    /// The one in the middle.
    pub median: f64,
    /// The smallest.
    pub minimum: f64,
}

impl Spread {
    /// Of at least one number.
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
    /// Microseconds of the processors.
    pub fn processor(&self) -> Spread {
        self.spread(|cost| cost.processor)
    }

    /// Microseconds of the clock.
    pub fn wall(&self) -> Spread {
        self.spread(|cost| cost.wall)
    }

    /// How much time this needed for each that `baseline` needed: the median of the rounds, in each
    /// of which both met the same machine.
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

    /// Whether the time of the clock is what is compared, instead of that of the processors.
    pub fn is_by_the_clock(&self) -> bool {
        self.row.sockets == Sockets::Default || self.row.threads == Threads::Halves
    }

    /// A count, divided by the units that were counted.
    pub fn per_unit(&self, count: u64) -> f64 {
        count as f64 / self.row.counted as f64
    }

    /// The bytes that were written to the transports.
    pub fn wire_bytes(&self) -> f64 {
        self.per_unit(self.counted.calls.writes.bytes)
    }

    fn spread(&self, time: impl Fn(&Cost) -> Duration) -> Spread {
        let each = |cost| time(cost).as_secs_f64() * 1e6 / self.units as f64;
        Spread::of(self.samples.iter().map(each))
    }
}

/// The line of the same row that the others are compared with.
fn baseline_of<'l>(lines: &'l [Line], line: &Line) -> &'l Line {
    lines
        .iter()
        .find(|other| other.row.name == line.row.name && other.peer == BASELINE)
        .expect("the baseline takes part in every row")
}
