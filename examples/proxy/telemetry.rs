//! The output of the proxy: counters, and lines on stdout and stderr.

use std::error::Error;
use std::io;
use std::time::Duration;

use crate::counters::Counters;
use crate::log::Lines;

/// Shared by all connections.
pub(crate) struct Telemetry {
    pub(crate) counters: Counters,
    /// The lines of JSON, on stdout.
    pub(crate) records: Lines,
    /// Messages of the proxy itself, on stderr.
    pub(crate) remarks: Lines,
}

impl Telemetry {
    pub(crate) fn new() -> Result<Self, Box<dyn Error>> {
        let counters = Counters::new()?;
        let records = Lines::new(io::stdout(), counters.dropped("stdout"))?;
        let remarks = Lines::new(io::stderr(), counters.dropped("stderr"))?;
        Ok(Self {
            counters,
            records,
            remarks,
        })
    }

    /// Waits for the lines to be written, but only for a short time.
    pub(crate) fn finish(&self) {
        const LIMIT: Duration = Duration::from_secs(1);
        self.records.finish(LIMIT);
        match self.counters.dropped("stdout").get() {
            0 => {}
            count => self
                .remarks
                .say(format_args!("{count} lines of the log were dropped")),
        }
        self.remarks.finish(LIMIT);
    }
}
