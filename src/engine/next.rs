//! Connections of rustls 0.24, both sides in one implementation: a whole one during the handshake,
//! and two directions after it.

use std::fmt;
use std::io::{self, IoSlice, Read, Write};
use std::mem;
use std::ops::Deref;

use rustls_next::crypto::cipher::OutboundPlain;
use rustls_next::enums::ProtocolVersion;
use rustls_next::{
    ClientSide, ConnectionOutputs, Error, KeyingMaterialExporter, MessageHandler, ServerSide,
    SideData, Tcp,
};

use super::directions::{Receiver, Sender, to_io_error};
use super::in_place::{self, Decrypt, Found, Window, found};
use super::{Divide, Engine, Failure, InputBuffer, LARGEST_PLAINTEXT, ReceiveError, Received};

/// What sets the two sides apart.
pub trait Sided: SideData + Default {
    const IS_SERVER: bool;

    /// Early data of a client in what the connection is about to process, where plain reads of
    /// rustls would drop it.
    fn early_plaintext(_: &mut MessageHandler<'_, '_, Self>) -> Option<Result<Found, Error>> {
        None
    }

    /// Encrypts early data; returns how much of it.
    fn send_early(
        _: &mut rustls_next::Connection<Self, Tcp>,
        _: &[u8],
        _: &mut Vec<u8>,
    ) -> Result<usize, Error> {
        Ok(0)
    }

    fn is_early_data_accepted(&self) -> bool {
        false
    }
}

impl Sided for ClientSide {
    const IS_SERVER: bool = false;

    fn send_early(
        connection: &mut rustls_next::Connection<Self, Tcp>,
        data: &[u8],
        output: &mut Vec<u8>,
    ) -> Result<usize, Error> {
        match connection.early_data() {
            Some(mut early) => early.write(OutboundPlain::Single(data), output),
            None => Ok(0),
        }
    }

    fn is_early_data_accepted(&self) -> bool {
        Self::is_early_data_accepted(self)
    }
}

impl Sided for ServerSide {
    const IS_SERVER: bool = true;

    fn early_plaintext(handler: &mut MessageHandler<'_, '_, Self>) -> Option<Result<Found, Error>> {
        let payload = handler.next_early_data()?;
        Some(payload.map(|payload| found(payload.bytes())))
    }
}

/// A TLS connection of rustls 0.24, with the buffers that rustls leaves to its caller.
///
/// Dereferences to what both sides know of the connection: its version, its ALPN protocol, the
/// identity of the peer.
pub struct Connection<S: SideData> {
    state: State<S>,
    sender: Sender,
    /// What was read for it, while it is with no stream.
    stowed: Option<Box<InputBuffer>>,
}

/// The direction from the peer. Boxed where it is large and soon gone.
#[expect(
    clippy::large_enum_variant,
    reason = "a handshake is short, and an idle stream is one allocation less"
)]
enum State<S: SideData> {
    Handshake(Box<rustls_next::Connection<S, Tcp>>),
    Traffic(Receiver<S>),
}

impl<S: SideData> Connection<S> {
    /// Takes over a connection that has queued `output`.
    pub(crate) fn new(connection: rustls_next::Connection<S, Tcp>, output: &[u8]) -> Self {
        let mut sender = Sender::default();
        sender.output.end().extend_from_slice(output);
        sender.output.release();
        Self {
            state: State::Handshake(Box::new(connection)),
            sender,
            stowed: None,
        }
    }

    /// What this side alone knows of the connection: the server name, or what has become of early
    /// data.
    pub fn side(&self) -> &S {
        match &self.state {
            State::Handshake(connection) => connection.side(),
            State::Traffic(receiver) => receiver.side(),
        }
    }

    /// Keying material for other protocols (RFC 5705); once a connection.
    ///
    /// # Errors
    ///
    /// [`Error::HandshakeNotComplete`] during the handshake; `ApiMisuse` the second time.
    pub fn exporter(&mut self) -> Result<KeyingMaterialExporter, Error> {
        match &mut self.state {
            State::Handshake(_) => Err(Error::HandshakeNotComplete),
            State::Traffic(receiver) => receiver.exporter(),
        }
    }

    /// Changes the keys of TLS 1.3, and asks the peer to change its own. The message goes out with the
    /// next write or flush of the stream.
    ///
    /// # Errors
    ///
    /// [`Error::HandshakeNotComplete`] during the handshake, and with TLS 1.2; whatever rustls says
    /// after a failure or a shutdown.
    pub fn refresh_traffic_keys(&mut self) -> Result<(), Error> {
        match &mut self.state {
            State::Handshake(_) => Err(Error::HandshakeNotComplete),
            State::Traffic(_) => self.sender.refresh_traffic_keys(),
        }
    }

    /// Whether the handshake goes on: with early data it does while a stream is already used.
    pub fn is_handshaking(&self) -> bool {
        !matches!(self.state, State::Traffic(_))
    }

    /// Takes out the ciphertext that waits for the transport.
    pub fn take_ciphertext(&mut self) -> Vec<u8> {
        self.sender.output.take()
    }

    /// Takes out the plaintext that was decrypted and not read, where the connection is with no
    /// stream.
    pub fn take_plaintext(&mut self) -> Vec<u8> {
        let Some(input) = &mut self.stowed else {
            return Vec::new();
        };
        let plaintext = input.plaintext().to_vec();
        input.consume(plaintext.len());
        plaintext
    }
}

impl Connection<ClientSide> {
    /// How many tickets of TLS 1.3 the server has sent; none are counted during the handshake, nor
    /// once the server has closed.
    pub fn tls13_tickets_received(&self) -> u32 {
        match &self.state {
            State::Handshake(_) => 0,
            State::Traffic(receiver) => receiver.tls13_tickets_received(),
        }
    }
}

impl<S: Sided> Connection<S> {
    /// Processes what was given during the handshake, and goes on to traffic at its end.
    fn decrypt_handshake(&mut self, input: &mut InputBuffer) -> Result<(), Failure> {
        let State::Handshake(connection) = &mut self.state else {
            return Ok(());
        };
        let output = &mut self.sender.output;
        let queued = output.len();
        let mut window = Window(input);
        let mut handler = connection.read_tls(&mut window, output.end());
        let early = S::early_plaintext(&mut handler).and_then(Result::ok);
        let later = handler
            .next_payload()
            .map(|payload| payload.map(|payload| found(payload.bytes())));
        drop(handler);
        output.release();
        let owed = output.len() > queued;
        let later = later
            .transpose()
            .map_err(|error| Failure::from(error).with_alert(owed))?;
        for found in early.into_iter().chain(later) {
            input.add_plaintext(found);
        }
        if !connection.is_handshaking() {
            let gone = State::Traffic(Receiver::gone());
            if let State::Handshake(connection) = mem::replace(&mut self.state, gone) {
                let parts = connection.split()?;
                self.sender.send = Some(parts.send);
                let receiver = Receiver::new(parts.receive, parts.outputs, parts.side_outputs);
                self.state = State::Traffic(receiver);
            }
        }
        Ok(())
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
        // As with rustls 0.23: an alert in the clear is taken until something encrypted was sent.
        let in_the_clear = self.is_handshaking()
            && (!S::IS_SERVER || self.protocol_version() != Some(ProtocolVersion::TLSv1_3));
        if !in_the_clear {
            self.close();
        }
        in_the_clear
    }
}

/// 0.24.0-dev.2 counts what encryption adds to the plaintext of a record, at most so many bytes.
pub(super) const FULL_RECORD: usize = LARGEST_PLAINTEXT - 40;

impl<S: Sided> Engine for Connection<S> {
    const FULL_RECORD: usize = FULL_RECORD;

    fn is_handshaking(&self) -> bool {
        matches!(self.state, State::Handshake(_))
    }

    fn is_awaited(&self) -> bool {
        // A server of TLS 1.3 that is done has had the client's last word; it owes only tickets.
        !(S::IS_SERVER && self.protocol_version() == Some(ProtocolVersion::TLSv1_3))
    }

    #[inline]
    fn wants_write(&self) -> bool {
        self.sender.wants_write()
    }

    fn is_early_data_accepted(&self) -> bool {
        self.side().is_early_data_accepted()
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

    fn send(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        self.sender.send(slices)
    }

    fn send_early(&mut self, data: &[u8]) -> io::Result<usize> {
        match &mut self.state {
            State::Handshake(connection) => {
                let output = self.sender.output.end();
                S::send_early(connection, data, output).map_err(to_io_error)
            }
            State::Traffic(_) => Ok(0),
        }
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
        if let State::Handshake(connection) = &mut self.state {
            // Fails after a fatal alert, behind which there is no close_notify.
            let _ = connection.send_close_notify(self.sender.output.end());
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

impl<S: SideData> Deref for Connection<S> {
    type Target = ConnectionOutputs;

    fn deref(&self) -> &ConnectionOutputs {
        match &self.state {
            State::Handshake(connection) => connection,
            State::Traffic(receiver) => receiver.outputs(),
        }
    }
}

impl<S: SideData> fmt::Debug for Connection<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("is_handshaking", &matches!(self.state, State::Handshake(_)))
            .field("outputs", &**self)
            .field("side", self.side())
            .finish_non_exhaustive()
    }
}
