//! Connections of rustls 0.24, both sides in one implementation: a whole one during the handshake,
//! and two directions after it.

use std::fmt;
use std::io::{self, IoSlice, Read, Write};
use std::mem;
use std::ops::Deref;

use rustls_next::crypto::cipher::OutboundPlain;
use rustls_next::enums::ProtocolVersion;
use rustls_next::split::{ReceiveTraffic, ReceiveTrafficState, SendTraffic, SplitConnection};
use rustls_next::{
    ClientSide, ConnectionOutputs, Error, MessageHandler, ServerSide, SideData, Tcp,
};

use super::in_place::{self, Decrypt, Found, Window, found};
use super::output::OutputBuffer;
use super::{Engine, Failure, InputBuffer, ReceiveError, Received};
use crate::error::ErrorKind;

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
    output: OutputBuffer,
    /// How much ciphertext may be queued.
    limit: Option<usize>,
    /// What was read for it, while it is with no stream.
    stowed: Option<Box<InputBuffer>>,
}

/// Boxed where it is large and soon gone.
enum State<S: SideData> {
    Handshake(Box<rustls_next::Connection<S, Tcp>>),
    Traffic(Traffic<S>),
}

struct Traffic<S: SideData> {
    receiver: Receiver<S>,
    /// None once close_notify is queued.
    send: Option<SendTraffic>,
}

/// The direction from the peer, and what is known of the connection.
pub(crate) struct Receiver<S: SideData> {
    /// None once the peer has closed, or the connection has failed.
    receive: Option<ReceiveTraffic<S>>,
    has_closed: bool,
    /// Whether the other direction has something to send because of what was received.
    owes: bool,
    outputs: ConnectionOutputs,
    side: S,
}

/// As with rustls 0.23.
const QUEUE_LIMIT: usize = 64 * 1024;

impl<S: SideData> Connection<S> {
    /// Takes over a connection that has queued `output`.
    pub(crate) fn new(connection: rustls_next::Connection<S, Tcp>, output: Vec<u8>) -> Self {
        let mut queued = OutputBuffer::default();
        queued.end().extend_from_slice(&output);
        queued.release();
        Self {
            state: State::Handshake(Box::new(connection)),
            output: queued,
            limit: Some(QUEUE_LIMIT),
            stowed: None,
        }
    }

    /// What this side alone knows of the connection: the server name, or what has become of early
    /// data.
    pub fn side(&self) -> &S {
        match &self.state {
            State::Handshake(connection) => connection.side(),
            State::Traffic(traffic) => &traffic.receiver.side,
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
            State::Traffic(traffic) => match &mut traffic.send {
                Some(send) => send.refresh_traffic_keys(self.output.end()),
                None => Err(Error::EncryptError),
            },
        }
    }

    /// Takes out the ciphertext that waits for the transport.
    pub fn take_ciphertext(&mut self) -> Vec<u8> {
        self.output.take()
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

    /// What was read for it before.
    pub(crate) fn take_stowed(&mut self) -> InputBuffer {
        self.stowed.take().map(|input| *input).unwrap_or_default()
    }
}

impl Connection<ClientSide> {
    /// How many tickets of TLS 1.3 the server has sent; none are counted while the handshake goes on.
    pub fn tls13_tickets_received(&self) -> u32 {
        match &self.state {
            State::Handshake(_) => 0,
            State::Traffic(traffic) => match &traffic.receiver.receive {
                Some(receive) => receive.tls13_tickets_received(),
                None => 0,
            },
        }
    }
}

impl<S: Sided> Connection<S> {
    /// Processes what was given during the handshake, and goes on to traffic at its end.
    fn decrypt_handshake(&mut self, input: &mut InputBuffer) -> Result<(), Failure> {
        let State::Handshake(connection) = &mut self.state else {
            return Ok(());
        };
        let queued = self.output.len();
        let mut window = Window(input);
        let mut handler = connection.read_tls(&mut window, self.output.end());
        let early = S::early_plaintext(&mut handler).and_then(Result::ok);
        let later = handler
            .next_payload()
            .map(|payload| payload.map(|payload| found(payload.bytes())));
        drop(handler);
        for found in early.into_iter().chain(later.clone().and_then(Result::ok)) {
            input.add_plaintext(found);
        }
        if let Some(Err(error)) = later {
            let owed = self.output.len() > queued;
            return Err(Failure::from(error).with_alert(owed));
        }
        if !connection.is_handshaking() {
            let gone = State::Traffic(Traffic {
                receiver: Receiver::gone(),
                send: None,
            });
            if let State::Handshake(connection) = mem::replace(&mut self.state, gone) {
                let parts = connection.split()?;
                self.state = State::Traffic(Traffic::new(parts));
            }
        }
        Ok(())
    }
}

impl<S: SideData> Traffic<S> {
    fn new(parts: SplitConnection<S>) -> Self {
        Self {
            receiver: Receiver {
                receive: Some(parts.receive),
                has_closed: false,
                owes: false,
                outputs: parts.outputs,
                side: parts.side_outputs,
            },
            send: Some(parts.send),
        }
    }

    /// Queues what the peer is owed: responses, and the alert of a failure.
    fn respond(&mut self, output: &mut OutputBuffer) {
        if !mem::take(&mut self.receiver.owes) {
            return;
        }
        if let Some(send) = &mut self.send {
            // Fails where the alert of a failure comes out, which is what is wanted here.
            let _ = send.write(OutboundPlain::new_empty(), output.end());
            output.release();
        }
    }
}

impl<S: Sided> Receiver<S> {
    fn gone() -> Self {
        Self {
            receive: None,
            has_closed: false,
            owes: false,
            outputs: ConnectionOutputs::default(),
            side: S::default(),
        }
    }
}

impl<S: SideData> Receiver<S> {
    /// Decrypts what was given, in its place.
    #[inline]
    fn decrypt(&mut self, input: &mut InputBuffer) -> Result<(), Error> {
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
            // Nothing that borrows the buffer.
            Ok(ReceiveTrafficState::ReadMore(receive)) => ReceiveTrafficState::ReadMore(receive),
            Ok(ReceiveTrafficState::FlushSender(flush)) => ReceiveTrafficState::FlushSender(flush),
            Ok(ReceiveTrafficState::CloseNotify) => ReceiveTrafficState::CloseNotify,
            Err(error) => {
                self.owes = true;
                return Err(error);
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
}

impl<S: Sided> Decrypt for Connection<S> {
    #[inline]
    fn decrypt(&mut self, input: &mut InputBuffer) -> Result<(), Failure> {
        let State::Traffic(traffic) = &mut self.state else {
            return self.decrypt_handshake(input);
        };
        traffic.receiver.decrypt(input).map_err(|error| {
            let queued = self.output.len();
            traffic.respond(&mut self.output);
            Failure::from(error).with_alert(self.output.len() > queued)
        })
    }

    #[inline]
    fn has_closed(&self) -> bool {
        matches!(&self.state, State::Traffic(traffic) if traffic.receiver.has_closed)
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

impl<S: Sided> Engine for Connection<S> {
    fn is_handshaking(&self) -> bool {
        matches!(self.state, State::Handshake(_))
    }

    fn is_awaited(&self) -> bool {
        // A server of TLS 1.3 that is done has had the client's last word; it owes only tickets.
        !(S::IS_SERVER && self.protocol_version() == Some(ProtocolVersion::TLSv1_3))
    }

    #[inline]
    fn wants_write(&self) -> bool {
        !self.output.is_empty()
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
        let State::Traffic(Traffic {
            send: Some(send), ..
        }) = &mut self.state
        else {
            return Err(ErrorKind::Closed.into());
        };
        encrypt(send, slices, &mut self.output, self.limit)
    }

    fn send_early(&mut self, data: &[u8]) -> io::Result<usize> {
        match &mut self.state {
            State::Handshake(connection) => {
                S::send_early(connection, data, self.output.end()).map_err(to_io_error)
            }
            State::Traffic(_) => Ok(0),
        }
    }

    fn limit_queue(&mut self, bytes: Option<usize>) {
        self.limit = bytes;
    }

    fn queue_responses(&mut self) {
        if let State::Traffic(traffic) = &mut self.state {
            traffic.respond(&mut self.output);
        }
    }

    fn transmit(&mut self, sink: &mut dyn Write) -> io::Result<usize> {
        self.output.transmit(sink)
    }

    fn close(&mut self) {
        // Fails after a fatal alert, behind which there is no close_notify.
        let _ = match &mut self.state {
            State::Handshake(connection) => connection.send_close_notify(self.output.end()),
            State::Traffic(traffic) => match traffic.send.take() {
                Some(send) => send.close(self.output.end()),
                None => Ok(()),
            },
        };
        self.output.release();
    }
}

/// Encrypts as much of `slices` as may be queued behind what is in `output`.
#[inline]
fn encrypt(
    send: &mut SendTraffic,
    slices: &[IoSlice<'_>],
    output: &mut OutputBuffer,
    limit: Option<usize>,
) -> io::Result<usize> {
    let room = limit.map_or(usize::MAX, |limit| limit.saturating_sub(output.len()));
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
    send.write(plaintext, output.end()).map_err(to_io_error)?;
    Ok(length)
}

fn to_io_error(error: Error) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

impl<S: SideData> Deref for Connection<S> {
    type Target = ConnectionOutputs;

    fn deref(&self) -> &ConnectionOutputs {
        match &self.state {
            State::Handshake(connection) => connection,
            State::Traffic(traffic) => &traffic.receiver.outputs,
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
