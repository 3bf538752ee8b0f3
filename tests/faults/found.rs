//! Cases found by random plans, each of which has failed once.

use crate::rig::{Case, World, judged};

fn check(case: &str) {
    let case: Case = case.parse().expect("a case, as a failure prints it");
    judged(&case, &World::new(case.scenario)).unwrap_or_else(|why| panic!("{why}"));
}

/// The error of the handshake's write was stored for later, and no task was woken to return it.
#[test]
fn a_reader_returns_the_error_of_an_unsent_hello() {
    check(
        "scenario=early-data-accepted-read-first-tls13 client=Ours server=Ours carrier=Direct \
         capacity=65535 left.buffer=1 left.write=0:delayed-0,0:too-much",
    );
}

/// The flush for which the handshake waited was performed by the reader itself, and no task was
/// woken to continue.
#[test]
fn a_reader_continues_when_the_last_flight_is_flushed() {
    check(
        "scenario=early-data-accepted-read-first-tls13 client=Ours server=Ours carrier=Direct \
         capacity=65535 left.read=2:nothing left.write=1:delayed-0,1:pending",
    );
}

/// The connection held rejected early data, and the record that ended it was followed by so much
/// that there was no room.
#[test]
fn small_records_after_rejected_early_data_are_received() {
    for more in ["", " left.at-most=1"] {
        check(&format!(
            "scenario=early-data-rejected-and-more-tls13 client=Ours server=Ours carrier=Direct \
             cancel=Client:0 capacity=65535{more} left.write=0:pending",
        ));
    }
}

/// The client's end of the stream arrived while the server sent an early response.
#[test]
fn an_early_response_to_a_client_that_is_gone_terminates() {
    check(
        "scenario=half-rtt-tls13 client=Ours server=Tuned carrier=Direct capacity=35 \
         left.buffer=834 left.read=23:end",
    );
}

/// A read of the transport failed while writes were blocked, and was not repeated: the peer could
/// not send what it had to send before it would read.
#[test]
fn a_failed_read_does_not_block_the_writes_of_the_peer() {
    for errors in ["1:timeout", "1:timeout,0:timeout"] {
        check(&format!(
            "scenario=half-rtt-tls13 client=Ours server=Ours carrier=Direct capacity=59 \
             left.read=19:pending,{errors} left.write=0:pending,0:at-most-1,0:at-most-1 \
             right.read=0:at-most-1",
        ));
    }
}

/// A client was split between the end of its handshake and the response to its early data, which it
/// then sent again although it was accepted.
#[cfg(feature = "next")]
#[test]
fn accepted_early_data_is_sent_once_by_a_client_that_is_split() {
    check(
        "scenario=half-rtt-two-tasks-tls13 client=NextHalved server=Next carrier=Direct \
         capacity=506 left.write=7:interrupted,2:pending,1:interrupted,1:pending \
         left.flush=2:pending right.read=0:pending,0:pending",
    );
}
