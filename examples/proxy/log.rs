//! Log output that never blocks the proxy.
//!
//! A write to a full pipe blocks, so a separate thread writes. Lines that cannot be written yet are
//! buffered up to a limit; further lines are dropped and counted, as are lines whose writes fail.

use std::fmt::Display;
use std::io::{self, Write};
use std::mem;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use prometheus::IntCounter;

/// The maximum number of buffered bytes: about a thousand lines.
const LIMIT: usize = 256 * 1024;

/// How long a line waits for others to be written with it: waking a thread for each line would cost
/// more than writing it.
const PAUSE: Duration = Duration::from_millis(50);

/// Lines for one destination, in order. Clones share the destination.
#[derive(Clone)]
pub(crate) struct Lines(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    has_lines: Condvar,
    is_done: Condvar,
    dropped: IntCounter,
}

#[derive(Default)]
struct State {
    waiting: Vec<u8>,
    /// Whether the writer has taken lines that are not written yet.
    is_writing: bool,
    /// Whether the writer is idle and has to be woken.
    is_asleep: bool,
    /// Whether a caller is waiting for everything to be written, without waiting for more lines.
    is_finishing: bool,
}

impl Lines {
    /// Writes to `out`. `dropped` counts the lines that cannot be written.
    pub(crate) fn new(out: impl Write + Send + 'static, dropped: IntCounter) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            has_lines: Condvar::new(),
            is_done: Condvar::new(),
            dropped,
        });
        let writer = Arc::clone(&shared);
        thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || writer.write(out))?;
        Ok(Self(shared))
    }

    /// Queues a line, without blocking.
    pub(crate) fn say(&self, line: impl Display) {
        self.queue(format!("{line}\n").as_bytes());
    }

    /// Queues a line that ends with a newline, without blocking.
    pub(crate) fn queue(&self, line: &[u8]) {
        let mut state = self.0.lock();
        if state.waiting.len() + line.len() > LIMIT {
            self.0.dropped.inc();
            return;
        }
        state.waiting.extend_from_slice(line);
        if mem::take(&mut state.is_asleep) {
            self.0.has_lines.notify_one();
        }
    }

    /// Waits until all lines are written, for a short time at most.
    pub(crate) fn finish(&self, limit: Duration) {
        let deadline = Instant::now() + limit;
        let mut state = self.0.lock();
        state.is_finishing = true;
        while !state.waiting.is_empty() || state.is_writing {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            let waited = self.0.is_done.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes queued lines forever.
    fn write(&self, mut out: impl Write) {
        let mut is_torn = false;
        loop {
            let mut lines = self.next();
            if is_torn {
                // After a partial line, starts a new one.
                lines.insert(0, b'\n');
            }
            let written = write_until_error(&mut out, &lines);
            let (gone, lost) = lines.split_at(written);
            let lost = lost.iter().filter(|byte| **byte == b'\n').count();
            self.dropped.inc_by(lost as u64);
            is_torn = gone.last().map_or(is_torn, |last| *last != b'\n');
        }
    }

    /// Waits for lines.
    fn next(&self) -> Vec<u8> {
        let mut state = self.lock();
        state.is_writing = false;
        if state.is_finishing {
            self.is_done.notify_all();
        }
        while state.waiting.is_empty() {
            state.is_asleep = true;
            let woken = self.has_lines.wait(state);
            state = woken.unwrap_or_else(PoisonError::into_inner);
            if !state.waiting.is_empty() && !state.is_finishing {
                drop(state);
                thread::sleep(PAUSE);
                state = self.lock();
            }
        }
        state.is_writing = true;
        mem::take(&mut state.waiting)
    }
}

/// Writes until an error; returns how many bytes were written.
fn write_until_error(out: &mut impl Write, bytes: &[u8]) -> usize {
    let mut written = 0;
    while written < bytes.len() {
        match out.write(&bytes[written..]) {
            Ok(count @ 1..) => written += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            _ => break,
        }
    }
    written
}
