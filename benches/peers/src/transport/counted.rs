//! A transport that counts calls, and its counter.

use std::io::{self, IoSlice};
use std::ops::Sub;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::records::Records;

/// Calls of one kind.
#[derive(Clone, Copy, Debug, Default)]
pub struct Calls {
    /// Calls that moved bytes, found the end of the stream, or failed.
    pub answered: u64,
    /// Calls that would have blocked.
    pub pending: u64,
    /// The number of bytes moved.
    pub bytes: u64,
}

impl Calls {
    fn count(&mut self, answer: &Poll<io::Result<usize>>) {
        match answer {
            Poll::Pending => self.pending += 1,
            Poll::Ready(moved) => {
                self.answered += 1;
                self.bytes += *moved.as_ref().unwrap_or(&0) as u64;
            }
        }
    }
}

impl Sub for Calls {
    type Output = Self;

    fn sub(self, earlier: Self) -> Self {
        Self {
            answered: self.answered - earlier.answered,
            pending: self.pending - earlier.pending,
            bytes: self.bytes - earlier.bytes,
        }
    }
}

/// The calls of a transport.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    /// Reads.
    pub reads: Calls,
    /// Writes, including vectored ones.
    pub writes: Calls,
    /// Flushes.
    pub flushes: Calls,
    /// TLS records that were written.
    pub records: u64,
}

impl Sub for Counts {
    type Output = Self;

    fn sub(self, earlier: Self) -> Self {
        Self {
            reads: self.reads - earlier.reads,
            writes: self.writes - earlier.writes,
            flushes: self.flushes - earlier.flushes,
            records: self.records - earlier.records,
        }
    }
}

/// A counter shared by several transports.
#[derive(Clone, Debug, Default)]
pub struct Counter(Arc<Mutex<Counts>>);

impl Counter {
    /// The counts so far.
    pub fn counts(&self) -> Counts {
        *self.lock()
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().expect("nothing panics while it counts")
    }
}

/// A transport that counts.
#[derive(Debug)]
pub struct Counted<T> {
    transport: T,
    records: Records,
    counter: Counter,
}

impl<T> Counted<T> {
    /// Counts into `counter`.
    pub fn new(transport: T, counter: &Counter) -> Self {
        Self {
            transport,
            records: Records::default(),
            counter: counter.clone(),
        }
    }

    fn wrote(&mut self, slices: &[IoSlice<'_>], answer: &Poll<io::Result<usize>>) {
        let mut counts = self.counter.lock();
        counts.writes.count(answer);
        let mut taken = match answer {
            Poll::Ready(Ok(taken)) => *taken,
            _ => 0,
        };
        for slice in slices {
            let passed = taken.min(slice.len());
            counts.records += self.records.pass(&slice[..passed]);
            taken -= passed;
        }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Counted<T> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        let answer = Pin::new(&mut this.transport)
            .poll_read(cx, buffer)
            .map_ok(|()| buffer.filled().len() - before);
        this.counter.lock().reads.count(&answer);
        answer.map_ok(|_| ())
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Counted<T> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let answer = Pin::new(&mut this.transport).poll_write(cx, bytes);
        this.wrote(&[IoSlice::new(bytes)], &answer);
        answer
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let answer = Pin::new(&mut this.transport).poll_write_vectored(cx, slices);
        this.wrote(slices, &answer);
        answer
    }

    fn is_write_vectored(&self) -> bool {
        self.transport.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let answer = Pin::new(&mut this.transport).poll_flush(cx).map_ok(|()| 0);
        this.counter.lock().flushes.count(&answer);
        answer.map_ok(|_| ())
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.transport).poll_shutdown(cx)
    }
}
