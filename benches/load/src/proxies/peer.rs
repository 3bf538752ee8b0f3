//! A client of a proxy, which speaks TLS to it or sends a ClientHello that is passed through.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};

use pollback::rustls::{ClientConnection, HandshakeKind, StreamOwned};

use super::backend::request;
use crate::BoxError;
use crate::client::Client;

pub(crate) enum Peer {
    Terminated(Box<StreamOwned<ClientConnection, TcpStream>>),
    Plain(TcpStream),
}

impl Peer {
    /// Speaks TLS.
    pub(crate) fn terminated(client: &Client, address: SocketAddr) -> Result<Self, BoxError> {
        let stream = StreamOwned::new(client.connection()?, connect(address)?);
        Ok(Self::Terminated(Box::new(stream)))
    }

    /// Sends a ClientHello, and continues without TLS.
    pub(super) fn passed(client: &Client, address: SocketAddr) -> Result<Self, BoxError> {
        let mut tcp = connect(address)?;
        tcp.write_all(&client.hello_to("other.example")?)?;
        Ok(Self::Plain(tcp))
    }

    /// Does not use TLS at all.
    pub(crate) fn plain(address: SocketAddr) -> io::Result<Self> {
        Ok(Self::Plain(connect(address)?))
    }

    /// Sends a request of this many bytes, and reads a response of this many.
    pub(crate) fn ask(&mut self, length: usize, wanted: u64) -> io::Result<()> {
        let request = request(length, wanted);
        match self {
            Self::Terminated(stream) => exchange(stream, &request, wanted),
            Self::Plain(tcp) => exchange(tcp, &request, wanted),
        }
    }

    /// Whether its handshake was resumed.
    pub(super) fn is_resumed(&self) -> bool {
        match self {
            Self::Terminated(stream) => {
                stream.conn.handshake_kind() == Some(HandshakeKind::Resumed)
            }
            Self::Plain(_) => false,
        }
    }

    /// Shuts down, and waits for the proxy to do so.
    pub(super) fn close(self) -> io::Result<()> {
        let mut tcp = match self {
            Self::Terminated(mut stream) => {
                stream.conn.send_close_notify();
                stream.flush()?;
                stream.sock
            }
            Self::Plain(tcp) => tcp,
        };
        tcp.shutdown(Shutdown::Write)?;
        io::copy(&mut tcp, &mut io::sink())?;
        Ok(())
    }
}

fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let tcp = TcpStream::connect(address)?;
    tcp.set_nodelay(true)?;
    Ok(tcp)
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
