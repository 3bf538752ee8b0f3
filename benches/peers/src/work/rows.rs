//! The rows of the table.

use super::{KIB, Work};

/// A row of the table: a kind of work, and the setup for it.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Its name on the command line and in the files.
    pub name: &'static str,
    /// The description for readers.
    pub title: &'static str,
    /// The work.
    pub work: Work,
    /// Where the two ends are.
    pub threads: Threads,
    /// What is between them.
    pub sockets: Sockets,
    /// The limit on the plaintext in a record of the client, if there is one.
    pub record: Option<usize>,
    /// The unit of the results.
    pub unit: Unit,
    /// How many units take about half a second, or less if elapsed time is measured.
    pub timed: usize,
    /// How many units are counted.
    pub counted: usize,
}

/// Where the two ends of a connection are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Threads {
    /// Both are tasks on one thread.
    One,
    /// Each has a thread of its own.
    Two,
    /// The work is done in both directions at once, with the halves of both streams as tasks on two
    /// threads. Elapsed time is measured.
    Halves,
}

/// The configuration of TCP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sockets {
    /// With TCP_NODELAY. Processor time is measured.
    NoDelay,
    /// The default: a small segment waits while another is unacknowledged. Elapsed time is
    /// measured.
    Default,
}

/// The unit that the cost of a row is divided by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// 2^20 bytes of plaintext.
    Mib,
    /// A request and its response.
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
    /// Returns the row of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        ROWS.iter().find(|row| row.name == name)
    }

    const fn bulk(
        name: &'static str,
        title: &'static str,
        write: usize,
        read: usize,
        threads: Threads,
    ) -> Self {
        Self {
            name,
            title,
            work: Work::Bulk { write, read },
            threads,
            sockets: Sockets::NoDelay,
            record: None,
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
            sockets: Sockets::NoDelay,
            record: None,
            unit: Unit::RoundTrip,
            timed: if size > KIB { 16_000 } else { 32_000 },
            counted: 1000,
        }
    }

    /// Round trips on sockets without TCP_NODELAY.
    const fn delayed(name: &'static str, title: &'static str, size: usize) -> Self {
        Self {
            sockets: Sockets::Default,
            timed: 2_000,
            counted: 64,
            ..Self::round_trips(name, title, size)
        }
    }

    const fn batches(name: &'static str, title: &'static str, work: Work) -> Self {
        Self {
            name,
            title,
            work,
            threads: Threads::One,
            sockets: Sockets::NoDelay,
            record: None,
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
        64 * KIB,
        Threads::One,
    ),
    Row::bulk(
        "bulk-two",
        "bulk, 64 KiB writes, two threads",
        64 * KIB,
        64 * KIB,
        Threads::Two,
    ),
    Row::bulk(
        "own-split",
        "both ways at once, 64 KiB writes, halves on two threads",
        64 * KIB,
        64 * KIB,
        Threads::Halves,
    ),
    Row::bulk(
        "bulk-two-16k",
        "bulk, 16 KiB writes, two threads",
        16 * KIB,
        64 * KIB,
        Threads::Two,
    ),
    Row {
        timed: 128,
        ..Row::bulk(
            "bulk-1k",
            "bulk, 1 KiB writes, one thread",
            KIB,
            64 * KIB,
            Threads::One,
        )
    },
    Row::bulk(
        "bulk-read-8k",
        "bulk, 64 KiB writes, 8 KiB reads, one thread",
        64 * KIB,
        8 * KIB,
        Threads::One,
    ),
    Row {
        record: Some(100),
        timed: 64,
        counted: 8,
        ..Row::bulk(
            "bulk-records-100",
            "bulk in records of 100 B, one thread",
            64 * KIB,
            64 * KIB,
            Threads::One,
        )
    },
    Row::round_trips("echo-16k", "request and response, 16 KiB", 16 * KIB),
    Row::round_trips("echo-1k", "request and response, 1 KiB", KIB),
    Row::round_trips("echo-64", "request and response, 64 B", 64),
    Row::delayed("delayed-1k", "1 kB echo, no TCP_NODELAY", 1_000),
    Row::delayed("delayed-20k", "20 kB echo, no TCP_NODELAY", 20_000),
    Row::delayed("delayed-50k", "50 kB echo, no TCP_NODELAY", 50_000),
    Row::delayed("delayed-60k", "60 kB echo, no TCP_NODELAY", 60_000),
    Row::batches("writes", "1000 writes of 100 B, then flush", Work::Writes),
    Row::batches(
        "vectored",
        "100 writes of 10 x 100 B, then flush",
        Work::VectoredWrites(10),
    ),
    Row::batches(
        "vectored-1000",
        "one write of 1000 x 100 B, then flush",
        Work::VectoredWrites(1000),
    ),
    Row {
        name: "handshake",
        title: "full handshake",
        work: Work::Handshake,
        threads: Threads::One,
        sockets: Sockets::NoDelay,
        record: None,
        unit: Unit::Handshake,
        timed: 1000,
        counted: 1,
    },
];
