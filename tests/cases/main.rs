//! The cases that break polled TLS, each by name.
//!
//! # Defects that were measured in other streams
//!
//! | defect | tests |
//! |---|---|
//! | a transport that answers `Ok(0)` to a write parks the writer for ever | `promises::p02_writes::a_transport_that_refuses_is_an_error`, `promises::p02_writes::a_transport_that_refuses_the_handshake_is_an_error` |
//! | a write after shutdown is taken, and vanishes | `promises::p02_writes::a_write_after_shutdown_is_an_error` |
//! | a client with early data that reads first never progresses | `promises::early_data::a_client_that_reads_first_progresses` |
//! | an alert is cut off, or stays in a buffer | `promises::p05_alerts::a_server_answers_what_is_not_tls`, `promises::p05_alerts::a_peer_learns_that_its_record_was_bad` |
//! | a handshake over a small pipe hangs | `promises::p04_handshake::it_completes_over_every_transport` |
//! | a key update is never answered by a reader | `promises::p03_nothing_unsent::a_reader_answers_a_key_update`, `cases::buffered_reads::a_reader_flushes_written_data_and_pending_responses` |
//! | tickets that are unread at a shutdown destroy what was written | `promises::p07_shutdown::a_client_that_writes_and_leaves_is_heard_over_tcp`, `cases::tcp::a_client_is_heard_when_the_tickets_come_before_the_shutdown` |
//! | bytes that were not flushed stay behind a reader | `promises::p03_nothing_unsent::a_mebibyte_without_a_flush_goes_out_while_the_answer_is_awaited` |
//! | `Interrupted` fails the stream | `promises::p02_writes::an_interrupted_transport_is_tried_again` |
//! | many reads of the transport for few bytes | `promises::costs::a_mebibyte_takes_few_reads`, `promises::costs::a_lone_record_takes_two_reads` |
//! | a write of the transport for each small write | `promises::p02_writes::any_number_of_slices_is_one_attempt_in_full_records` |
//! | a stream of more than a kilobyte | `promises::costs::a_stream_is_small` |
//! | an idle connection keeps much heap | `promises::costs::an_idle_connection_keeps_little` |
//! | a cancelled write is sent in place of the next | `promises::p02_writes::a_cancelled_write_leaves_nothing_behind` |
//! | a truncation reads as a clean end | `promises::p06_end_of_stream::a_truncated_stream_is_an_unexpected_end_every_time` |
//!
//! # Cases
//!
//! | case | tests |
//! |---|---|
//! | an error after a partial write | `cases::errors::an_error_after_a_partial_write_comes_with_the_next_call` |
//! | reads after errors keep giving the same error | `cases::errors::a_read_that_failed_can_be_made_again` and its neighbours |
//! | a fatal alert while writes are blocked | `cases::errors::a_fatal_alert_is_reported_at_once_while_writes_are_blocked`, `cases::errors::an_alert_of_ours_waits_for_blocked_writes_and_goes_out_whole` |
//! | a flush that is pending after writes that were ready | `cases::flushes::in_the_handshake`, `cases::flushes::in_early_data`, `cases::flushes::in_the_shutdown` |
//! | close_notify in mid-handshake | `cases::leaving::close_notify_in_mid_handshake_is_an_error` |
//! | data after close_notify | `cases::leaving::data_after_close_notify_is_ignored` |
//! | one half is dropped | `promises::p10_two_tasks::a_writer_that_stops_does_not_lose_the_reader`, `promises::p10_two_tasks::a_writer_outlives_the_reader` |
//! | reads and writes of nothing | `promises::p09_reads_fill::a_read_of_nothing_asks_nobody`, `cases::odd_buffers::a_write_of_nothing_sends_nothing` |
//! | empty slices among others | `cases::odd_buffers::empty_slices_among_others_are_passed_over` |
//! | more than 64 and more than 1,024 slices | `cases::odd_buffers::any_number_of_slices_is_taken` |
//! | bulk in both directions at once | `cases::bulk::two_tasks_on_each_side_carry_both_directions` |
//! | floods | `cases::floods::of_key_updates`, `cases::floods::of_empty_records`, `cases::floods::of_warning_alerts`, `cases::floods::of_one_byte_fragments`, `cases::floods::of_tickets` |
//! | the largest record and one byte more | `cases::record_sizes::the_largest_plaintext_is_read`, `cases::record_sizes::one_byte_more_is_an_error` |
//! | a transport that panics | `cases::panics::an_established_stream_goes_on_after_the_panic` |
//! | the budget of tokio is used up | `cases::runtime::an_exhausted_budget_is_no_hang`, `cases::runtime::a_stream_that_is_always_ready_lets_others_run` |
//! | a runtime ends in mid-handshake | `cases::runtime::a_runtime_that_ends_in_mid_handshake_ends_the_handshake` |
//! | a client writes, shuts down and is dropped | `cases::tcp::a_client_that_wrote_little_is_heard_when_the_tickets_come_after_the_drop`, `cases::tcp::a_client_that_closes_is_heard_when_the_tickets_come_late` |
//! | a server answers and closes while the client sends | `cases::tcp::a_server_that_closes_is_heard_by_a_client_that_still_sends` |

use std::fs;
use std::path::Path;

#[path = "../promises/engine.rs"]
#[expect(
    dead_code,
    unused_imports,
    reason = "shared with the tests of the promises"
)]
mod engine;
#[path = "../promises/heap.rs"]
mod heap;
#[path = "../promises/support.rs"]
#[expect(dead_code, reason = "shared with the tests of the promises")]
mod support;

mod forger;

mod buffered_reads;
mod bulk;
mod closing;
mod errors;
mod floods;
mod flushes;
mod leaving;
mod odd_buffers;
mod panics;
mod record_sizes;
mod runtime;
mod tcp;

#[test]
fn every_test_that_is_named_above_is_there() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let mut named = 0;
    for line in include_str!("main.rs").lines() {
        let Some(row) = line.strip_prefix("//! | ") else {
            continue;
        };
        for name in row.split('`').filter(|name| name.contains("::")) {
            let [folder, module, function] = name.split("::").collect::<Vec<_>>()[..] else {
                panic!("{name} is not a path of three parts");
            };
            let file = tests.join(folder).join(module).with_extension("rs");
            let source = fs::read_to_string(&file).expect("a module of tests");
            assert!(source.contains(&format!("fn {function}(")), "{name}");
            named += 1;
        }
    }
    assert!(named > 30, "only {named} names were found");
}
