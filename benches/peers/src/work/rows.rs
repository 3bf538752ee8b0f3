//! The rows of the table.

use super::{KIB, Work};

/// A row of the table: some work, and how it is done.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Its name on the command line and in the files.
    pub name: &'static str,
    /// What is done, for a reader.
    pub title: &'static str,
    /// What is done.
    pub work: Work,
    /// Where the two ends are.
    pub threads: Threads,
    /// What is counted by.
    pub unit: Unit,
    /// How many units take about half a second.
    pub timed: usize,
    /// How many units are counted.
    pub counted: usize,
}

/// Where the two ends of a connection are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Threads {
    /// Both are tasks of one thread.
    One,
    /// Each has a thread of its own.
    Two,
}

/// What the cost of a row is divided by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// 2^20 bytes of plaintext.
    Mib,
    /// A request and its answer.
    RoundTrip,
    /// 100,000 bytes in small pieces.
    Batch,
    /// The handshake of both ends.
    Handshake,
}

impl Unit {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mib => "MiB",
            Self::RoundTrip => "round trip",
            Self::Batch => "batch",
            Self::Handshake => "handshake",
        }
    }
}

impl Row {
    /// The one of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        ROWS.iter().find(|row| row.name == name)
    }

    const fn bulk(name: &'static str, title: &'static str, piece: usize, threads: Threads) -> Self {
        Self {
            name,
            title,
            work: Work::Bulk(piece),
            threads,
            unit: Unit::Mib,
            timed: 512,
            counted: 64,
        }
    }

    const fn round_trips(name: &'static str, title: &'static str, size: usize) -> Self {
        Self {
            name,
            title,
            work: Work::RoundTrips(size),
            threads: Threads::One,
            unit: Unit::RoundTrip,
            timed: if size > KIB { 16_000 } else { 32_000 },
            counted: 1000,
        }
    }

    const fn batches(name: &'static str, title: &'static str, work: Work) -> Self {
        Self {
            name,
            title,
            work,
            threads: Threads::One,
            unit: Unit::Batch,
            timed: 400,
            counted: 1,
        }
    }
}

/// All rows that take time.
pub const ROWS: &[Row] = &[
    Row::bulk(
        "bulk",
        "bulk, 64 KiB writes, one thread",
        64 * KIB,
        Threads::One,
    ),
    Row::bulk(
        "bulk-two",
        "bulk, 64 KiB writes, two threads",
        64 * KIB,
        Threads::Two,
    ),
    Row::bulk(
        "bulk-two-16k",
        "bulk, 16 KiB writes, two threads",
        16 * KIB,
        Threads::Two,
    ),
    Row {
        timed: 128,
        ..Row::bulk(
            "bulk-1k",
            "bulk, 1 KiB writes, one thread",
            KIB,
            Threads::One,
        )
    },
    Row::round_trips("echo-16k", "request and answer, 16 KiB", 16 * KIB),
    Row::round_trips("echo-1k", "request and answer, 1 KiB", KIB),
    Row::round_trips("echo-64", "request and answer, 64 B", 64),
    Row::batches("writes", "1000 writes of 100 B, then flush", Work::Writes),
    Row::batches(
        "vectored",
        "100 writes of 10 x 100 B, then flush",
        Work::VectoredWrites,
    ),
    Row {
        name: "handshake",
        title: "full handshake",
        work: Work::Handshake,
        threads: Threads::One,
        unit: Unit::Handshake,
        timed: 1000,
        counted: 1,
    },
];
