//! Plaintext that was taken and is in no record yet, and how long records get.

use std::time::Instant;

use crate::engine::LARGEST_PLAINTEXT;
use crate::options::{Options, RecordSizing};

/// Plaintext on its way into records. Takes no memory where nothing ever waits and every record
/// may be as long as it can be.
#[derive(Default)]
pub(super) struct Outgoing(Option<Box<Rules>>);

#[derive(Default)]
struct Rules {
    coalescing: bool,
    sizing: Option<RecordSizing>,
    waiting: Vec<u8>,
    /// How much was sent since the flow began, and when last.
    flow: usize,
    latest: Option<Instant>,
}

impl Outgoing {
    pub(super) fn new(options: &Options) -> Self {
        let is_special = options.coalescing || options.record_sizing.is_some();
        Self(is_special.then(|| {
            Box::new(Rules {
                coalescing: options.coalescing,
                sizing: options.record_sizing,
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
        if rules.sizing.is_some() {
            rules.flow = rules.flow.saturating_add(count);
            rules.latest = Some(Instant::now());
        }
        let waited = count.min(rules.waiting.len());
        rules.waiting.drain(..waited);
        count - waited
    }

    /// Gives the memory back, once nothing waits.
    pub(super) fn release(&mut self) {
        if let Some(rules) = &mut self.0 {
            rules.waiting = Vec::new();
        }
    }
}
