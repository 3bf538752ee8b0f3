//! A few random plans; `benches/plans.rs` runs as many as one likes.

use crate::rig::Search;

/// How many plans a test run has time for.
const PLANS: u64 = 400;

#[test]
fn random_plans() {
    let search = Search::default();
    for seed in 0..PLANS {
        if let Err(failure) = search.run(seed) {
            panic!("{failure}");
        }
    }
}
