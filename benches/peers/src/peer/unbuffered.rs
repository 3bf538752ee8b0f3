//! The other engine that rustls offers, as far as the work needs it: records are decrypted where
//! they were read, and encrypted where they are sent from.
//!
//! Other things that a stream needs (server names, exporters, resumption, half-closes, delivery of
//! alerts, wakeups of two tasks) are missing, so this is a lower bound and not a stream.

use std::io;
use std::ops::Range;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use rustls::client::{ClientConnectionData, UnbufferedClientConnection};
use rustls::server::{ServerConnectionData, UnbufferedServerConnection};
use rustls::unbuffered::{ConnectionState, UnbufferedStatus};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::Stream;

/// The size of reads from the transport, and how much plaintext is encrypted at once.
const CHUNK: usize = 64 * 1024;
/// Space for the chunk in records, the smallest of which hold 100 bytes.
const ROOM: usize = CHUNK + CHUNK / 4;

/// A connection of either side.
pub trait Connection: Send + Unpin + 'static {
    /// The data that rustls keeps for this side.
    type Data;
    /// Continues until the caller has to do something.
    fn process<'c, 'i>(&'c mut self, arrived: &'i mut [u8])
    -> UnbufferedStatus<'c, 'i, Self::Data>;
}

impl Connection for UnbufferedClientConnection {
    type Data = ClientConnectionData;
    fn process<'c, 'i>(
        &'c mut self,
        arrived: &'i mut [u8],
    ) -> UnbufferedStatus<'c, 'i, Self::Data> {
        self.process_tls_records(arrived)
    }
}

impl Connection for UnbufferedServerConnection {
    type Data = ServerConnectionData;
    fn process<'c, 'i>(
        &'c mut self,
        arrived: &'i mut [u8],
    ) -> UnbufferedStatus<'c, 'i, Self::Data> {
        self.process_tls_records(arrived)
    }
}

/// A stream over such a connection.
pub struct Unbuffered<C, T> {
    transport: T,
    connection: C,
    arrived: Vec<u8>,
    /// The range of the received bytes that was not processed.
    left: Range<usize>,
    /// Plaintext that did not fit into the reader's buffer.
    plaintext: Vec<u8>,
    outgoing: Vec<u8>,
    /// The range that is still to be sent.
    unsent: Range<usize>,
    ended: bool,
}

/// The next step.
enum Step {
    Plaintext,
    Transmit,
    Receive,
    Established,
    Ended,
}

impl<C: Connection, T: Stream> Unbuffered<C, T> {
    /// Performs the handshake.
    pub async fn handshake(transport: T, connection: C) -> io::Result<Self> {
        let mut stream = Self {
            transport,
            connection,
            arrived: vec![0; ROOM],
            left: 0..0,
            plaintext: Vec::new(),
            outgoing: vec![0; ROOM],
            unsent: 0..0,
            ended: false,
        };
        std::future::poll_fn(|cx| {
            loop {
                match stream.step(&mut ReadBuf::new(&mut []))? {
                    Step::Transmit => ready!(stream.poll_transmit(cx))?,
                    Step::Receive => ready!(stream.poll_receive(cx))?,
                    Step::Established | Step::Plaintext => break,
                    Step::Ended => return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into())),
                }
            }
            stream.poll_transmit(cx)
        })
        .await?;
        Ok(stream)
    }

    /// Processes what has arrived; copies plaintext into `buf` as far as it has room.
    fn step(&mut self, buf: &mut ReadBuf<'_>) -> io::Result<Step> {
        let status = self
            .connection
            .process(&mut self.arrived[self.left.clone()]);
        let mut done = status.discard;
        let step = match status.state.map_err(io::Error::other)? {
            ConnectionState::ReadTraffic(mut traffic) => {
                while let Some(record) = traffic.next_record() {
                    let record = record.map_err(io::Error::other)?;
                    done += record.discard;
                    let fits = record.payload.len().min(buf.remaining());
                    buf.put_slice(&record.payload[..fits]);
                    self.plaintext.extend_from_slice(&record.payload[fits..]);
                }
                Step::Plaintext
            }
            ConnectionState::EncodeTlsData(mut data) => {
                let room = &mut self.outgoing[self.unsent.end..];
                self.unsent.end += data.encode(room).map_err(io::Error::other)?;
                Step::Transmit
            }
            ConnectionState::TransmitTlsData(data) => {
                data.done();
                Step::Transmit
            }
            ConnectionState::BlockedHandshake => Step::Receive,
            ConnectionState::WriteTraffic(_) => Step::Established,
            _ => Step::Ended,
        };
        self.left.start += done;
        Ok(step)
    }

    fn poll_transmit(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.unsent.is_empty() {
            let rest = &self.outgoing[self.unsent.clone()];
            self.unsent.start += ready!(Pin::new(&mut self.transport).poll_write(cx, rest))?;
        }
        self.unsent = 0..0;
        Poll::Ready(Ok(()))
    }

    fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.arrived.copy_within(self.left.clone(), 0);
        self.left = 0..self.left.len();
        let mut room = ReadBuf::new(&mut self.arrived[self.left.end..]);
        ready!(Pin::new(&mut self.transport).poll_read(cx, &mut room))?;
        self.ended = room.filled().is_empty();
        self.left.end += room.filled().len();
        Poll::Ready(Ok(()))
    }
}

impl<C: Connection, T: Stream> AsyncRead for Unbuffered<C, T> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        let fits = this.plaintext.len().min(buf.remaining());
        buf.put_slice(&this.plaintext[..fits]);
        this.plaintext.drain(..fits);
        while buf.remaining() > 0 && !this.ended {
            match this.step(buf)? {
                Step::Plaintext => {}
                Step::Transmit => ready!(this.poll_transmit(cx))?,
                Step::Ended => break,
                Step::Receive | Step::Established if buf.filled().len() > before => break,
                Step::Receive | Step::Established => ready!(this.poll_receive(cx))?,
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl<C: Connection, T: Stream> AsyncWrite for Unbuffered<C, T> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        ready!(this.poll_transmit(cx))?;
        let chunk = &buf[..buf.len().min(CHUNK)];
        loop {
            let room = &mut this.outgoing[this.unsent.end..];
            let made = match this.connection.process(&mut []).state {
                Ok(ConnectionState::WriteTraffic(mut traffic)) => {
                    let encrypted = traffic.encrypt(chunk, room);
                    this.unsent.end += encrypted.map_err(io::Error::other)?;
                    break;
                }
                // The tickets of a server whose client was fast.
                Ok(ConnectionState::EncodeTlsData(mut data)) => data.encode(room),
                Ok(ConnectionState::TransmitTlsData(data)) => {
                    data.done();
                    Ok(0)
                }
                Ok(_) => return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
                Err(error) => return Poll::Ready(Err(io::Error::other(error))),
            };
            this.unsent.end += made.map_err(io::Error::other)?;
        }
        // The rest is sent by the next call.
        let _ = this.poll_transmit(cx)?;
        Poll::Ready(Ok(chunk.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_transmit(cx))?;
        Pin::new(&mut this.transport).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_transmit(cx))?;
        Pin::new(&mut this.transport).poll_shutdown(cx)
    }
}
