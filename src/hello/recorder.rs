//! A transport that reads one record at a time and keeps what it has read.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, ReadBuf};

use super::replay::Replay;
use crate::error::ErrorKind;

/// The header of a record: its type, version and length.
const HEADER: usize = 5;

/// The type of a record with a part of a handshake.
const HANDSHAKE: u8 = 22;

/// The longest body that a plain record may have.
const LONGEST: usize = 16 * 1024;

/// How much is read at once.
const CHUNK: usize = 2048;

/// Reads no further than to the end of a record, so that nothing behind the hello is taken from the
/// transport.
#[derive(Debug)]
pub(super) struct Recorder<IO> {
    io: IO,
    bytes: Vec<u8>,
    /// Where the record begins that is being read.
    record: usize,
    /// How much of the bytes was given to the reader.
    given: usize,
    limit: usize,
}

impl<IO> Recorder<IO> {
    pub(super) fn new(io: IO, limit: usize) -> Self {
        Self {
            io,
            bytes: Vec::new(),
            record: 0,
            given: 0,
            limit,
        }
    }

    pub(super) fn set_limit(&mut self, limit: usize) {
        self.limit = limit;
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether the rest of the first record is still to come; not if its beginning is no record of
    /// a handshake, which can be refused at once.
    pub(super) fn is_in_first_record(&self) -> bool {
        self.record == 0
            && match self.bytes[..] {
                [] => true,
                [HANDSHAKE] => true,
                [HANDSHAKE, 3, ..] => self.missing() <= LONGEST,
                _ => false,
            }
    }

    pub(super) fn transport(&mut self) -> &mut IO {
        &mut self.io
    }

    pub(super) fn into_parts(self) -> (Vec<u8>, IO) {
        (self.bytes, self.io)
    }

    pub(super) fn into_replay(self) -> Replay<IO> {
        Replay::new(self.bytes, self.io)
    }

    /// How many bytes are missing to the header, or to the body, of the record.
    fn missing(&self) -> usize {
        let read = &self.bytes[self.record..];
        match read {
            [_, _, _, high, low, body @ ..] => {
                usize::from(u16::from_be_bytes([*high, *low])) - body.len()
            }
            _ => HEADER - read.len(),
        }
    }
}

impl<IO: AsyncRead + Unpin> Recorder<IO> {
    /// Reads more of the record; the end of the stream adds nothing.
    pub(super) fn poll_more(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let room = self.limit.saturating_sub(self.bytes.len());
        if room == 0 {
            return Poll::Ready(Err(ErrorKind::TooLong.into()));
        }
        let mut chunk = [0; CHUNK];
        let wanted = self.missing().min(room).min(CHUNK);
        let mut buf = ReadBuf::new(&mut chunk[..wanted]);
        ready!(Pin::new(&mut self.io).poll_read(cx, &mut buf))?;
        self.bytes.extend_from_slice(buf.filled());
        if self.missing() == 0 {
            self.record = self.bytes.len();
        }
        Poll::Ready(Ok(()))
    }
}

impl<IO: AsyncRead + Unpin> AsyncRead for Recorder<IO> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.given == this.bytes.len() {
            ready!(this.poll_more(cx))?;
        }
        let unread = &this.bytes[this.given..];
        let given = unread.len().min(buf.remaining());
        buf.put_slice(&unread[..given]);
        this.given += given;
        Poll::Ready(Ok(()))
    }
}
