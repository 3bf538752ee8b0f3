//! Runs a scenario over a pipe that follows a plan, and checks the result.

mod acts;
mod attempting;
mod carrier;
mod case;
#[cfg(feature = "next")]
mod halves;
mod makes;
#[cfg(feature = "next")]
mod next_world;
mod random;
mod run;
mod scenarios;
mod side;
mod streams;
mod verdict;

pub(crate) use carrier::Carrier;
pub(crate) use case::{Case, Role, Stop, Strike};
pub(crate) use makes::Make;
pub(crate) use random::Search;
pub(crate) use run::{Outcome, World};
#[cfg(feature = "early-data")]
pub(crate) use scenarios::Handshake;
pub(crate) use scenarios::{Scenario, scenarios};
pub(crate) use side::Ending;
pub(crate) use verdict::{Cause, cause, judged};
