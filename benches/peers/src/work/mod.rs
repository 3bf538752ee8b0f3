//! The work done by the streams: the rows of the table.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::peer::Stream;

mod first_byte;
mod halves;
mod idle;
mod link;
mod meeting;
mod rows;
mod run;
mod small;

pub use first_byte::{Beginning, DELAY, first_byte, first_byte_of_tokio_rustls};
pub use idle::{Held, Idle, idle};
pub use link::{Arrival, link};
pub use rows::{ROWS, Row, Sockets, Threads, Unit};
pub use run::{Counted, counted, in_memory, timed};

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

/// Something that a client and a server do together on an established connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// The client writes MiBs in pieces of one size; the server reads into a buffer of another.
    Bulk {
        /// The size of each write.
        write: usize,
        /// The size of the buffer of each read.
        read: usize,
    },
    /// The client writes a request of this size; the server responds with as much.
    RoundTrips(usize),
    /// The client writes 1000 times 100 bytes, then flushes.
    Writes,
    /// The client writes 1000 slices of 100 bytes, this many at a time, then flushes.
    VectoredWrites(usize),
    /// Nothing but establishing the connection.
    Handshake,
}

impl Work {
    /// The client's part.
    pub async fn client<S: Stream>(self, stream: &mut S, units: usize) -> io::Result<()> {
        match self {
            Self::Bulk { write, .. } => give(stream, units * MIB, write).await,
            Self::RoundTrips(size) => {
                let mut bytes = vec![7; size];
                for _ in 0..units {
                    stream.write_all(&bytes).await?;
                    stream.flush().await?;
                    stream.read_exact(&mut bytes).await?;
                }
                Ok(())
            }
            Self::Writes => small::write(stream, units).await,
            Self::VectoredWrites(slices) => small::write_vectored(stream, units, slices).await,
            Self::Handshake => Ok(()),
        }
    }

    /// The server's part.
    pub async fn server<S: Stream>(self, stream: &mut S, units: usize) -> io::Result<()> {
        match self {
            Self::Bulk { read, .. } => take(stream, units * MIB, read).await,
            Self::RoundTrips(size) => {
                let mut bytes = vec![0; size];
                for _ in 0..units {
                    stream.read_exact(&mut bytes).await?;
                    stream.write_all(&bytes).await?;
                    stream.flush().await?;
                }
                Ok(())
            }
            Self::Writes | Self::VectoredWrites(_) => {
                take(stream, units * small::BATCH, 64 * KIB).await
            }
            Self::Handshake => Ok(()),
        }
    }
}

/// Writes this many bytes, in pieces of one size, then flushes.
async fn give<W>(stream: &mut W, bytes: usize, piece: usize) -> io::Result<()>
where
    W: AsyncWrite + Unpin,
{
    let room = vec![7; piece];
    for _ in 0..bytes / piece {
        stream.write_all(&room).await?;
    }
    stream.flush().await
}

/// Reads this many bytes, into a buffer of `room` bytes.
async fn take<R>(stream: &mut R, mut bytes: usize, room: usize) -> io::Result<()>
where
    R: AsyncRead + Unpin,
{
    let mut room = vec![0; room];
    while bytes > 0 {
        match stream.read(&mut room).await? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            read => bytes -= read,
        }
    }
    Ok(())
}
