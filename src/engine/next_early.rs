//! Early data that a server of rustls 0.24 has accepted.

use std::collections::VecDeque;
use std::io::Read;

use rustls_next::KeyingMaterialExporter;

/// Early data, if any was accepted.
///
/// It is kept apart from later data, so that reads can tell the two from each other. rustls bounds
/// how much there can be.
#[derive(Default)]
pub(super) struct Early(Option<Box<Accepted>>);

struct Accepted {
    bytes: VecDeque<u8>,
    exporter: Option<KeyingMaterialExporter>,
}

impl Early {
    /// Records that early data is accepted.
    pub(super) fn accept(&mut self, exporter: KeyingMaterialExporter) {
        self.0 = Some(Box::new(Accepted {
            bytes: VecDeque::new(),
            exporter: Some(exporter),
        }));
    }

    pub(super) fn push(&mut self, bytes: Vec<u8>) {
        if let Some(early) = &mut self.0 {
            early.bytes.extend(bytes);
        }
    }

    /// [`Engine::read_early`](super::Engine::read_early).
    pub(super) fn read(&mut self, buf: &mut [u8]) -> Option<usize> {
        // Reading from memory does not fail.
        self.0.as_mut()?.bytes.read(buf).ok()
    }

    /// Removes and returns all of it.
    pub(super) fn take(&mut self) -> Vec<u8> {
        let bytes = self
            .0
            .as_mut()
            .map(|early| std::mem::take(&mut early.bytes));
        bytes.unwrap_or_default().into()
    }

    pub(super) fn take_exporter(&mut self) -> Option<KeyingMaterialExporter> {
        self.0.as_mut()?.exporter.take()
    }
}
