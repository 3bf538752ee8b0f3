//! rustls alone, with a blocking socket.
//!
//! Its streams are polled like all others, so that the same code can use them, but are never
//! pending.

use std::io;
use std::net::TcpStream;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::facts::Facts;
use super::{Conversation, Failure, Negotiated};
use crate::settings::Settings;

/// A connection of rustls, which performs no I/O itself, in one version of rustls.
pub(super) trait Bare: Facts + Send + Unpin + 'static {
    const IS_CLIENT: bool;

    /// Whether early data can be sent, or has been accepted.
    fn has_early_data(&mut self) -> bool;

    /// Sends queued ciphertext.
    fn transmit(&mut self, socket: &mut TcpStream) -> io::Result<()>;

    /// Reads once from the socket.
    fn receive(&mut self, socket: &mut TcpStream) -> io::Result<usize>;

    /// Processes what was read.
    fn process(&mut self) -> io::Result<()>;

    /// Returns decrypted bytes, early data first; none after a close_notify, `WouldBlock` if there
    /// are none yet.
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize>;

    fn write(&mut self, buf: &[u8]) -> io::Result<usize>;

    /// Writes as early data; nothing if there is no room for it.
    fn write_early(&mut self, buf: &[u8]) -> io::Result<usize>;

    fn close(&mut self);
}

struct Plain<B> {
    connection: B,
    socket: TcpStream,
}

pub(super) fn open<B: Bare>(
    connection: B,
    settings: &Settings,
    socket: TcpStream,
) -> Result<Box<dyn Conversation>, Failure> {
    let mut plain = Plain { connection, socket };
    // rustls exports keying material only after the handshake.
    let to_the_end = settings.export.is_some();
    while plain.connection.is_handshaking() && (to_the_end || !plain.connection.has_early_data()) {
        plain.advance()?;
    }
    plain.transmit()?;
    Ok(Box::new(plain))
}

impl<B: Bare> Plain<B> {
    fn transmit(&mut self) -> io::Result<()> {
        self.connection.transmit(&mut self.socket)
    }

    /// Sends queued ciphertext, and reads and processes input.
    fn advance(&mut self) -> io::Result<()> {
        self.transmit()?;
        let received = self.connection.receive(&mut self.socket)?;
        if let Err(error) = self.connection.process() {
            // If the alert cannot be sent, the error is still the reason.
            let _ = self.transmit();
            return Err(error);
        }
        if received == 0 && self.connection.is_handshaking() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(())
    }

    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.connection.read(buf) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.advance()?,
                answer => return answer,
            }
        }
    }

    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        if B::IS_CLIENT {
            let taken = self.connection.write_early(buf)?;
            if taken > 0 {
                self.transmit()?;
                return Ok(taken);
            }
            self.finish_handshake()?;
        }
        let taken = self.connection.write(buf)?;
        self.transmit()?;
        Ok(taken)
    }

    fn finish_handshake(&mut self) -> io::Result<()> {
        while self.connection.is_handshaking() {
            self.advance()?;
        }
        self.transmit()
    }

    fn flush(&mut self) -> io::Result<()> {
        match B::IS_CLIENT {
            true => self.finish_handshake(),
            // The response to early data is sent before the handshake is complete.
            false => self.transmit(),
        }
    }

    fn shut_down(&mut self) -> io::Result<()> {
        self.finish_handshake()?;
        self.connection.close();
        self.transmit()
    }
}

impl<B: Bare> AsyncRead for Plain<B> {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let answer = self.get_mut().read(buf.initialize_unfilled());
        Poll::Ready(answer.map(|taken| buf.advance(taken)))
    }
}

impl<B: Bare> AsyncWrite for Plain<B> {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(self.get_mut().write(buf))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.get_mut().flush())
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.get_mut().shut_down())
    }
}

impl<B: Bare> Conversation for Plain<B> {
    fn is_handshaking(&self) -> bool {
        self.connection.is_handshaking()
    }

    fn negotiated(&self) -> Negotiated {
        self.connection.negotiated()
    }

    fn export(&mut self, out: &mut [u8], label: &[u8], context: Option<&[u8]>) -> io::Result<()> {
        self.connection.export(out, label, context)
    }

    fn update_keys(&mut self) -> io::Result<()> {
        self.connection.update_keys()
    }
}
