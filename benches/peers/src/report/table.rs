//! The table for the terminal.

use std::fmt;

use super::{Arriving, FirstByte, Line, Waiting, baseline_of};
use crate::work::{Arrival, DELAY};

/// The rows that take time, as text.
pub struct Work<'l>(pub &'l [Line]);

/// The idle connections, as text.
pub struct Memory<'w>(pub &'w [Waiting]);

/// The messages over a slow link, as text.
pub struct Link<'a>(pub &'a [Arriving]);

/// The first bytes of responses over a link with a delay, as text.
pub struct FirstBytes<'a>(pub &'a [FirstByte]);

impl fmt::Display for Work<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut above = "";
        for line in self.0 {
            if line.row.name != above {
                above = line.row.name;
                let compared = match line.is_by_the_clock() {
                    true => ", ratio of elapsed time",
                    false => "",
                };
                let (title, unit) = (line.row.title, line.row.unit.name());
                writeln!(f, "\n{title}, per {unit}{compared}")?;
                writeln!(
                    f,
                    "  {:20} {:>9} {:>9} {:>6} {:>9} {:>8} {:>8} {:>8} {:>8} {:>9} {:>8}",
                    "",
                    "CPU us",
                    "least",
                    "ratio",
                    "clock us",
                    "reads",
                    "writes",
                    "blocked",
                    "records",
                    "wire",
                    "allocs",
                )?;
            }
            write_line(f, line, baseline_of(self.0, line))?;
        }
        Ok(())
    }
}

fn write_line(f: &mut fmt::Formatter<'_>, line: &Line, baseline: &Line) -> fmt::Result {
    let (processor, calls) = (line.processor(), &line.counted.calls);
    let each = |count| line.per_unit(count);
    writeln!(
        f,
        "  {:20} {:9.2} {:9.2} {:6.3} {:9.2} {:8.2} {:8.2} {:8.2} {:>8} {:9.0} {:>8}",
        line.peer,
        processor.median,
        processor.minimum,
        line.ratio(baseline),
        line.wall().median,
        each(calls.reads.answered),
        each(calls.writes.answered),
        each(calls.reads.pending + calls.writes.pending),
        or_dash(line.counted.records.map(each)),
        line.wire_bytes(),
        or_dash(line.counted.allocations.map(each)),
    )
}

impl fmt::Display for Memory<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\nidle connection after one echo of 16 KiB, in bytes")?;
        writeln!(
            f,
            "  {:20} {:>11} {:>11} {:>11} {:>11}",
            "", "client heap", "server heap", "client size", "server size",
        )?;
        for Waiting { peer, idle } in self.0 {
            writeln!(
                f,
                "  {peer:20} {:11} {:11} {:11} {:11}",
                idle.client.heap, idle.server.heap, idle.client.size, idle.server.size,
            )?;
        }
        Ok(())
    }
}

impl fmt::Display for Link<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let title = "a message of 100,000 bytes over 10 Mbit/s";
        writeln!(
            f,
            "\n{title}, in segments and milliseconds until it can be used"
        )?;
        writeln!(
            f,
            "  {:20} {:>15} {:>15} {:>15}",
            "", "first byte", "16 KiB", "all"
        )?;
        for Arriving { peer, arrival } in self.0 {
            write!(f, "  {peer:20}")?;
            for segments in [arrival.first, arrival.record, arrival.whole] {
                write!(f, " {segments:7} {:7.1}", Arrival::milliseconds(segments))?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

impl fmt::Display for FirstBytes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let round_trip = 2 * DELAY.as_millis();
        writeln!(
            f,
            "\nthe first byte of a response over a link with a round trip of {round_trip} ms"
        )?;
        writeln!(f, "  {:14} {:20} {:>9} {:>9}", "", "", "ms", "least")?;
        for FirstByte {
            peer,
            beginning,
            milliseconds,
        } in self.0
        {
            let (title, median) = (beginning.title(), milliseconds.median);
            let least = milliseconds.minimum;
            writeln!(f, "  {title:14} {peer:20} {median:9.1} {least:9.1}")?;
        }
        Ok(())
    }
}

fn or_dash(number: Option<f64>) -> String {
    number.map_or_else(|| "-".into(), |number| format!("{number:.2}"))
}
