//! Situations that break polled TLS, each by name.
//!
//! # Defects that were measured in other streams
//!
//! | defect | tests |
//! |---|---|
//! | a transport that returns `Ok(0)` from a write blocks the writer forever | `guarantees::g02_writes::a_transport_that_accepts_nothing_is_an_error`, `guarantees::g02_writes::a_transport_that_accepts_no_handshake_is_an_error` |
//! | a write after shutdown is accepted, and its data is lost | `guarantees::g02_writes::a_write_after_shutdown_is_an_error` |
//! | a client with early data that reads first never progresses | `guarantees::early_data::a_client_that_reads_first_makes_progress` |
//! | an alert is truncated, or stays in a buffer | `guarantees::g05_alerts::a_server_answers_other_protocols`, `guarantees::g05_alerts::a_peer_learns_that_its_record_was_invalid` |
//! | a handshake over a small pipe hangs | `guarantees::g04_handshake::it_completes_over_every_transport` |
//! | a key update is never answered by a reader | `guarantees::g03_reads_flush::a_reader_answers_a_key_update`, `cases::buffered_reads::a_reader_flushes_written_data_and_pending_responses` |
//! | unread tickets at a shutdown destroy data that was written | `guarantees::g07_shutdown::data_of_a_client_that_writes_and_leaves_arrives_over_tcp`, `cases::tcp::data_of_a_client_arrives_if_the_tickets_arrive_before_its_shutdown` |
//! | bytes that were not flushed stay buffered while the program reads | `guarantees::g03_reads_flush::a_mebibyte_without_a_flush_is_sent_while_the_response_is_awaited` |
//! | `Interrupted` fails the stream | `guarantees::g02_writes::an_interrupted_attempt_is_repeated_by_the_stream` |
//! | many reads of the transport for few bytes | `guarantees::costs::a_mebibyte_takes_few_reads`, `guarantees::costs::a_lone_record_takes_two_reads` |
//! | a write of the transport for each small write | `guarantees::g02_writes::any_number_of_slices_is_one_attempt_in_full_records` |
//! | a stream of more than a kilobyte | `guarantees::costs::a_stream_is_small` |
//! | an idle connection keeps much heap | `guarantees::costs::an_idle_connection_keeps_little` |
//! | a cancelled write is sent in place of the next | `guarantees::g02_writes::a_cancelled_write_leaves_nothing_behind` |
//! | a truncation looks like a clean end | `guarantees::g06_end_of_stream::a_truncated_stream_is_an_unexpected_end_every_time` |
//!
//! # Cases
//!
//! | case | tests |
//! |---|---|
//! | an error after a partial write | `cases::errors::an_error_after_a_partial_write_comes_with_the_next_call` |
//! | reads after an error return the same error | `cases::errors::a_failed_read_can_be_repeated` and its neighbours |
//! | a fatal alert while writes are blocked | `cases::errors::a_fatal_alert_is_reported_at_once_while_writes_are_blocked`, `cases::errors::our_alert_follows_blocked_writes_and_is_sent_in_full` |
//! | a flush that is pending after writes that were ready | `cases::flushes::in_the_handshake`, `cases::flushes::in_early_data`, `cases::flushes::in_the_shutdown` |
//! | close_notify during the handshake | `cases::aborts::close_notify_during_the_handshake_is_an_error` |
//! | data after close_notify | `cases::aborts::data_after_close_notify_is_ignored` |
//! | one half is dropped | `guarantees::g10_two_tasks::a_writer_that_stops_does_not_take_the_wakeup_of_the_reader`, `guarantees::g10_two_tasks::the_writer_continues_without_the_reader` |
//! | empty reads and writes | `guarantees::g09_reads_fill::an_empty_read_makes_no_attempt`, `cases::odd_buffers::an_empty_write_sends_nothing` |
//! | empty slices among others | `cases::odd_buffers::empty_slices_among_others_are_skipped` |
//! | more than 64 and more than 1,024 slices | `cases::odd_buffers::any_number_of_slices_is_accepted` |
//! | bulk in both directions at once | `cases::bulk::two_tasks_on_each_side_carry_both_directions` |
//! | floods | `cases::floods::of_key_updates`, `cases::floods::of_empty_records`, `cases::floods::of_warning_alerts`, `cases::floods::of_one_byte_fragments`, `cases::floods::of_tickets` |
//! | the largest record and one byte more | `cases::record_sizes::the_largest_plaintext_is_read`, `cases::record_sizes::one_byte_more_is_an_error` |
//! | a transport that panics | `cases::panics::an_established_stream_continues_after_the_panic` |
//! | the budget of tokio is exhausted | `cases::runtime::an_exhausted_budget_causes_no_hang`, `cases::runtime::a_stream_that_is_always_ready_lets_other_tasks_run` |
//! | a runtime ends during the handshake | `cases::runtime::a_runtime_that_ends_during_the_handshake_fails_it` |
//! | a client writes, shuts down and is dropped | `cases::tcp::little_data_arrives_even_if_the_tickets_arrive_after_the_drop`, `cases::tcp::data_of_a_client_that_closes_arrives_even_if_the_tickets_are_late` |
//! | a server responds and closes while the client sends | `cases::tcp::the_response_of_a_server_that_closes_reaches_a_client_that_still_sends` |

use std::fs;
use std::path::Path;

#[path = "../guarantees/engine.rs"]
#[expect(dead_code, unused_imports, reason = "shared with tests/guarantees")]
mod engine;
#[path = "../guarantees/heap.rs"]
mod heap;
#[path = "../guarantees/support.rs"]
#[expect(dead_code, reason = "shared with tests/guarantees")]
mod support;

mod forger;

mod aborts;
mod buffered_reads;
mod bulk;
mod closing;
mod errors;
mod floods;
mod flushes;
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
