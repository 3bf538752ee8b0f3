//! The two directions of a connection of rustls 0.24 after the handshake, each of which is an
//! engine of its own.

use std::io::{self, IoSlice, Read, Write};
use std::mem;

use rustls_next::crypto::cipher::OutboundPlain;
use rustls_next::split::{ReceiveTraffic, ReceiveTrafficState, SendTraffic};
use rustls_next::{ClientSide, ConnectionOutputs, Error, KeyingMaterialExporter};

use super::in_place::{self, Decrypt, Window, found};
use super::next::FULL_RECORD;
use super::next_early::Early;
use super::next_sides::Sided;
use super::output::OutputBuffer;
use super::{Engine, Failure, InputBuffer, Owes, ReceiveError, Received};
use crate::error::ErrorKind;

/// The receiving direction, and what is known about the connection.
#[expect(missing_debug_implementations, reason = "cannot be named outside")]
pub struct Receiver<S: Sided> {
    /// `None` once the peer has closed, or the connection has failed.
    receive: Option<ReceiveTraffic<S>>,
    has_closed: bool,
    /// Whether the other direction has something to send because of what was received.
    owes: bool,
    outputs: ConnectionOutputs,
    side: S,
    pub(super) early: Early,
}

/// The sending direction, and the ciphertext that is not transmitted yet.
#[expect(missing_debug_implementations, reason = "cannot be named outside")]
pub struct Sender {
    /// `None` during the handshake, and once close_notify is queued.
    pub(super) send: Option<SendTraffic>,
    pub(super) output: OutputBuffer,
    /// How much ciphertext may be queued.
    limit: usize,
}

/// As with rustls 0.23.
const QUEUE_LIMIT: usize = 64 * 1024;

impl Default for Sender {
    fn default() -> Self {
        Self {
            send: None,
            output: OutputBuffer::default(),
            limit: QUEUE_LIMIT,
        }
    }
}

impl<S: Sided> Receiver<S> {
    pub(super) fn new(receive: ReceiveTraffic<S>, outputs: ConnectionOutputs, side: S) -> Self {
        Self {
            receive: Some(receive),
            has_closed: false,
            owes: false,
            outputs,
            side,
            early: Early::default(),
        }
    }

    /// The receiving direction of a connection that has failed.
    pub(super) fn gone() -> Self {
        Self {
            receive: None,
            has_closed: false,
            owes: false,
            outputs: ConnectionOutputs::default(),
            side: S::default(),
            early: Early::default(),
        }
    }

    pub(crate) fn outputs(&self) -> &ConnectionOutputs {
        &self.outputs
    }

    pub(crate) fn exporter(&mut self) -> Result<KeyingMaterialExporter, Error> {
        self.outputs.exporter()
    }

    pub(crate) fn early_exporter(&mut self) -> Result<KeyingMaterialExporter, Error> {
        match self.early.take_exporter() {
            Some(exporter) => Ok(exporter),
            None => self.outputs.early_exporter(),
        }
    }

    pub(crate) fn side(&self) -> &S {
        &self.side
    }
}

impl Receiver<ClientSide> {
    pub(super) fn tls13_tickets_received(&self) -> u32 {
        let receive = self.receive.as_ref();
        receive.map_or(0, ReceiveTraffic::tls13_tickets_received)
    }
}

impl<S: Sided> Decrypt for Receiver<S> {
    #[inline]
    fn decrypt(&mut self, input: &mut InputBuffer) -> Result<(), Failure> {
        let Some(receive) = self.receive.take() else {
            return Ok(());
        };
        let mut window = Window(input);
        let mut state = match receive.read(&mut window) {
            Ok(ReceiveTrafficState::Available(mut data)) => {
                let plaintext = found(data.data());
                let next = data.into_next();
                input.add_plaintext(plaintext);
                next
            }
            // The other variants do not borrow from the buffer.
            Ok(ReceiveTrafficState::ReadMore(receive)) => ReceiveTrafficState::ReadMore(receive),
            Ok(ReceiveTrafficState::FlushSender(flush)) => ReceiveTrafficState::FlushSender(flush),
            Ok(ReceiveTrafficState::CloseNotify) => ReceiveTrafficState::CloseNotify,
            Err(error) => {
                self.owes = true;
                return Err(Failure::from(error).with_alert(true));
            }
        };
        loop {
            state = match state {
                ReceiveTrafficState::ReadMore(receive) => {
                    self.receive = Some(receive);
                    return Ok(());
                }
                ReceiveTrafficState::FlushSender(flush) => {
                    self.owes = true;
                    flush.into_next()
                }
                ReceiveTrafficState::CloseNotify => {
                    self.has_closed = true;
                    return Ok(());
                }
                ReceiveTrafficState::Available(data) => data.into_next(),
            };
        }
    }

    #[inline]
    fn has_closed(&self) -> bool {
        self.has_closed
    }

    fn refuse_message(&mut self) -> bool {
        // The other direction could only send close_notify, and the peer notices the end without
        // it.
        false
    }
}

impl<S: Sided> Engine for Receiver<S> {
    fn is_handshaking(&self) -> bool {
        false
    }

    fn is_awaited(&self) -> bool {
        false
    }

    fn wants_write(&self) -> bool {
        false
    }

    fn is_early_data_accepted(&self) -> bool {
        self.side.is_early_data_accepted()
    }

    #[inline]
    fn accept(&mut self, input: &mut InputBuffer, _: usize) -> Result<Option<usize>, Failure> {
        in_place::accept(self, input)
    }

    #[inline]
    fn receive(
        &mut self,
        input: &mut InputBuffer,
        source: &mut dyn Read,
        wanted: usize,
    ) -> Result<Received, ReceiveError> {
        in_place::receive(self, input, source, wanted)
    }

    fn absorb(&mut self, input: &mut InputBuffer) -> Result<(), Failure> {
        in_place::absorb(self, input)
    }

    /// Everything stays in the buffer, from which it is passed to the connection again.
    fn stow(&mut self, _: &mut InputBuffer) {}

    #[inline]
    fn plaintext<'a>(&'a mut self, input: &'a mut InputBuffer) -> io::Result<&'a [u8]> {
        in_place::plaintext(self, input)
    }

    #[inline]
    fn consume(&mut self, input: &mut InputBuffer, taken: usize) {
        input.consume(taken);
    }

    fn read_early(&mut self, buf: &mut [u8]) -> Option<usize> {
        self.early.read(buf)
    }

    fn send(&mut self, _: &[IoSlice<'_>]) -> io::Result<usize> {
        Err(ErrorKind::Closed.into())
    }

    fn send_early(&mut self, _: &[u8]) -> io::Result<usize> {
        Ok(0)
    }

    fn limit_queue(&mut self, _: Option<usize>) {}

    /// The other direction holds them.
    fn queue_responses(&mut self) {}

    fn transmit(&mut self, _: &mut dyn Write) -> io::Result<usize> {
        Ok(0)
    }

    fn close(&mut self) {}
}

impl<S: Sided> Owes for Receiver<S> {
    fn take_owes(&mut self) -> bool {
        mem::take(&mut self.owes)
    }
}

impl Sender {
    /// Queues pending responses, and the alert of a failure.
    pub(super) fn respond(&mut self) {
        if let Some(send) = &mut self.send {
            // Fails where the connection queues the alert of a failure, which is the purpose of
            // this call.
            let _ = send.write(OutboundPlain::new_empty(), self.output.end());
            self.output.release();
        }
    }

    /// Encrypts plaintext with `write`, as much as there is room for; returns how much that was.
    #[inline]
    pub(super) fn send_by(
        &mut self,
        slices: &[IoSlice<'_>],
        write: impl FnOnce(OutboundPlain<'_>, &mut Vec<u8>) -> Result<(), Error>,
    ) -> io::Result<usize> {
        let room = self.limit.saturating_sub(self.output.len());
        let total: usize = slices.iter().map(|slice| slice.len()).sum();
        let length = total.min(room);
        if length == 0 {
            return Ok(0);
        }
        let chunks: Vec<&[u8]>;
        let plaintext = match slices {
            [one] => OutboundPlain::Single(&one[..length]),
            several => {
                chunks = several.iter().map(|slice| &**slice).collect();
                OutboundPlain::Multiple {
                    chunks: &chunks,
                    start: 0,
                    end: length,
                }
            }
        };
        let written = write(plaintext, self.output.end());
        self.output.release();
        written.map_err(to_io_error)?;
        Ok(length)
    }

    pub(crate) fn refresh_traffic_keys(&mut self) -> Result<(), Error> {
        let Some(send) = &mut self.send else {
            return Err(Error::EncryptError);
        };
        let refreshed = send.refresh_traffic_keys(self.output.end());
        self.output.release();
        refreshed
    }
}

impl Engine for Sender {
    const FULL_RECORD: usize = FULL_RECORD;

    fn is_handshaking(&self) -> bool {
        false
    }

    fn is_awaited(&self) -> bool {
        false
    }

    #[inline]
    fn wants_write(&self) -> bool {
        !self.output.is_empty()
    }

    fn is_early_data_accepted(&self) -> bool {
        false
    }

    fn accept(&mut self, _: &mut InputBuffer, _: usize) -> Result<Option<usize>, Failure> {
        Ok(None)
    }

    fn receive(
        &mut self,
        _: &mut InputBuffer,
        _: &mut dyn Read,
        _: usize,
    ) -> Result<Received, ReceiveError> {
        Ok(Received::End)
    }

    fn absorb(&mut self, _: &mut InputBuffer) -> Result<(), Failure> {
        Ok(())
    }

    fn stow(&mut self, _: &mut InputBuffer) {}

    fn plaintext<'a>(&'a mut self, _: &'a mut InputBuffer) -> io::Result<&'a [u8]> {
        Err(io::ErrorKind::WouldBlock.into())
    }

    fn consume(&mut self, _: &mut InputBuffer, _: usize) {}

    fn send(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let Some(mut send) = self.send.take() else {
            return Err(ErrorKind::Closed.into());
        };
        let sent = self.send_by(slices, |plaintext, output| send.write(plaintext, output));
        self.send = Some(send);
        sent
    }

    fn send_early(&mut self, _: &[u8]) -> io::Result<usize> {
        Ok(0)
    }

    fn limit_queue(&mut self, bytes: Option<usize>) {
        self.limit = bytes.unwrap_or(usize::MAX);
    }

    fn queue_responses(&mut self) {
        self.respond();
    }

    fn transmit(&mut self, sink: &mut dyn Write) -> io::Result<usize> {
        self.output.transmit(sink)
    }

    fn close(&mut self) {
        if let Some(send) = self.send.take() {
            // Fails after a fatal alert, which no close_notify follows.
            let _ = send.close(self.output.end());
            self.output.release();
        }
    }
}

pub(super) fn to_io_error(error: Error) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}
