//! A client of a proxy, which speaks TLS to it or sends a ClientHello that is passed through.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};

use pollback::rustls::{ClientConnection, StreamOwned};

use super::backend::request;
use super::program::Proxy;
use crate::BoxError;
use crate::client::Client;

pub(super) enum Peer {
    Terminated(Box<StreamOwned<ClientConnection, TcpStream>>),
    Passed(TcpStream),
}

impl Peer {
    pub(super) fn connect(
        client: &Client,
        proxy: &Proxy,
        terminated: bool,
    ) -> Result<Self, BoxError> {
        let address = match terminated {
            true => proxy.terminating,
            false => proxy.passing,
        };
        let tcp = TcpStream::connect(address)?;
        tcp.set_nodelay(true)?;
        if terminated {
            let stream = StreamOwned::new(client.connection()?, tcp);
            return Ok(Self::Terminated(Box::new(stream)));
        }
        let mut tcp = tcp;
        tcp.write_all(&client.hello_to("other.example")?)?;
        Ok(Self::Passed(tcp))
    }

    /// Sends a request of so many bytes, and reads the response of so many.
    pub(super) fn ask(&mut self, length: usize, wanted: u64) -> io::Result<()> {
        let request = request(length, wanted);
        match self {
            Self::Terminated(stream) => exchange(stream, &request, wanted),
            Self::Passed(tcp) => exchange(tcp, &request, wanted),
        }
    }

    /// Ends in order, and waits for the proxy to do so.
    pub(super) fn close(self) -> io::Result<()> {
        let mut tcp = match self {
            Self::Terminated(mut stream) => {
                stream.conn.send_close_notify();
                stream.flush()?;
                stream.sock
            }
            Self::Passed(tcp) => tcp,
        };
        tcp.shutdown(Shutdown::Write)?;
        io::copy(&mut tcp, &mut io::sink())?;
        Ok(())
    }
}

fn exchange(stream: &mut (impl Read + Write), request: &[u8], wanted: u64) -> io::Result<()> {
    stream.write_all(request)?;
    stream.flush()?;
    let mut buffer = vec![0; 64 * 1024];
    let mut left = wanted;
    while left > 0 {
        let most = left.min(buffer.len() as u64) as usize;
        match stream.read(&mut buffer[..most])? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            count => left -= count as u64,
        }
    }
    Ok(())
}
