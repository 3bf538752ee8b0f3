//! The results as CSV.

use std::error::Error;
use std::path::Path;

use csv::Writer;
use serde::Serialize;

use super::{Arriving, FirstByte, Line, Waiting, baseline_of};

/// A line of `work.csv`. Times and counts are per unit.
#[derive(Serialize)]
struct Figures {
    row: &'static str,
    peer: &'static str,
    unit: &'static str,
    processor_us_median: f64,
    processor_us_minimum: f64,
    /// Of `wall_us` on sockets without TCP_NODELAY, otherwise of `processor_us`.
    ratio: f64,
    wall_us_median: f64,
    wall_us_minimum: f64,
    reads: f64,
    writes: f64,
    blocked: f64,
    flushes: f64,
    records: Option<f64>,
    wire_bytes: f64,
    allocations: Option<f64>,
}

/// A line of `samples.csv`.
#[derive(Serialize)]
struct Sample {
    row: &'static str,
    peer: &'static str,
    round: usize,
    units: usize,
    processor_us: u128,
    wall_us: u128,
}

/// A line of `memory.csv`.
#[derive(Serialize)]
struct Memory {
    peer: &'static str,
    client_heap: usize,
    server_heap: usize,
    client_size: usize,
    server_size: usize,
}

/// A line of `link.csv`, in segments.
#[derive(Serialize)]
struct Segments {
    peer: &'static str,
    first_byte: usize,
    first_16_kib: usize,
    whole: usize,
}

/// A line of `first_byte.csv`, in milliseconds.
#[derive(Serialize)]
struct Milliseconds {
    beginning: &'static str,
    peer: &'static str,
    median: f64,
    minimum: f64,
}

/// Writes `work.csv` and `samples.csv` into a folder.
pub fn write_work(folder: &Path, lines: &[Line]) -> Result<(), Box<dyn Error>> {
    let mut figures = Writer::from_path(folder.join("work.csv"))?;
    let mut samples = Writer::from_path(folder.join("samples.csv"))?;
    for line in lines {
        figures.serialize(figures_of(line, baseline_of(lines, line)))?;
        for (round, cost) in line.samples.iter().enumerate() {
            samples.serialize(Sample {
                row: line.row.name,
                peer: line.peer,
                round,
                units: line.units,
                processor_us: cost.processor.as_micros(),
                wall_us: cost.wall.as_micros(),
            })?;
        }
    }
    figures.flush()?;
    samples.flush()?;
    Ok(())
}

fn figures_of(line: &Line, baseline: &Line) -> Figures {
    let (processor, wall, calls) = (line.processor(), line.wall(), &line.counted.calls);
    let each = |count| line.per_unit(count);
    Figures {
        row: line.row.name,
        peer: line.peer,
        unit: line.row.unit.name(),
        processor_us_median: processor.median,
        processor_us_minimum: processor.minimum,
        ratio: line.ratio(baseline),
        wall_us_median: wall.median,
        wall_us_minimum: wall.minimum,
        reads: each(calls.reads.answered),
        writes: each(calls.writes.answered),
        blocked: each(calls.reads.pending + calls.writes.pending),
        flushes: each(calls.flushes.answered),
        records: line.counted.records.map(each),
        wire_bytes: line.wire_bytes(),
        allocations: line.counted.allocations.map(each),
    }
}

/// Writes `memory.csv` into a folder.
pub fn write_memory(folder: &Path, waiting: &[Waiting]) -> Result<(), Box<dyn Error>> {
    let mut file = Writer::from_path(folder.join("memory.csv"))?;
    for Waiting { peer, idle } in waiting {
        file.serialize(Memory {
            peer,
            client_heap: idle.client.heap,
            server_heap: idle.server.heap,
            client_size: idle.client.size,
            server_size: idle.server.size,
        })?;
    }
    file.flush()?;
    Ok(())
}

/// Writes `link.csv` into a folder.
pub fn write_link(folder: &Path, arriving: &[Arriving]) -> Result<(), Box<dyn Error>> {
    let mut file = Writer::from_path(folder.join("link.csv"))?;
    for Arriving { peer, arrival } in arriving {
        file.serialize(Segments {
            peer,
            first_byte: arrival.first,
            first_16_kib: arrival.record,
            whole: arrival.whole,
        })?;
    }
    file.flush()?;
    Ok(())
}

/// Writes `first_byte.csv` into a folder.
pub fn write_first_bytes(folder: &Path, answers: &[FirstByte]) -> Result<(), Box<dyn Error>> {
    let mut file = Writer::from_path(folder.join("first_byte.csv"))?;
    for FirstByte {
        peer,
        beginning,
        milliseconds,
    } in answers
    {
        file.serialize(Milliseconds {
            beginning: beginning.title(),
            peer,
            median: milliseconds.median,
            minimum: milliseconds.minimum,
        })?;
    }
    file.flush()?;
    Ok(())
}
