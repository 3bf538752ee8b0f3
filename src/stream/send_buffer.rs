//! Pending plaintext that is not in a record yet, and the rules for making and transmitting
//! records.

use std::time::Instant;

use super::sink::Shown;
use crate::engine::{LARGEST_OVERHEAD, LARGEST_PLAINTEXT};
use crate::options::{Options, RecordSizing};

/// The most plaintext that is sent in one attempt. On a socket without TCP_NODELAY, the second of
/// two attempts would wait for the delayed acknowledgement of the first.
pub(super) const ONE_ATTEMPT: usize = 64 * 1024;

/// The send buffer of a stream. Allocates nothing if each write is sent at once in full records.
#[derive(Default)]
pub(super) struct SendBuffer(Option<Box<Rules>>);

struct Rules {
    /// Plaintext that is not in a record yet, from `start` on.
    pending: Vec<u8>,
    start: usize,
    batched: bool,
    limit: usize,
    /// The most plaintext that a record holds.
    record: usize,
    sizing: Option<RecordSizing>,
    /// The number of bytes sent since the flow began, and the time of the last write.
    flow: usize,
    latest: Option<Instant>,
    /// The amount of plaintext in records that are not transmitted yet.
    queued: usize,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            pending: Vec::new(),
            start: 0,
            batched: false,
            limit: ONE_ATTEMPT,
            record: LARGEST_PLAINTEXT,
            sizing: None,
            flow: 0,
            latest: None,
            queued: 0,
        }
    }
}

/// The maximum number of queued records that a connection passes to one write, as in rustls 0.23.
const MOST_SHOWN: usize = 64;

/// What a write does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Step {
    /// The amount of plaintext that it may buffer.
    pub(super) room: usize,
    /// Whether some of it must then be transmitted.
    pub(super) is_due: bool,
}

/// The part of a batch of `length` bytes that goes into one attempt. A larger batch is divided
/// between two records, below the 64 KiB that a kernel sends as one segment.
fn attempt(length: usize, limit: usize, record: usize) -> usize {
    match length <= limit {
        true => length,
        false => ((limit - 1) / LARGEST_PLAINTEXT * record).max(record),
    }
}

impl SendBuffer {
    pub(super) fn new(options: &Options, record: usize) -> Self {
        let is_plain = !options.is_batched() && options.record_sizing().is_none();
        Self((!is_plain).then(|| {
            Box::new(Rules {
                batched: options.is_batched(),
                sizing: options.record_sizing(),
                limit: options.send_buffer_limit(),
                record,
                ..Rules::default()
            })
        }))
    }

    /// What a write that still has `left` bytes may do.
    #[inline]
    pub(super) fn step(&self, left: usize) -> Step {
        match &self.0 {
            Some(rules) if rules.batched => {
                let held = rules.queued + rules.pending.len() - rules.start;
                let is_due = held + left > rules.limit;
                Step {
                    room: attempt(held + left, rules.limit, rules.record).saturating_sub(held),
                    is_due,
                }
            }
            _ => Step {
                room: left.min(ONE_ATTEMPT),
                is_due: true,
            },
        }
    }

    /// The most ciphertext of one attempt when more than the limit is buffered.
    #[inline]
    pub(super) fn attempt_bound(&self) -> usize {
        match &self.0 {
            Some(rules) if rules.batched => {
                let plaintext = attempt(usize::MAX, rules.limit, rules.record);
                plaintext.saturating_add(plaintext / rules.record * LARGEST_OVERHEAD)
            }
            _ => usize::MAX,
        }
    }

    /// How much more may be buffered while the transport accepts nothing. Without batches the
    /// connection's own limit applies.
    pub(super) fn room(&self) -> usize {
        match &self.0 {
            Some(rules) if rules.batched => rules
                .limit
                .saturating_sub(rules.queued + rules.pending.len() - rules.start),
            _ => 0,
        }
    }

    /// How much of `available` bytes of plaintext to encrypt next; 0 to wait for more.
    #[inline]
    pub(super) fn next_records(&mut self, available: usize) -> usize {
        let Some(rules) = self.0.as_deref_mut() else {
            return available;
        };
        let record = rules.next_record();
        if available < record {
            return if rules.batched { 0 } else { available };
        }
        match (&rules.sizing, rules.batched) {
            // Each record of a growing flow has its own size.
            (Some(_), _) => record,
            (None, true) => available / record * record,
            (None, false) => available,
        }
    }

    /// Whether records have individual sizes, so that attempts must not divide them.
    #[inline]
    pub(super) fn is_sized(&self) -> bool {
        self.0.as_ref().is_some_and(|rules| rules.sizing.is_some())
    }

    /// How much of the pending plaintext to encrypt next when no more will be added.
    pub(super) fn last_records(&mut self) -> usize {
        let Some(rules) = self.0.as_deref_mut() else {
            return 0;
        };
        let pending = rules.pending.len() - rules.start;
        match rules.sizing {
            Some(_) => pending.min(rules.next_record()),
            None => pending.min(ONE_ATTEMPT),
        }
    }

    /// The plaintext that is not in a record yet.
    #[inline]
    pub(super) fn pending(&self) -> &[u8] {
        self.0
            .as_ref()
            .map_or(&[], |rules| &rules.pending[rules.start..])
    }

    /// Whether data is deliberately held back, in records or not.
    #[inline]
    pub(super) fn is_holding(&self) -> bool {
        match &self.0 {
            Some(rules) => rules.batched && rules.queued + rules.pending.len() > rules.start,
            None => false,
        }
    }

    /// Buffers `data` if it may wait for a flush and does not fill a record.
    #[inline]
    pub(super) fn keep_small(&mut self, data: &[u8]) -> bool {
        let Some(rules) = self.0.as_deref_mut() else {
            return false;
        };
        let waiting = rules.pending.len() - rules.start + data.len();
        let may_wait = rules.batched
            && rules.sizing.is_none()
            && waiting < rules.record
            && rules.queued + waiting <= rules.limit;
        if may_wait {
            rules.pending.extend_from_slice(data);
        }
        may_wait
    }

    /// Appends `data` to the pending plaintext.
    pub(super) fn keep(&mut self, data: &[u8]) {
        let rules = self.0.get_or_insert_default();
        rules.pending.extend_from_slice(data);
    }

    /// Records that `count` bytes were encrypted; returns how many of these were not pending
    /// before.
    #[inline]
    pub(super) fn encrypted(&mut self, count: usize) -> usize {
        let Some(rules) = &mut self.0 else {
            return count;
        };
        rules.queued += count;
        if rules.sizing.is_some() {
            rules.flow = rules.flow.saturating_add(count);
            rules.latest = Some(Instant::now());
        }
        let waited = count.min(rules.pending.len() - rules.start);
        rules.start += waited;
        if rules.start == rules.pending.len() {
            rules.pending.clear();
            rules.start = 0;
        }
        count - waited
    }

    /// Records that everything encrypted was transmitted.
    #[inline]
    pub(super) fn transmitted_all(&mut self) {
        if let Some(rules) = &mut self.0 {
            rules.queued = 0;
        }
    }

    /// Records that the transport has accepted this many bytes of the queued records that the
    /// connection has passed to it.
    #[inline]
    pub(super) fn transmitted(&mut self, taken: usize, shown: Shown) {
        let Some(rules) = &mut self.0 else {
            return;
        };
        if shown.records < MOST_SHOWN {
            let left = shown.bytes - taken;
            let records = left / LARGEST_PLAINTEXT;
            let rest = left % LARGEST_PLAINTEXT;
            rules.queued =
                records * LARGEST_PLAINTEXT + rest.saturating_sub(records * LARGEST_OVERHEAD);
        } else {
            // The queue may hold more records, so this counts what was transmitted, and rather too
            // little than too much.
            let records = shown.records * taken / shown.bytes.max(1) + 1;
            let gone = taken.saturating_sub(records * LARGEST_OVERHEAD);
            rules.queued = rules.queued.saturating_sub(gone);
        }
    }

    /// Drops the pending plaintext and its memory.
    #[inline]
    pub(super) fn forget(&mut self) {
        if let Some(rules) = &mut self.0 {
            rules.pending = Vec::new();
            rules.start = 0;
        }
    }
}

impl Rules {
    /// The most plaintext that the next record may hold.
    fn next_record(&mut self) -> usize {
        let Some(sizing) = self.sizing else {
            return self.record;
        };
        if self
            .latest
            .is_some_and(|latest| latest.elapsed() >= sizing.idle)
        {
            self.flow = 0;
        }
        sizing.size_after(self.flow).min(self.record)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIB: usize = 1024;

    #[test]
    fn no_memory_is_kept_without_pending_data() {
        let mut buffer = SendBuffer::default();
        buffer.keep(&[0; 1000]);
        assert_eq!(buffer.encrypted(1000), 0);
        buffer.forget();
        assert_eq!(buffer.0.expect("rules").pending.capacity(), 0);
    }

    #[test]
    fn the_default_uses_no_memory() {
        let read_ahead = Options::new().with_read_ahead(1, 1);
        assert!(SendBuffer::new(&read_ahead, LARGEST_PLAINTEXT).0.is_none());
        let batched = Options::new().with_batched_writes(true);
        assert!(SendBuffer::new(&batched, LARGEST_PLAINTEXT).0.is_some());
    }

    #[test]
    fn a_write_of_up_to_64_kib_is_one_attempt_and_more_is_divided() {
        let buffer = SendBuffer::default();
        let room = |left| buffer.step(left).room;
        assert_eq!(room(1), 1);
        assert_eq!(room(64 * KIB), 64 * KIB);
        assert_eq!(room(64 * KIB + 1), 64 * KIB);
        assert_eq!(room(1 << 30), 64 * KIB);
    }

    #[test]
    fn a_batch_is_due_when_it_would_be_too_large() {
        let mut buffer =
            SendBuffer::new(&Options::new().with_batched_writes(true), LARGEST_PLAINTEXT);
        let step = |room, is_due| Step { room, is_due };
        assert_eq!(buffer.step(64 * KIB), step(64 * KIB, false));
        assert_eq!(buffer.step(64 * KIB + 1), step(48 * KIB, true));
        buffer.keep(&[0; 10 * KIB]);
        assert_eq!(buffer.step(54 * KIB), step(54 * KIB, false));
        assert_eq!(buffer.step(55 * KIB), step(38 * KIB, true));
        assert_eq!(buffer.next_records(15 * KIB), 0);
        assert_eq!(buffer.next_records(33 * KIB), 32 * KIB);
        assert_eq!(buffer.encrypted(32 * KIB), 22 * KIB);
        assert_eq!(buffer.room(), 32 * KIB);
        assert!(buffer.is_holding());
        buffer.transmitted_all();
        assert!(!buffer.is_holding());
        assert_eq!(buffer.room(), 64 * KIB);
    }

    #[test]
    fn a_small_write_is_kept_while_its_record_and_the_batch_have_room() {
        let batched = Options::new().with_batched_writes(true);
        let mut buffer = SendBuffer::new(&batched, LARGEST_PLAINTEXT);
        assert!(!buffer.keep_small(&[0; LARGEST_PLAINTEXT]));
        assert!(buffer.keep_small(&[0; LARGEST_PLAINTEXT - 2]));
        assert!(buffer.keep_small(&[0; 1]));
        assert!(!buffer.keep_small(&[0; 1]), "it fills the record");
        assert_eq!(buffer.encrypted(LARGEST_PLAINTEXT - 1), 0);

        assert_eq!(buffer.encrypted(34 * KIB + 1), 34 * KIB + 1);
        assert!(buffer.keep_small(&[0; 14 * KIB - 1]));
        assert!(buffer.keep_small(&[0; 1]));
        assert!(!buffer.keep_small(&[0; 1]), "it exceeds the batch");
    }

    #[test]
    fn what_was_encrypted_of_a_batch_waits_no_more() {
        let batched = Options::new().with_batched_writes(true);
        let mut buffer = SendBuffer::new(&batched, LARGEST_PLAINTEXT);
        buffer.keep(&[0; 20 * KIB]);
        assert_eq!(buffer.encrypted(16 * KIB), 0);
        let step = |room, is_due| Step { room, is_due };
        assert_eq!(buffer.step(44 * KIB), step(44 * KIB, false));
        assert_eq!(buffer.step(44 * KIB + 1), step(28 * KIB, true));
        assert_eq!(buffer.room(), 44 * KIB);
        buffer.transmitted_all();
        assert!(buffer.is_holding());
        assert_eq!(buffer.room(), 60 * KIB);
        assert!(buffer.keep_small(&[0; 12 * KIB - 1]));
        assert_eq!(buffer.encrypted(16 * KIB), 1);
        assert!(buffer.pending().is_empty());
    }

    #[test]
    fn records_of_individual_size_wait_for_nothing() {
        let options = Options::new().with_record_sizing(RecordSizing::default());
        let buffer = SendBuffer::new(&options, LARGEST_PLAINTEXT);
        let step = |room| Step { room, is_due: true };
        assert_eq!(buffer.step(1), step(1));
        assert_eq!(buffer.step(64 * KIB + 1), step(64 * KIB));
        assert_eq!(buffer.attempt_bound(), usize::MAX);
        assert_eq!(buffer.room(), 0);
        assert!(!buffer.is_holding());
    }

    #[test]
    fn a_full_record_of_a_batch_need_not_wait() {
        let batched = Options::new().with_batched_writes(true);
        let mut buffer = SendBuffer::new(&batched, LARGEST_PLAINTEXT);
        assert_eq!(buffer.next_records(LARGEST_PLAINTEXT - 1), 0);
        assert_eq!(buffer.next_records(LARGEST_PLAINTEXT), LARGEST_PLAINTEXT);
        assert_eq!(SendBuffer::default().next_records(1), 1);
    }

    #[test]
    fn an_attempt_is_bounded_by_whole_records_of_a_batch() {
        let bound = |limit, record| {
            let options = Options::new().with_batched_writes(true);
            let options = options.with_send_buffer_limit(limit);
            SendBuffer::new(&options, record).attempt_bound()
        };
        assert_eq!(bound(64 * KIB, LARGEST_PLAINTEXT), 48 * KIB + 3 * 32);
        assert_eq!(bound(64 * KIB, KIB), 3 * KIB + 3 * 32);
        assert_eq!(bound(16 * KIB, LARGEST_PLAINTEXT), 16 * KIB + 32);
        assert_eq!(SendBuffer::default().attempt_bound(), usize::MAX);
    }

    #[test]
    fn what_the_transport_has_taken_makes_room() {
        let room = |queued, taken, bytes, records| {
            let batched = Options::new().with_batched_writes(true);
            let mut buffer = SendBuffer::new(&batched, LARGEST_PLAINTEXT);
            buffer.encrypted(queued);
            buffer.transmitted(taken, Shown { bytes, records });
            64 * KIB - buffer.room()
        };
        // All of the queue is shown: two full records are left, and part of one.
        let left = 2 * LARGEST_PLAINTEXT + 7232 - 2 * 32;
        assert_eq!(room(60_000, 10_000, 50_000, 4), left);
        assert_eq!(room(60_000, 10_000, 50_000, 63), left);
        // There may be more of it: ten records are gone, and part of one.
        let gone = 10_000 - 11 * 32;
        assert_eq!(room(60_000, 10_000, 64_000, 64), 60_000 - gone);
    }

    #[test]
    fn pending_data_is_taken_in_parts_without_being_moved() {
        let mut buffer = SendBuffer::default();
        buffer.keep(&[1; 100 * KIB]);
        let first = buffer.pending().as_ptr();
        assert_eq!(buffer.last_records(), ONE_ATTEMPT);
        assert_eq!(buffer.encrypted(ONE_ATTEMPT), 0);
        assert_eq!(buffer.pending().len(), 36 * KIB);
        assert_eq!(buffer.pending().as_ptr(), first.wrapping_add(ONE_ATTEMPT));
        assert_eq!(buffer.last_records(), 36 * KIB);
    }
}
