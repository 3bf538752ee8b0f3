//! Connections of rustls 0.24, both sides in one implementation: one object during the handshake,
//! and two directions after it.

use std::io::{self, IoSlice, Read, Write};
use std::mem;
use std::task::{Context, Poll, ready};

use rustls_next::crypto::cipher::OutboundPlain;
use rustls_next::enums::ProtocolVersion;
use rustls_next::split::SplitConnection;
use rustls_next::{NeedsInput, Tcp};

use super::directions::{Receiver, Sender, to_io_error};
use super::in_place::{self, Decrypt};
use super::next_early::Early;
use super::next_handshake::Handshake;
use super::next_sides::Sided;
use super::next_verify::{Verifier, Verifying};
use super::{Divide, Engine, Failure, InputBuffer, LARGEST_PLAINTEXT, ReceiveError, Received};

/// A TLS connection of rustls 0.24, with the buffers that rustls leaves to its caller.
///
/// Dereferences to what both sides know of the connection: its version, its ALPN protocol, the
/// identity of the peer. In a handshake with a verifier nothing of it is known before the end.
pub struct Connection<S: Sided> {
    pub(super) state: State<S>,
    pub(super) sender: Sender,
    /// Bytes that were read for it, while it is not part of a stream.
    pub(super) stowed: Option<Box<InputBuffer>>,
}

/// The handshake, or the receiving direction. Boxed while it is large and short-lived.
#[expect(
    clippy::large_enum_variant,
    reason = "a handshake is short, and an idle stream saves one allocation"
)]
pub(super) enum State<S: Sided> {
    Handshake(Box<Handshake<S>>),
    /// The same, where the caller verifies the peer.
    Verifying(Box<Verifying<S>>),
    Traffic(Receiver<S>),
}

impl<S: Sided> Connection<S> {
    /// Takes over a connection that has queued `output`.
    pub(crate) fn new(connection: rustls_next::Connection<S, Tcp>, output: &[u8]) -> Self {
        let handshake = Handshake::new(connection);
        Self::with(State::Handshake(Box::new(handshake)), output)
    }

    /// Takes over a handshake that has queued `output`, to verify the peer with `verifier`.
    pub(crate) fn verifying(
        handshake: NeedsInput<S>,
        config: S::Config,
        verifier: Verifier<S>,
        output: &[u8],
    ) -> Self {
        let verifying = Verifying::new(handshake, config, verifier);
        Self::with(State::Verifying(Box::new(verifying)), output)
    }

    fn with(state: State<S>, output: &[u8]) -> Self {
        let mut sender = Sender::default();
        sender.output.end().extend_from_slice(output);
        sender.output.release();
        Self {
            state,
            sender,
            stowed: None,
        }
    }

    /// Whether a client may send early data.
    pub(crate) fn has_early_data(&mut self) -> bool {
        match &mut self.state {
            State::Handshake(handshake) => S::early_data(&mut handshake.connection).is_some(),
            State::Verifying(verifying) => verifying.early_data().is_some(),
            State::Traffic(_) => false,
        }
    }

    pub(super) fn early(&mut self) -> Option<&mut Early> {
        match &mut self.state {
            State::Handshake(handshake) => Some(&mut handshake.early),
            State::Verifying(_) => None,
            State::Traffic(receiver) => Some(&mut receiver.early),
        }
    }

    /// Processes input during the handshake, and changes to the traffic state at its end.
    fn decrypt_handshake(&mut self, input: &mut InputBuffer) -> Result<(), Failure> {
        let output = &mut self.sender.output;
        let is_over = match &mut self.state {
            State::Handshake(handshake) => handshake.process(input, output)?,
            State::Verifying(verifying) => {
                let completed = verifying.process(input, output)?;
                self.go_on(completed);
                return Ok(());
            }
            State::Traffic(_) => return Ok(()),
        };
        if is_over {
            let gone = State::Traffic(Receiver::gone());
            if let State::Handshake(handshake) = mem::replace(&mut self.state, gone) {
                self.go_on(Some(handshake.connection.split()?));
                if let State::Traffic(receiver) = &mut self.state {
                    receiver.early = handshake.early;
                }
            }
        }
        Ok(())
    }

    /// Changes to the traffic state, if the handshake is over.
    fn go_on(&mut self, completed: Option<SplitConnection<S>>) {
        if let Some(parts) = completed {
            self.sender.send = Some(parts.send);
            let receiver = Receiver::new(parts.receive, parts.outputs, parts.side_outputs);
            self.state = State::Traffic(receiver);
        }
    }
}

impl<S: Sided> Decrypt for Connection<S> {
    #[inline]
    fn decrypt(&mut self, input: &mut InputBuffer) -> Result<(), Failure> {
        let State::Traffic(receiver) = &mut self.state else {
            return self.decrypt_handshake(input);
        };
        receiver.decrypt(input).map_err(|failure| {
            let queued = self.sender.output.len();
            self.sender.respond();
            failure.with_alert(self.sender.output.len() > queued)
        })
    }

    #[inline]
    fn has_closed(&self) -> bool {
        matches!(&self.state, State::Traffic(receiver) if receiver.has_closed())
    }

    fn refuse_message(&mut self) -> bool {
        // As with rustls 0.23: an unencrypted alert is accepted until something encrypted was sent.
        let in_the_clear = self.is_handshaking()
            && (!S::IS_SERVER || self.protocol_version() != Some(ProtocolVersion::TLSv1_3));
        if !in_the_clear {
            self.close();
        }
        in_the_clear
    }
}

/// rustls 0.24.0-dev.2 counts the overhead of encryption towards the limit on the plaintext of a
/// record; 40 bytes are enough for it.
pub(super) const FULL_RECORD: usize = LARGEST_PLAINTEXT - 40;

impl<S: Sided> Engine for Connection<S> {
    const FULL_RECORD: usize = FULL_RECORD;

    #[inline]
    fn is_handshaking(&self) -> bool {
        self.is_handshaking()
    }

    fn is_awaited(&self) -> bool {
        // A TLS 1.3 server whose handshake is complete has received the client's last message; it
        // has only tickets to send.
        !(S::IS_SERVER && self.protocol_version() == Some(ProtocolVersion::TLSv1_3))
    }

    #[inline]
    fn wants_write(&self) -> bool {
        self.sender.wants_write()
    }

    fn is_early_data_accepted(&self) -> bool {
        self.side().is_early_data_accepted()
    }

    fn poll_verified(
        &mut self,
        input: &mut InputBuffer,
        cx: &mut Context<'_>,
    ) -> Poll<Result<bool, Failure>> {
        let State::Verifying(verifying) = &mut self.state else {
            return Poll::Ready(Ok(false));
        };
        let stopped = verifying.is_stopped();
        let completed = ready!(verifying.poll_verified(input, &mut self.sender.output, cx))?;
        self.go_on(completed);
        Poll::Ready(Ok(stopped))
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

    fn take_begun(&mut self, input: &mut InputBuffer) {
        self.stowed = Some(Box::new(input.split_off_begun()));
    }

    fn take_stowed(&mut self) -> Option<InputBuffer> {
        self.stowed.take().map(|input| *input)
    }

    fn stow(&mut self, input: &mut InputBuffer) {
        self.stowed = Some(Box::new(mem::take(input)));
    }

    #[inline]
    fn plaintext<'a>(&'a mut self, input: &'a mut InputBuffer) -> io::Result<&'a [u8]> {
        in_place::plaintext(self, input)
    }

    #[inline]
    fn consume(&mut self, input: &mut InputBuffer, taken: usize) {
        input.consume(taken);
    }

    fn read_early(&mut self, buf: &mut [u8]) -> Option<usize> {
        self.early()?.read(buf)
    }

    fn send(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        match &mut self.state {
            // A server responds to early data before the client's Finished.
            State::Handshake(handshake) => self.sender.send_by(slices, |plaintext, output| {
                handshake.connection.write(plaintext, output)
            }),
            _ => self.sender.send(slices),
        }
    }

    fn send_early(&mut self, data: &[u8]) -> io::Result<usize> {
        let early = match &mut self.state {
            State::Handshake(handshake) => S::early_data(&mut handshake.connection),
            State::Verifying(verifying) => verifying.early_data(),
            State::Traffic(_) => None,
        };
        let Some(mut early) = early else {
            return Ok(0);
        };
        let sent = early.write(OutboundPlain::Single(data), self.sender.output.end());
        self.sender.output.release();
        sent.map_err(to_io_error)
    }

    fn limit_queue(&mut self, bytes: Option<usize>) {
        self.sender.limit_queue(bytes);
    }

    fn queue_responses(&mut self) {
        self.sender.queue_responses();
    }

    fn transmit(&mut self, sink: &mut dyn Write) -> io::Result<usize> {
        self.sender.transmit(sink)
    }

    fn close(&mut self) {
        if let State::Handshake(handshake) = &mut self.state {
            // Fails after a fatal alert, which no close_notify follows.
            let _ = handshake
                .connection
                .send_close_notify(self.sender.output.end());
            self.sender.output.release();
        }
        self.sender.close();
    }
}

impl<S: Sided> Divide for Connection<S> {
    type Receiver = Receiver<S>;
    type Sender = Sender;

    fn divide(self) -> Result<(Receiver<S>, Sender), Self> {
        match self.state {
            State::Traffic(receiver) => Ok((receiver, self.sender)),
            handshake => Err(Self {
                state: handshake,
                ..self
            }),
        }
    }

    fn unite(receiver: Receiver<S>, sender: Sender) -> Self {
        Self {
            state: State::Traffic(receiver),
            sender,
            stowed: None,
        }
    }
}
