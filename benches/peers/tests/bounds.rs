//! Results that do not depend on the speed of the machine: calls, records, bytes and allocations.
//!
//! Both ends share a thread, so the kernel has usually delivered what was written before the other
//! end reads. If it has not, one more read is made; the bounds allow for that.

use pollback_peers::contenders::{self, BASELINE, SIZED};
use pollback_peers::work::{Counted, Row, Work};

const OURS: [&str; 2] = ["pollback", "pollback-batched"];

fn counted(row: &str, peer: &str) -> (Counted, u64) {
    let row = Row::named(row).expect("a known row");
    let contender = contenders::named(peer).expect("a known peer");
    let counted = contender.workload.counted(row, row.counted);
    (counted.expect("work that succeeds"), row.counted as u64)
}

/// All calls of the transports, including those that would have blocked.
fn calls(counted: &Counted) -> u64 {
    let (reads, writes) = (counted.calls.reads, counted.calls.writes);
    reads.answered + reads.pending + writes.answered + writes.pending
}

#[test]
fn bulk_reads_are_large() {
    for (row, reads) in [("bulk", 20), ("bulk-read-8k", 34)] {
        let (counted, mib) = counted(row, "pollback");
        assert!(
            counted.calls.reads.answered <= reads * mib,
            "{row}: {counted:?}"
        );
    }
}

#[test]
fn a_large_write_is_one_write_of_the_transport() {
    let (counted, mib) = counted("bulk", "pollback");
    assert!(counted.calls.writes.answered <= 17 * mib, "{counted:?}");
}

#[test]
fn many_slices_make_full_records_and_few_writes() {
    let (counted, _) = counted("vectored-1000", "pollback");
    assert_eq!(counted.records, Some(7), "{counted:?}");
    assert!(counted.calls.writes.answered <= 2, "{counted:?}");
}

#[test]
fn bulk_makes_full_records() {
    for peer in OURS {
        let (counted, mib) = counted("bulk", peer);
        let records = counted.records.unwrap();
        // The limit on the data buffered by a blocked stream can divide one.
        let cut = counted.calls.writes.pending;
        let most = 64 * mib + cut;
        assert!((64 * mib..=most).contains(&records), "{peer}: {counted:?}");
    }
}

#[test]
fn bulk_allocates_what_rustls_allocates_for_a_record() {
    for peer in OURS {
        let (counted, _) = counted("bulk", peer);
        let (allocations, records) = (counted.allocations.unwrap(), counted.records.unwrap());
        // rustls makes two for each record, and its buffer grows in five steps for the records of a
        // read. For each received record and each write, one more is made to keep copies off slow
        // addresses; if the address is slow, one or two more.
        let reads = counted.calls.reads;
        assert!(
            allocations <= 4 * records + 6 * (reads.answered + reads.pending) + 64,
            "{peer}: {counted:?}"
        );
    }
}

/// The remaining allocations are for the growth of the buffers that a thread keeps, and for the
/// list of slices if a batch is sent together with new data.
#[test]
fn bulk_on_rustls_0_24_allocates_nothing_for_a_record() {
    for (peer, most) in [("pollback-next", 2), ("pollback-next-batched", 40)] {
        let (counted, mib) = counted("bulk", peer);
        let allocations = counted.allocations.unwrap();
        assert!(allocations <= most * mib, "{peer}: {counted:?}");
        let reads = counted.calls.reads;
        assert!(reads.answered <= 20 * mib, "{peer}: {counted:?}");
    }
}

/// Its records hold at least 16,344 bytes, while 16 KiB would be allowed.
#[test]
fn bulk_on_rustls_0_24_makes_records_as_full_as_possible() {
    let (ours, mib) = counted("bulk", "pollback-next");
    let cut = ours.calls.writes.pending;
    assert!(ours.records.unwrap() <= 80 * mib + 2 * cut, "{ours:?}");
    assert!(ours.calls.writes.answered <= 17 * mib, "{ours:?}");
    let (batched, mib) = counted("bulk", "pollback-next-batched");
    assert!(batched.records.unwrap() <= 65 * mib, "{batched:?}");
    assert!(batched.calls.writes.answered <= 22 * mib, "{batched:?}");
}

#[test]
fn a_whole_record_takes_one_read() {
    let (counted, round_trips) = counted("echo-16k", "pollback");
    assert!(
        counted.calls.reads.answered <= 4 * round_trips,
        "{counted:?}"
    );
}

#[test]
fn a_small_request_takes_no_additional_calls() {
    for row in ["echo-64", "echo-1k"] {
        let ((ours, _), (theirs, _)) = (counted(row, "pollback"), counted(row, BASELINE));
        assert!(calls(&ours) <= calls(&theirs), "{ours:?} {theirs:?}");
        assert_eq!(ours.calls.writes.bytes, theirs.calls.writes.bytes);
    }
}

#[test]
fn batched_small_writes_fill_records() {
    for row in ["writes", "vectored"] {
        let (counted, _) = counted(row, "pollback-batched");
        let writes = counted.calls.writes;
        assert!(writes.answered <= 8, "{row}: {counted:?}");
        assert!(writes.bytes <= 100_300, "{row}: {counted:?}");
        assert!(counted.records <= Some(8), "{row}: {counted:?}");
    }
}

#[test]
fn writes_of_any_size_are_sent_in_batches() {
    let bulk = Row::named("bulk").expect("a known row");
    let batched = contenders::named("pollback-batched").expect("a known peer");
    for write in [256, 1 << 10, 1 << 14, 1 << 15, 1 << 16, 1 << 18] {
        let work = Work::Bulk {
            write,
            read: 1 << 16,
        };
        let row = Row { work, ..*bulk };
        let mib = 8;
        let counted = batched.workload.counted(&row, mib).expect("a transfer");
        // Three records each, and the rest at the flush.
        assert!(
            counted.calls.writes.answered <= 22 * mib as u64,
            "{write}: {counted:?}"
        );
        assert_eq!(counted.records, Some(64 * mib as u64), "{write}");
    }
}

#[test]
fn unbatched_small_writes_send_no_more_bytes() {
    for row in ["writes", "vectored"] {
        let ((ours, _), (theirs, _)) = (counted(row, "pollback"), counted(row, BASELINE));
        assert!(ours.records <= theirs.records, "{ours:?} {theirs:?}");
        assert!(ours.calls.writes.bytes <= theirs.calls.writes.bytes);
    }
}

#[test]
fn a_handshake_takes_few_calls() {
    let (ours, _) = counted("handshake", "pollback");
    let (theirs, _) = counted("handshake", BASELINE);
    assert!(calls(&ours) <= 12, "{ours:?}");
    assert!(calls(&ours) <= calls(&theirs), "{ours:?} {theirs:?}");
}

#[test]
fn small_records_can_be_used_early() {
    let link = |workload: &dyn contenders::Workload| workload.link().expect("a message");
    let sized = link(SIZED.workload);
    let ours = link(contenders::named("pollback").expect("known").workload);
    let theirs = link(contenders::named(BASELINE).expect("known").workload);
    assert_eq!((sized.first, ours.first, theirs.first), (1, 12, 12));
    // The additional records need less than a segment.
    assert!(sized.whole <= ours.whole + 1, "{sized:?} {ours:?}");
}
