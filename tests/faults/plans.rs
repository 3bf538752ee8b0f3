//! Random plans, each generated from a seed: a few in every run, and others on request.
//!
//! ```text
//! POLLBACK_PLANS=1000000..1100000 POLLBACK_SECONDS=60 \
//!     cargo test --release --features full --test faults random_plans
//! ```
//!
//! A plan that fails is printed with its seed, and minimized to a case that can be run alone.

use std::env;
use std::ops::Range;
use std::time::{Duration, Instant};

use crate::rig::Search;

/// The environment variable with the seeds to try, `FIRST..END`.
const PLANS: &str = "POLLBACK_PLANS";

/// The environment variable with the number of seconds after which no further seed is tried.
const SECONDS: &str = "POLLBACK_SECONDS";

/// The seeds of a run of all tests.
const FEW: Range<u64> = 0..400;

#[test]
fn random_plans() {
    let seeds = match env::var(PLANS) {
        Ok(text) => seeds(&text).expect("POLLBACK_PLANS is FIRST..END"),
        Err(_) => FEW,
    };
    let seconds = env::var(SECONDS).ok();
    let seconds = seconds.map(|text| text.parse().expect("POLLBACK_SECONDS is a number"));
    let time = seconds.map_or(Duration::MAX, Duration::from_secs);
    let (start, search) = (Instant::now(), Search::default());
    let (mut tried, mut failures) = (0, 0);
    for seed in seeds.take_while(|_| start.elapsed() < time) {
        if let Err(failure) = search.run(seed) {
            failures += 1;
            println!("{failure}");
        }
        tried += 1;
    }
    println!("{tried} plans in {:.1?}", start.elapsed());
    assert!(tried > 0, "no plan was tried");
    assert_eq!(failures, 0, "plans fail");
}

fn seeds(text: &str) -> Option<Range<u64>> {
    let (first, end) = text.split_once("..")?;
    Some(first.parse().ok()?..end.parse().ok()?)
}
