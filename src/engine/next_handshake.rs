//! A handshake of rustls 0.24 without a pause for verification.

use rustls_next::{Connection, Tcp};

use super::in_place::{Window, found};
use super::next_early::Early;
use super::next_sides::Sided;
use super::output::OutputBuffer;
use super::{Failure, InputBuffer};

/// A handshake in progress.
pub(super) struct Handshake<S: Sided> {
    pub(super) connection: Connection<S, Tcp>,
    pub(super) early: Early,
}

impl<S: Sided> Handshake<S> {
    pub(super) fn new(connection: Connection<S, Tcp>) -> Self {
        let early = Early::default();
        Self { connection, early }
    }

    /// Processes the visible part of `input`; returns whether the handshake is over.
    pub(super) fn process(
        &mut self,
        input: &mut InputBuffer,
        output: &mut OutputBuffer,
    ) -> Result<bool, Failure> {
        let queued = output.len();
        let mut window = Window(input);
        let mut handler = self.connection.read_tls(&mut window, output.end());
        let received = S::received_early(&mut handler);
        let later = handler
            .next_payload()
            .map(|payload| payload.map(|payload| found(payload.bytes())));
        drop(handler);
        output.release();
        let owed = output.len() > queued;
        if let Some(exporter) = S::accepted_early(&mut self.connection) {
            self.early.accept(exporter);
        }
        self.early.push(received.unwrap_or_default());
        let later = later
            .transpose()
            .map_err(|error| Failure::from(error).with_alert(owed))?;
        if let Some(later) = later {
            input.add_plaintext(later);
        }
        Ok(!self.connection.is_handshaking())
    }
}
