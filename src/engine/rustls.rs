//! Connections of rustls 0.23, both sides in one implementation.

use std::hint::black_box;
use std::io::{self, BufRead, IoSlice, Read, Write};
use std::ops::DerefMut;

use rustls::{
    ClientConnection, ConnectionCommon, InvalidMessage, IoState, ProtocolVersion, ServerConnection,
    Side, SideData,
};

use super::{Engine, Failure, Inbox, LARGEST_PLAINTEXT, LARGEST_RECORD, Nothing};
use crate::error::ErrorKind;

/// What sets the two sides apart.
pub trait Sided: DerefMut<Target = ConnectionCommon<Self::Data>> {
    type Data: SideData;
    const SIDE: Side;

    fn send_early(&mut self, _: &[u8]) -> io::Result<usize> {
        Ok(0)
    }

    fn is_early_data_accepted(&self) -> bool {
        false
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
}

impl<C: Sided> Engine for C {
    fn is_handshaking(&self) -> bool {
        (**self).is_handshaking()
    }

    fn is_awaited(&self) -> bool {
        // A server of TLS 1.3 that is done has had the client's last word; it owes only tickets.
        !(C::SIDE == Side::Server && self.protocol_version() == Some(ProtocolVersion::TLSv1_3))
    }

    fn wants_write(&self) -> bool {
        (**self).wants_write()
    }

    fn receive(
        &mut self,
        inbox: &mut Inbox,
        source: &mut dyn Read,
    ) -> io::Result<Result<usize, Failure>> {
        if let Err(error) = self.writer().flush() {
            return Ok(Err(Failure(error)));
        }
        if inbox.is_empty() {
            if let Err(error) = inbox.fill(source) {
                if !inbox.take_heavy() {
                    return Err(error);
                }
                // This makes the connection release the buffer that the last record needed.
                return match self.read_tls(&mut Nothing) {
                    Err(full) if full.kind() == io::ErrorKind::InvalidData => Ok(Err(too_large())),
                    _ => Err(error),
                };
            }
        }
        let is_bulk = inbox.filled().len() > LARGEST_RECORD;
        let mut place = None;
        let mut total = 0;
        loop {
            // To be asked once for an empty inbox is how the connection learns of the end.
            let taken = match self.read_tls(inbox) {
                Ok(0) => return Ok(Ok(total)),
                Ok(taken) => taken,
                // The inbox does not fail.
                Err(_) => return Ok(Err(too_large())),
            };
            total += taken;
            if taken < STEP {
                place = None;
            }
            // Only after bytes were added: rustls counts early data that it skips anew each time.
            match self.process_new_packets() {
                Ok(state) if is_full(&state) => return Ok(Ok(total)),
                Ok(_) if inbox.is_empty() => {
                    inbox.note_incomplete();
                    return Ok(Ok(total));
                }
                Ok(_) if is_bulk && place.is_none() => place = Some(plaintext_place()),
                Ok(_) => {}
                // What came before the failure comes first; the connection stays failed.
                Err(_) if matches!(self.plaintext(), Ok([_, ..])) => return Ok(Ok(total)),
                Err(error) => return Ok(Err(error.into())),
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
        match self.reader().into_first_chunk() {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                Err(ErrorKind::Truncated.into())
            }
            answer => answer,
        }
    }

    fn consume(&mut self, taken: usize) {
        self.reader().consume(taken);
    }

    fn send(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        match slices {
            [] => self.writer().flush().map(|()| 0),
            // For several slices rustls makes a list of its own.
            [one] => self.writer().write(one),
            several => self.writer().write_vectored(several),
        }
    }

    fn send_early(&mut self, data: &[u8]) -> io::Result<usize> {
        // rustls takes early data after a failure too, and sends it behind the alert.
        self.writer().flush()?;
        Sided::send_early(self, data)
    }

    fn is_early_data_accepted(&self) -> bool {
        Sided::is_early_data_accepted(self)
    }

    fn queue_answers(&mut self) {
        // rustls keeps the answer to a key update back until the next write, of whatever length.
        let _ = self.writer().write(&[]);
    }

    fn transmit(&mut self, sink: &mut dyn Write) -> io::Result<usize> {
        self.write_tls(&mut Lone(sink))
    }

    fn close(&mut self) {
        self.send_close_notify();
    }
}

/// How much more room rustls makes at a time while a record is not whole.
const STEP: usize = 4096;

/// Takes the place of a record's plaintext while the connection's buffer of ciphertext grows.
///
/// In bulk that buffer grows once, and the plaintext of each record is copied out of it into a
/// vector that is freed before the next. Right behind a buffer that has grown at the end of the
/// heap, the vector is a little more than a multiple of 4096 away, where the `memcpy` of glibc
/// before 2.40 is 30 times slower on AMD processors.
fn plaintext_place() -> Vec<u8> {
    // Nothing is written to it, so the compiler could leave it out.
    black_box(Vec::with_capacity(LARGEST_PLAINTEXT))
}

/// A sink that is offered a lone slice with a plain write: the same attempt, and a kernel has less
/// to do for it.
struct Lone<'a>(&'a mut dyn Write);

impl Write for Lone<'_> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.0.write(buf)
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        match bufs {
            [one] => self.0.write(one),
            several => self.0.write_vectored(several),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl From<rustls::Error> for Failure {
    fn from(error: rustls::Error) -> Self {
        Self(io::Error::new(io::ErrorKind::InvalidData, error))
    }
}

/// A message grew beyond what the connection can hold, which rustls says without a type.
fn too_large() -> Failure {
    rustls::Error::InvalidMessage(InvalidMessage::HandshakePayloadTooLarge).into()
}

/// Whether more ciphertext could only pile up.
fn is_full(state: &IoState) -> bool {
    state.plaintext_bytes_to_read() > 0 || state.peer_has_closed()
}
