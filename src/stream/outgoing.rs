//! Plaintext that was taken and is in no record yet, and how records are made of it.

use std::time::Instant;

use crate::engine::LARGEST_PLAINTEXT;
use crate::options::{Options, RecordSizing};

/// Plaintext on its way into records. Takes no memory where nothing ever waits and records are made
/// one by one, each as long as it can be.
#[derive(Default)]
pub(super) struct Outgoing(Option<Box<Rules>>);

#[derive(Default)]
struct Rules {
    waiting: Vec<u8>,
    coalescing: bool,
    sizing: Option<RecordSizing>,
    /// How much was sent since the flow began, and when last.
    flow: usize,
    latest: Option<Instant>,
    /// How much of the plaintext is still with the engine, and how much may be when another record
    /// is added.
    behind: usize,
    unsent: usize,
}

impl Outgoing {
    pub(super) fn new(options: &Options) -> Self {
        let plain = Options {
            read_ahead: options.read_ahead,
            ..Options::new()
        };
        Self((*options != plain).then(|| {
            Box::new(Rules {
                coalescing: options.coalescing,
                sizing: options.record_sizing,
                unsent: options.unsent,
                ..Rules::default()
            })
        }))
    }

    /// The most plaintext that the next record may hold.
    #[inline]
    pub(super) fn limit(&mut self) -> usize {
        let Some(Rules {
            sizing: Some(sizing),
            flow,
            latest,
            ..
        }) = self.0.as_deref_mut()
        else {
            return LARGEST_PLAINTEXT;
        };
        if latest.is_some_and(|latest| latest.elapsed() >= sizing.idle) {
            *flow = 0;
        }
        sizing.size_after(*flow)
    }

    /// Whether a record of `length` bytes may be added to what the engine has not transmitted.
    #[inline]
    pub(super) fn has_room(&self, length: usize) -> bool {
        match &self.0 {
            Some(rules) => rules.behind + length <= rules.unsent,
            None => false,
        }
    }

    /// The bytes that wait.
    #[inline]
    pub(super) fn waiting(&self) -> &[u8] {
        self.0.as_ref().map_or(&[], |rules| &rules.waiting)
    }

    /// Whether what waits may go on waiting until a read parks.
    #[inline]
    pub(super) fn is_coalescing(&self) -> bool {
        self.0.as_ref().is_some_and(|rules| rules.coalescing)
    }

    /// Whether what the engine has not transmitted may go on waiting for another whole record.
    #[inline]
    pub(super) fn holds_back(&self) -> bool {
        self.is_coalescing() && self.has_room(LARGEST_PLAINTEXT)
    }

    /// Makes `data` wait.
    pub(super) fn keep(&mut self, data: &[u8]) {
        let rules = self.0.get_or_insert_default();
        rules.waiting.extend_from_slice(data);
    }

    /// Notes that a record of `count` bytes was made, and says how many of them had not waited.
    #[inline]
    pub(super) fn advance(&mut self, count: usize) -> usize {
        let Some(rules) = &mut self.0 else {
            return count;
        };
        rules.behind += count;
        if rules.sizing.is_some() {
            rules.flow = rules.flow.saturating_add(count);
            rules.latest = Some(Instant::now());
        }
        let waited = count.min(rules.waiting.len());
        rules.waiting.drain(..waited);
        count - waited
    }

    /// Notes that the engine has transmitted everything.
    #[inline]
    pub(super) fn transmitted(&mut self) {
        if let Some(rules) = &mut self.0 {
            rules.behind = 0;
        }
    }

    /// Drops what waits, and its memory.
    #[inline]
    pub(super) fn forget(&mut self) {
        if let Some(rules) = &mut self.0 {
            rules.waiting = Vec::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_memory_is_kept_for_what_does_not_wait() {
        let mut outgoing = Outgoing::default();
        outgoing.keep(&[0; 1000]);
        assert_eq!(outgoing.advance(1000), 0);
        outgoing.forget();
        assert_eq!(outgoing.0.expect("rules").waiting.capacity(), 0);
    }

    #[test]
    fn the_default_takes_no_memory() {
        let read_ahead = Options::new().with_read_ahead(1, 1);
        assert!(Outgoing::new(&read_ahead).0.is_none());
        assert!(Outgoing::new(&Options::new().with_unsent(1)).0.is_some());
    }
}
