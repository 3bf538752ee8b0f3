//! Connections of rustls 0.23 for plain I/O.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::ops::DerefMut;

use rustls::{ClientConnection, ConnectionCommon, ServerConnection};

use super::facts::{Facts, Side};
use super::plain::Bare;

/// The early data operations of each side.
pub(super) trait EarlyData: Side {
    const IS_CLIENT: bool;

    fn has_early_data(&mut self) -> bool;

    fn read_early(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Ok(0)
    }

    fn write_early(&mut self, _: &[u8]) -> io::Result<usize> {
        Ok(0)
    }
}

impl EarlyData for ClientConnection {
    const IS_CLIENT: bool = true;

    fn has_early_data(&mut self) -> bool {
        self.early_data().is_some()
    }

    fn write_early(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.early_data()
            .map_or(Ok(0), |mut early| early.write(buf))
    }
}

impl EarlyData for ServerConnection {
    const IS_CLIENT: bool = false;

    fn has_early_data(&mut self) -> bool {
        self.early_data().is_some()
    }

    fn read_early(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.early_data().map_or(Ok(0), |mut early| early.read(buf))
    }
}

impl<C, D> Bare for C
where
    C: EarlyData + Facts + DerefMut<Target = ConnectionCommon<D>> + Send + Unpin + 'static,
{
    const IS_CLIENT: bool = C::IS_CLIENT;

    fn has_early_data(&mut self) -> bool {
        EarlyData::has_early_data(self)
    }

    fn transmit(&mut self, socket: &mut TcpStream) -> io::Result<()> {
        while self.wants_write() {
            self.write_tls(socket)?;
        }
        Ok(())
    }

    fn receive(&mut self, socket: &mut TcpStream) -> io::Result<usize> {
        self.read_tls(socket)
    }

    fn process(&mut self) -> io::Result<()> {
        let processed = self.process_new_packets();
        processed
            .map(|_| ())
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
    }

    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match self.read_early(buf)? {
            0 => self.reader().read(buf),
            taken => Ok(taken),
        }
    }

    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.writer().write(buf)
    }

    fn write_early(&mut self, buf: &[u8]) -> io::Result<usize> {
        EarlyData::write_early(self, buf)
    }

    fn close(&mut self) {
        self.send_close_notify();
    }
}
