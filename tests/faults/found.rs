//! Cases that random plans have found, each of which has failed once.

use crate::rig::{Case, World, judged};

fn check(case: &str) {
    let case: Case = case.parse().expect("a case, as a failure prints it");
    judged(&case, &World::new(case.scenario)).unwrap_or_else(|why| panic!("{why}"));
}

/// The error of the handshake's write was kept for later, and nobody was woken to be told.
#[test]
fn a_reader_is_told_that_its_hello_could_not_be_sent() {
    check(
        "scenario=early-data-accepted-read-first-tls13 client=Ours server=Ours carrier=Direct \
         capacity=65535 left.buffer=1 left.write=0:delayed-0,0:too-much",
    );
}

/// The flush for which the handshake waited was made by the reader's own push, and nobody was woken
/// to go on.
#[test]
fn a_reader_goes_on_when_the_last_flight_is_flushed() {
    check(
        "scenario=early-data-accepted-read-first-tls13 client=Ours server=Ours carrier=Direct \
         capacity=65535 left.read=2:nothing left.write=1:delayed-0,1:pending",
    );
}
