//! Connections of rustls 0.23, both sides in one implementation.

use std::io::{self, BufRead, IoSlice, Read, Write};
use std::ops::DerefMut;

use rustls::{
    ClientConnection, ConnectionCommon, Error, InvalidMessage, ProtocolVersion, ServerConnection,
    Side, SideData,
};

use super::feed::{self, Feed, Processed, Received};
use super::framing::HEADER;
use super::placement::avoid_slow_copy;
use super::{Engine, Failure, InputBuffer, LARGEST_PLAINTEXT, ReceiveError};
use crate::error::ErrorKind;

/// The differences between the two sides.
pub trait Sided: DerefMut<Target = ConnectionCommon<Self::Data>> {
    type Data: SideData;
    const SIDE: Side;

    fn send_early(&mut self, _: &[u8]) -> io::Result<usize> {
        Ok(0)
    }

    fn is_early_data_accepted(&self) -> bool {
        false
    }

    fn read_early(&mut self, _: &mut [u8]) -> Option<usize> {
        None
    }
}

impl Sided for ClientConnection {
    type Data = rustls::client::ClientConnectionData;
    const SIDE: Side = Side::Client;

    fn send_early(&mut self, data: &[u8]) -> io::Result<usize> {
        match self.early_data() {
            Some(mut early) => early.write(data),
            None => Ok(0),
        }
    }

    fn is_early_data_accepted(&self) -> bool {
        Self::is_early_data_accepted(self)
    }
}

impl Sided for ServerConnection {
    type Data = rustls::server::ServerConnectionData;
    const SIDE: Side = Side::Server;

    fn read_early(&mut self, buf: &mut [u8]) -> Option<usize> {
        // Reading from memory does not fail.
        self.early_data()?.read(buf).ok()
    }
}

impl<C: Sided> Feed for C {
    #[inline]
    fn read_tls(&mut self, source: &mut dyn Read) -> io::Result<usize> {
        (**self).read_tls(source)
    }

    #[inline]
    fn process(&mut self) -> Result<Processed, Failure> {
        let was_empty = !self.wants_write();
        match self.process_new_packets() {
            Ok(state) => Ok(Processed {
                plaintext: state.plaintext_bytes_to_read(),
                is_closed: state.peer_has_closed(),
            }),
            Err(error) => {
                let owed = was_empty && self.wants_write();
                match error {
                    // rustls has no alert for a message whose stated length is above its limit.
                    Error::InvalidMessage(InvalidMessage::HandshakePayloadTooLarge) if !owed => {
                        Err(Failure::too_large(self.refuse_message()))
                    }
                    error => Err(Failure::from(error).with_alert(owed)),
                }
            }
        }
    }

    #[inline]
    fn may_skip_records(&self) -> bool {
        C::SIDE == Side::Server
            && self.is_handshaking()
            && self.protocol_version() == Some(ProtocolVersion::TLSv1_3)
    }

    fn refuse_message(&mut self) -> bool {
        // Until the client has sent something encrypted, a server accepts an unencrypted alert (RFC
        // 8446, section 6), and the first encrypted message of a client's handshake is its last
        // flight.
        let in_the_clear = self.is_handshaking()
            && (C::SIDE == Side::Client
                || self.protocol_version() != Some(ProtocolVersion::TLSv1_3));
        if !in_the_clear {
            // The only alert that a caller can make rustls send.
            self.send_close_notify();
        }
        in_the_clear
    }
}

impl<C: Sided> Engine for C {
    fn is_handshaking(&self) -> bool {
        (**self).is_handshaking()
    }

    fn is_awaited(&self) -> bool {
        // A TLS 1.3 server whose handshake is complete has received the client's last message; it
        // has only tickets to send.
        !(C::SIDE == Side::Server && self.protocol_version() == Some(ProtocolVersion::TLSv1_3))
    }

    fn wants_write(&self) -> bool {
        (**self).wants_write()
    }

    fn is_early_data_accepted(&self) -> bool {
        Sided::is_early_data_accepted(self)
    }

    #[inline]
    fn receive(
        &mut self,
        input: &mut InputBuffer,
        source: &mut dyn Read,
        wanted: usize,
    ) -> Result<Received, ReceiveError> {
        feed::receive(self, input, source, wanted)
    }

    #[inline]
    fn accept(&mut self, input: &mut InputBuffer, wanted: usize) -> Result<Option<usize>, Failure> {
        feed::accept(self, input, wanted)
    }

    fn absorb(&mut self, input: &mut InputBuffer) -> Result<(), Failure> {
        feed::absorb(self, input)
    }

    fn stow(&mut self, input: &mut InputBuffer) {
        feed::stow(self, input);
    }

    #[inline]
    fn plaintext<'a>(&'a mut self, _: &'a mut InputBuffer) -> io::Result<&'a [u8]> {
        match self.reader().into_first_chunk() {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                Err(ErrorKind::Truncated.into())
            }
            answer => answer,
        }
    }

    #[inline]
    fn consume(&mut self, _: &mut InputBuffer, taken: usize) {
        self.reader().consume(taken);
    }

    fn read_early(&mut self, buf: &mut [u8]) -> Option<usize> {
        Sided::read_early(self, buf)
    }

    fn send(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        match slices {
            // For several slices rustls allocates a list.
            [one] => {
                let plaintext = one.len().min(LARGEST_PLAINTEXT);
                let record = plaintext + feed::RECORD_OVERHEAD + feed::CONTENT_TYPE;
                let _avoided = avoid_slow_copy(one.as_ptr() as usize, HEADER, record);
                self.writer().write(one)
            }
            several => self.writer().write_vectored(several),
        }
    }

    fn send_early(&mut self, data: &[u8]) -> io::Result<usize> {
        Sided::send_early(self, data)
    }

    fn limit_queue(&mut self, bytes: Option<usize>) {
        self.set_buffer_limit(bytes);
    }

    fn queue_responses(&mut self) {
        // rustls delays the response to a key update until the next write, of any length.
        let _ = self.writer().write(&[]);
    }

    fn transmit(&mut self, sink: &mut dyn Write) -> io::Result<usize> {
        self.write_tls(sink)
    }

    fn close(&mut self) {
        self.send_close_notify();
    }
}
