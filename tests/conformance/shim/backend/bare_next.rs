//! Connections of rustls 0.24 for plain I/O.

use std::io::{self, Write};
use std::net::TcpStream;

use pollback::next::rustls::crypto::cipher::OutboundPlain;
use pollback::next::rustls::{
    ClientSide, Connection, Error, MessageHandler, ServerSide, SideData, Tcp, VecInput,
};

use super::Negotiated;
use super::facts::{self, Facts, NextSide};
use super::plain::Bare;

/// A connection with the buffers that rustls leaves to its caller.
pub(super) struct BareNext<S: SideData> {
    connection: Connection<S, Tcp>,
    input: VecInput,
    output: Vec<u8>,
    plaintext: Vec<u8>,
    /// Whether the peer has sent close_notify, and whether its input has ended.
    closed: bool,
    ended: bool,
}

/// The early data operations of each side.
pub(super) trait EarlyData: SideData + NextSide {
    const IS_CLIENT: bool;

    fn has_early_data(_: &mut BareNext<Self>) -> bool;

    fn receive_early(_: &mut MessageHandler<'_, '_, Self>, _: &mut Vec<u8>) -> Result<(), Error> {
        Ok(())
    }

    fn write_early(_: &mut BareNext<Self>, _: OutboundPlain<'_>) -> Result<usize, Error> {
        Ok(0)
    }
}

impl EarlyData for ClientSide {
    const IS_CLIENT: bool = true;

    fn has_early_data(bare: &mut BareNext<Self>) -> bool {
        bare.connection.early_data().is_some()
    }

    fn write_early(bare: &mut BareNext<Self>, data: OutboundPlain<'_>) -> Result<usize, Error> {
        match bare.connection.early_data() {
            Some(mut early) => early.write(data, &mut bare.output),
            None => Ok(0),
        }
    }
}

impl EarlyData for ServerSide {
    const IS_CLIENT: bool = false;

    /// rustls does not report this before early data has arrived.
    fn has_early_data(bare: &mut BareNext<Self>) -> bool {
        !bare.plaintext.is_empty()
    }

    fn receive_early(
        handler: &mut MessageHandler<'_, '_, Self>,
        plaintext: &mut Vec<u8>,
    ) -> Result<(), Error> {
        while let Some(payload) = handler.next_early_data() {
            plaintext.extend_from_slice(payload?.bytes());
        }
        Ok(())
    }
}

impl<S: EarlyData> BareNext<S> {
    /// Takes over a connection that has queued `output`.
    pub(super) fn new(connection: Connection<S, Tcp>, output: Vec<u8>) -> Self {
        Self {
            connection,
            input: VecInput::default(),
            output,
            plaintext: Vec::new(),
            closed: false,
            ended: false,
        }
    }
}

impl<S: EarlyData> Facts for BareNext<S> {
    fn is_handshaking(&self) -> bool {
        self.connection.is_handshaking()
    }

    fn negotiated(&self) -> Negotiated {
        facts::negotiated(&self.connection, self.connection.side())
    }

    fn export(&mut self, out: &mut [u8], label: &[u8], context: Option<&[u8]>) -> io::Result<()> {
        facts::export(self.connection.exporter(), out, label, context)
    }

    fn update_keys(&mut self) -> io::Result<()> {
        let updated = self.connection.refresh_traffic_keys(&mut self.output);
        updated.map_err(io::Error::other)
    }
}

impl<S: EarlyData> Bare for BareNext<S>
where
    Connection<S, Tcp>: Send + Unpin,
{
    const IS_CLIENT: bool = S::IS_CLIENT;

    fn has_early_data(&mut self) -> bool {
        S::has_early_data(self)
    }

    fn transmit(&mut self, socket: &mut TcpStream) -> io::Result<()> {
        socket.write_all(&std::mem::take(&mut self.output))
    }

    fn receive(&mut self, socket: &mut TcpStream) -> io::Result<usize> {
        let received = self.input.read(socket)?;
        self.ended |= received == 0;
        Ok(received)
    }

    fn process(&mut self) -> io::Result<()> {
        let mut handler = self.connection.read_tls(&mut self.input, &mut self.output);
        let early = S::receive_early(&mut handler, &mut self.plaintext);
        let state = handler.handle_all(&mut self.plaintext);
        let state = early.and(state).map_err(invalid)?;
        self.closed = state.peer_has_closed();
        Ok(())
    }

    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let length = buf.len().min(self.plaintext.len());
        if length == 0 && !self.closed {
            return Err(match self.ended {
                true => io::ErrorKind::UnexpectedEof.into(),
                false => io::ErrorKind::WouldBlock.into(),
            });
        }
        buf[..length].copy_from_slice(&self.plaintext[..length]);
        self.plaintext.drain(..length);
        Ok(length)
    }

    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let written = self
            .connection
            .write(OutboundPlain::Single(buf), &mut self.output);
        written.map(|()| buf.len()).map_err(invalid)
    }

    fn write_early(&mut self, buf: &[u8]) -> io::Result<usize> {
        S::write_early(self, OutboundPlain::Single(buf)).map_err(invalid)
    }

    fn close(&mut self) {
        // Fails after a fatal alert, which no close_notify follows.
        let _ = self.connection.send_close_notify(&mut self.output);
    }
}

fn invalid(error: Error) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}
