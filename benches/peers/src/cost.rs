//! The cost of a piece of work.

use std::iter::Sum;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

use crate::allocator::allocations;

/// Elapsed and processor time, and the allocations made meanwhile.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cost {
    /// The processor time of all threads of this process.
    pub processor: Duration,
    /// The elapsed time.
    pub wall: Duration,
    /// The allocations of the measuring thread.
    pub allocations: u64,
}

/// The start of a measurement.
#[derive(Debug)]
pub struct Start {
    allocations: u64,
    wall: Instant,
    processor: Duration,
}

impl Start {
    /// Starts a measurement.
    pub fn now() -> Self {
        Self {
            allocations: allocations(),
            wall: Instant::now(),
            processor: processor_time(),
        }
    }

    /// Returns the cost since the start.
    pub fn cost(&self) -> Cost {
        Cost {
            processor: processor_time() - self.processor,
            wall: self.wall.elapsed(),
            allocations: allocations() - self.allocations,
        }
    }
}

impl Sum for Cost {
    fn sum<I: Iterator<Item = Self>>(costs: I) -> Self {
        costs.fold(Self::default(), |sum, cost| Self {
            processor: sum.processor + cost.processor,
            wall: sum.wall + cost.wall,
            allocations: sum.allocations + cost.allocations,
        })
    }
}

fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::try_from(time).expect("a time since the start")
}
