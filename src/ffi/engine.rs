//! A connection of rustls-ffi as an engine.

use std::io::{self, IoSlice, Read, Write};

use rustls::{ProtocolVersion, Side};
use rustls_ffi::connection::rustls_connection;
use rustls_ffi::rustls_result;

use super::failure::error_of;
use super::lend::{lend_read, lend_write};
use super::{FfiConnection, read, write_vectored};
use crate::engine::{Engine, Failure, Inbox, Nothing};
use crate::error::ErrorKind;

/// How much plaintext is taken out of the connection at once: that of a record.
const RECORD: usize = 16 * 1024;

impl FfiConnection {
    fn read_tls(&mut self, source: &mut dyn Read) -> io::Result<usize> {
        let connection = self.as_mut_ptr();
        lend_read(source, |userdata, out_n| {
            rustls_connection::rustls_connection_read_tls(connection, Some(read), userdata, out_n)
        })
    }

    fn process_new_packets(&mut self) -> Result<(), Failure> {
        let result = rustls_connection::rustls_connection_process_new_packets(self.as_mut_ptr());
        if result != rustls_result::Ok {
            self.refused = Some(result);
        }
        self.check_refused()
    }

    /// Processes what came with the ClientHello. If it is refused, driving the connection tells.
    pub(super) fn process_arrived(&mut self) {
        let _ = self.process_new_packets();
    }

    fn check_refused(&self) -> Result<(), Failure> {
        match self.refused {
            Some(result) => Err(Failure::new(error_of(result))),
            None => Ok(()),
        }
    }

    /// Whether more ciphertext could only pile up.
    fn is_full(&mut self) -> bool {
        !matches!(self.plaintext(), Err(error) if error.kind() == io::ErrorKind::WouldBlock)
    }

    /// Takes plaintext out of the connection, into a room that is empty.
    fn refill(&mut self) -> io::Result<()> {
        self.room.resize(RECORD, 0);
        let mut count = 0;
        let result = rustls_connection::rustls_connection_read(
            self.connection.as_mut_ptr(),
            self.room.as_mut_ptr(),
            self.room.len(),
            &mut count,
        );
        self.plaintext = 0..count;
        match result {
            rustls_result::Ok => Ok(()),
            rustls_result::PlaintextEmpty => Err(io::ErrorKind::WouldBlock.into()),
            rustls_result::UnexpectedEof => Err(ErrorKind::Truncated.into()),
            result => Err(error_of(result)),
        }
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
            // That it has failed is all that rustls-ffi says here.
            result => Err(error_of(self.refused.unwrap_or(result))),
        }
    }
}

impl Engine for FfiConnection {
    fn is_handshaking(&self) -> bool {
        rustls_connection::rustls_connection_is_handshaking(self.as_ptr())
    }

    fn is_awaited(&self) -> bool {
        // A server of TLS 1.3 that is done has had the client's last word; it owes only tickets.
        let version = rustls_connection::rustls_connection_get_protocol_version(self.as_ptr());
        !(self.side == Side::Server && version == u16::from(ProtocolVersion::TLSv1_3))
    }

    fn wants_write(&self) -> bool {
        rustls_connection::rustls_connection_wants_write(self.as_ptr())
    }

    fn receive(
        &mut self,
        inbox: &mut Inbox,
        source: &mut dyn Read,
    ) -> io::Result<Result<usize, Failure>> {
        if let Err(failure) = self.check_refused() {
            return Ok(Err(failure));
        }
        if inbox.is_empty() {
            if let Err(error) = inbox.fill(source) {
                // Whoever waits should not hold memory meanwhile.
                self.room = Vec::new();
                // This makes the connection release the buffer that the last record needed.
                return match self.read_tls(&mut Nothing) {
                    Err(full) if full.kind() != io::ErrorKind::WouldBlock => Ok(Err(too_large())),
                    _ => Err(error),
                };
            }
        }
        let mut total = 0;
        loop {
            // To be asked once for an empty inbox is how the connection learns of the end.
            match self.read_tls(inbox) {
                Ok(0) => return Ok(Ok(total)),
                Ok(taken) => total += taken,
                // The inbox does not fail.
                Err(_) => return Ok(Err(too_large())),
            }
            match self.process_new_packets() {
                Ok(()) if inbox.is_empty() || self.is_full() => return Ok(Ok(total)),
                Ok(()) => {}
                // What came before the failure comes first; the connection stays failed.
                Err(_) if matches!(self.plaintext(), Ok([_, ..])) => return Ok(Ok(total)),
                Err(failure) => return Ok(Err(failure)),
            }
        }
    }

    fn absorb(&mut self, inbox: &mut Inbox) {
        // Both calls refuse what there is no more room for.
        while !inbox.is_empty() && self.read_tls(inbox).is_ok_and(|taken| taken > 0) {
            if self.process_new_packets().is_err() {
                return;
            }
        }
    }

    fn plaintext(&mut self) -> io::Result<&[u8]> {
        if self.plaintext.is_empty() {
            self.refill()?;
        }
        Ok(&self.room[self.plaintext.clone()])
    }

    fn consume(&mut self, taken: usize) {
        assert!(
            taken <= self.plaintext.len(),
            "more was consumed than there is"
        );
        self.plaintext.start += taken;
    }

    fn send(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        match slices {
            [slice] => self.write(slice),
            // One after the other, each slice would become a record.
            slices => {
                let gathered: Vec<&[u8]> = slices.iter().map(|slice| &**slice).collect();
                self.write(&gathered.concat())
            }
        }
    }

    fn send_early(&mut self, _: &[u8]) -> io::Result<usize> {
        Ok(0)
    }

    fn is_early_data_accepted(&self) -> bool {
        false
    }

    fn queue_answers(&mut self) {
        // rustls keeps the answer to a key update back until the next write, of whatever length.
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

/// A message grew beyond what the connection can hold, for which rustls-ffi has no result.
fn too_large() -> Failure {
    Failure::new(error_of(rustls_result::MessageHandshakePayloadTooLarge))
}
