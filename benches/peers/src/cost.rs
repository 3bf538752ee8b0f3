//! What a piece of work costs.

use std::iter::Sum;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

use crate::allocator::allocations;

/// Time that was spent, and what was asked of the allocator meanwhile.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cost {
    /// Time of the processors, on behalf of all threads of this process.
    pub processor: Duration,
    /// Time of the clock.
    pub wall: Duration,
    /// Allocations of the thread that measures.
    pub allocations: u64,
}

/// The moment from which a [`Cost`] is counted.
#[derive(Debug)]
pub struct Start {
    allocations: u64,
    wall: Instant,
    processor: Duration,
}

impl Start {
    /// This moment.
    pub fn now() -> Self {
        Self {
            allocations: allocations(),
            wall: Instant::now(),
            processor: processor_time(),
        }
    }

    /// What was spent since.
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
