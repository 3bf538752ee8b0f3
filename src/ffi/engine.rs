//! A connection of rustls-ffi as an engine.

use std::io::{self, IoSlice, Read, Write};

use rustls::{ProtocolVersion, Side};
use rustls_ffi::connection::rustls_connection;
use rustls_ffi::rustls_result;

use super::failure::error_of;
use super::lend::{lend_read, lend_write};
use super::{FfiConnection, read, write_vectored};
use crate::engine::{
    Engine, Failure, Feed, InputBuffer, LARGEST_PLAINTEXT, Processed, ReceiveError, Received, feed,
};
use crate::error::ErrorKind;

/// How much plaintext is read from the connection at once: one byte more than a record has, so that
/// one call shows whether there is more.
const ROOM: usize = LARGEST_PLAINTEXT + 1;

impl FfiConnection {
    /// Reads all plaintext from the connection, which accepts no more ciphertext while it holds
    /// more than one record of it. Returns whether the end of the stream follows.
    fn refill(&mut self) -> io::Result<bool> {
        if self.plaintext.is_empty() {
            self.plaintext = 0..0;
        }
        loop {
            let end = self.plaintext.end;
            if self.room.len() < end + ROOM {
                self.room.resize(end + ROOM, 0);
            }
            let mut count = 0;
            let result = rustls_connection::rustls_connection_read(
                self.connection.as_mut_ptr(),
                self.room[end..].as_mut_ptr(),
                ROOM,
                &mut count,
            );
            self.plaintext.end += count;
            match result {
                rustls_result::Ok if count < ROOM => return Ok(count == 0),
                rustls_result::Ok => {}
                rustls_result::PlaintextEmpty if end > 0 => return Ok(false),
                rustls_result::PlaintextEmpty => return Err(io::ErrorKind::WouldBlock.into()),
                rustls_result::UnexpectedEof => return Err(ErrorKind::Truncated.into()),
                result => return Err(error_of(result).into()),
            }
        }
    }

    fn version(&self) -> u16 {
        rustls_connection::rustls_connection_get_protocol_version(self.as_ptr())
    }

    /// Whether the two sides have agreed on a version.
    pub(super) fn has_version(&self) -> bool {
        self.version() != 0
    }

    fn is_tls13(&self) -> bool {
        self.version() == u16::from(ProtocolVersion::TLSv1_3)
    }

    fn write(&mut self, plaintext: &[u8]) -> io::Result<usize> {
        let mut count = 0;
        let result = rustls_connection::rustls_connection_write(
            self.as_mut_ptr(),
            plaintext.as_ptr(),
            plaintext.len(),
            &mut count,
        );
        match result {
            rustls_result::Ok => Ok(count),
            result => Err(error_of(result).into()),
        }
    }
}

impl Feed for FfiConnection {
    fn read_tls(&mut self, source: &mut dyn Read) -> io::Result<usize> {
        let connection = self.as_mut_ptr();
        lend_read(source, |userdata, out_n| {
            rustls_connection::rustls_connection_read_tls(connection, Some(read), userdata, out_n)
        })
    }

    fn process(&mut self) -> Result<Processed, Failure> {
        let was_empty = !self.wants_write();
        let result = rustls_connection::rustls_connection_process_new_packets(self.as_mut_ptr());
        if result != rustls_result::Ok {
            let owed = was_empty && self.wants_write();
            // rustls has no alert for a message whose stated length is above its limit.
            if result == rustls_result::MessageHandshakePayloadTooLarge && !owed {
                return Err(Failure::too_large(self.refuse_message()));
            }
            return Err(Failure::own(error_of(result)).with_alert(owed));
        }
        let before = self.plaintext.len();
        let has_ended = self.refill().unwrap_or(false);
        let is_closed = has_ended && self.plaintext.len() == before;
        Ok(Processed {
            // Plaintext that was already read from the connection does not count.
            plaintext: 0,
            is_closed,
        })
    }

    fn may_skip_records(&self) -> bool {
        self.side == Side::Server && self.is_handshaking() && self.is_tls13()
    }

    fn refuse_message(&mut self) -> bool {
        let in_the_clear = self.is_handshaking() && (self.side == Side::Client || !self.is_tls13());
        if !in_the_clear {
            self.close();
        }
        in_the_clear
    }
}

impl Engine for FfiConnection {
    fn is_handshaking(&self) -> bool {
        rustls_connection::rustls_connection_is_handshaking(self.as_ptr())
    }

    fn is_awaited(&self) -> bool {
        // A TLS 1.3 server whose handshake is complete has received the client's last message; it
        // has only tickets to send.
        !(self.side == Side::Server && self.is_tls13())
    }

    fn wants_write(&self) -> bool {
        rustls_connection::rustls_connection_wants_write(self.as_ptr())
    }

    fn is_early_data_accepted(&self) -> bool {
        false
    }

    fn receive(
        &mut self,
        input: &mut InputBuffer,
        source: &mut dyn Read,
        wanted: usize,
    ) -> Result<Received, ReceiveError> {
        let received = feed::receive(self, input, source, wanted);
        if received.is_err() {
            // An idle connection should hold no memory.
            self.room = Vec::new();
            self.plaintext = 0..0;
        }
        received
    }

    fn accept(&mut self, input: &mut InputBuffer, wanted: usize) -> Result<Option<usize>, Failure> {
        feed::accept(self, input, wanted)
    }

    fn absorb(&mut self, input: &mut InputBuffer) -> Result<(), Failure> {
        feed::absorb(self, input)
    }

    fn stow(&mut self, input: &mut InputBuffer) {
        feed::stow(self, input);
    }

    fn plaintext<'a>(&'a mut self, _: &'a mut InputBuffer) -> io::Result<&'a [u8]> {
        if self.plaintext.is_empty() {
            self.refill()?;
        }
        Ok(&self.room[self.plaintext.clone()])
    }

    fn consume(&mut self, _: &mut InputBuffer, taken: usize) {
        assert!(
            taken <= self.plaintext.len(),
            "more was consumed than there is"
        );
        self.plaintext.start += taken;
    }

    fn send(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        match slices {
            [slice] => self.write(slice),
            // Written one by one, each slice would become a record.
            slices => {
                let gathered: Vec<&[u8]> = slices.iter().map(|slice| &**slice).collect();
                self.write(&gathered.concat())
            }
        }
    }

    fn send_early(&mut self, _: &[u8]) -> io::Result<usize> {
        Ok(0)
    }

    fn limit_queue(&mut self, bytes: Option<usize>) {
        let limit = bytes.unwrap_or(usize::MAX);
        rustls_connection::rustls_connection_set_buffer_limit(self.as_mut_ptr(), limit);
    }

    fn queue_responses(&mut self) {
        // rustls delays the response to a key update until the next write, of any length.
        let _ = self.write(&[]);
    }

    fn transmit(&mut self, sink: &mut dyn Write) -> io::Result<usize> {
        let connection = self.as_mut_ptr();
        lend_write(sink, |userdata, out_n| {
            rustls_connection::rustls_connection_write_tls_vectored(
                connection,
                Some(write_vectored),
                userdata,
                out_n,
            )
        })
    }

    fn close(&mut self) {
        rustls_connection::rustls_connection_send_close_notify(self.as_mut_ptr());
    }
}
