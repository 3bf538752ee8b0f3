//! The progress of the transfer, on stderr: a bar on a terminal, otherwise lines.

use std::io::{self, IsTerminal};
use std::sync::atomic::{AtomicU64, Ordering};

use indicatif::{HumanBytes, ProgressBar, ProgressStyle};

use crate::BoxError;

/// Shared by both sides, which each receive the payload once.
pub(crate) struct Progress {
    total: u64,
    moved: AtomicU64,
    /// `None` if stderr is not a terminal.
    bar: Option<ProgressBar>,
}

impl Progress {
    pub(crate) fn new(total: u64) -> Result<Self, BoxError> {
        let style = "{wide_bar} {bytes}/{total_bytes} {binary_bytes_per_sec}";
        let bar = ProgressBar::new(total).with_style(ProgressStyle::with_template(style)?);
        // Drawn before anything has moved.
        bar.tick();
        Ok(Self {
            total,
            moved: AtomicU64::new(0),
            bar: io::stderr().is_terminal().then_some(bar),
        })
    }

    /// Adds received bytes.
    pub(crate) fn received(&self, bytes: u64) {
        let before = self.moved.fetch_add(bytes, Ordering::Relaxed);
        if let Some(bar) = &self.bar {
            return bar.inc(bytes);
        }
        let tenths = |moved: u64| u128::from(moved) * 10 / u128::from(self.total.max(1));
        let after = before + bytes;
        if before == 0 || tenths(before) < tenths(after) {
            let percent = tenths(after) * 10;
            let (moved, total) = (HumanBytes(after), HumanBytes(self.total));
            eprintln!("{percent:3} %  {moved} of {total}");
        }
    }

    /// Removes the bar.
    pub(crate) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
