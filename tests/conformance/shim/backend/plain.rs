//! rustls alone, with a socket that blocks.
//!
//! Its streams are polled like all others, so that the same code uses them, but never pending.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::pin::Pin;
use std::task::{Context, Poll};

use rustls::{ClientConnection, Connection, ServerConnection};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::connection::{self, Side};
use super::{Conversation, Failure, Negotiated};
use crate::settings::Settings;
use crate::setup::Setup;

struct Plain {
    connection: Connection,
    socket: TcpStream,
}

pub(super) fn open(
    setup: &mut Setup,
    settings: &Settings,
    socket: TcpStream,
) -> Result<Box<dyn Conversation>, Failure> {
    let connection = if settings.server {
        ServerConnection::new(setup.server(settings)?).map(Connection::from)
    } else {
        let (config, name) = setup.client(settings)?;
        ClientConnection::new(config, name).map(Connection::from)
    };
    let mut plain = Plain {
        connection: connection.map_err(io::Error::other)?,
        socket,
    };
    // rustls exports keying material only from a connection whose handshake is done.
    let to_the_end = settings.export.is_some();
    while plain.connection.is_handshaking() && (to_the_end || !plain.has_early_data()) {
        plain.advance()?;
    }
    plain.transmit()?;
    Ok(Box::new(plain))
}

impl Plain {
    fn has_early_data(&mut self) -> bool {
        match &mut self.connection {
            Connection::Client(client) => client.early_data().is_some(),
            Connection::Server(server) => server.early_data().is_some(),
        }
    }

    fn transmit(&mut self) -> io::Result<()> {
        while self.connection.wants_write() {
            self.connection.write_tls(&mut self.socket)?;
        }
        Ok(())
    }

    /// Sends what there is to send and takes in what comes next.
    fn advance(&mut self) -> io::Result<()> {
        self.transmit()?;
        let received = self.connection.read_tls(&mut self.socket)?;
        if let Err(error) = self.connection.process_new_packets() {
            // If the alert cannot be sent, the error is still the reason.
            let _ = self.transmit();
            return Err(io::Error::new(io::ErrorKind::InvalidData, error));
        }
        if received == 0 && self.connection.is_handshaking() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(())
    }

    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        loop {
            let early = match &mut self.connection {
                Connection::Client(_) => None,
                Connection::Server(server) => server.early_data(),
            };
            let taken = early.map_or(Ok(0), |mut early| early.read(buf))?;
            if taken > 0 {
                return Ok(taken);
            }
            match self.connection.reader().read(buf) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.advance()?,
                answer => return answer,
            }
        }
    }

    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        if let Connection::Client(client) = &mut self.connection {
            if let Some(mut early) = client.early_data() {
                let taken = early.write(buf)?;
                if taken > 0 {
                    self.transmit()?;
                    return Ok(taken);
                }
            }
            self.finish_handshake()?;
        }
        let taken = self.connection.writer().write(buf)?;
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
        match self.connection {
            Connection::Client(_) => self.finish_handshake(),
            // Its answer to early data goes out before the handshake is done.
            Connection::Server(_) => self.transmit(),
        }
    }

    fn shut_down(&mut self) -> io::Result<()> {
        self.finish_handshake()?;
        self.connection.send_close_notify();
        self.transmit()
    }
}

impl AsyncRead for Plain {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let answer = self.get_mut().read(buf.initialize_unfilled());
        Poll::Ready(answer.map(|taken| buf.advance(taken)))
    }
}

impl AsyncWrite for Plain {
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

impl Conversation for Plain {
    fn is_handshaking(&self) -> bool {
        self.connection.is_handshaking()
    }

    fn negotiated(&self) -> Negotiated {
        match &self.connection {
            Connection::Client(client) => client.negotiated(),
            Connection::Server(server) => server.negotiated(),
        }
    }

    fn export(&self, out: &mut [u8], label: &[u8], context: Option<&[u8]>) -> io::Result<()> {
        match &self.connection {
            Connection::Client(client) => connection::export(client, out, label, context),
            Connection::Server(server) => connection::export(server, out, label, context),
        }
    }

    fn update_keys(&mut self) -> io::Result<()> {
        match &mut self.connection {
            Connection::Client(client) => connection::update_keys(client),
            Connection::Server(server) => connection::update_keys(server),
        }
    }
}
