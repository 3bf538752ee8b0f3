//! Rust closures as attempts.

use std::fmt;
use std::io::{self, IoSlice, Read, Write};

use super::attempt::first_slice;
use super::{Callback, within};

/// Closures that each make one attempt at a transport.
///
/// Implements [`Read`], [`Write`] and [`Callback`]. With a [`CallbackIo`](super::CallbackIo) it becomes
/// a Tokio transport. A closure that reports more bytes than it was offered causes an error
/// ([`ErrorKind::OverReported`](crate::ErrorKind::OverReported)).
///
/// ```
/// use pollback::callback::Callbacks;
/// use std::io::{self, IoSlice, Read, Write};
///
/// let mut sent = Vec::new();
/// let mut callbacks = Callbacks::new(
///     |buf: &mut [u8]| {
///         buf[..2].copy_from_slice(b"hi");
///         Ok(2)
///     },
///     |_: &[u8]| Err(io::ErrorKind::WouldBlock.into()),
/// )
/// .with_write_vectored(|slices: &[IoSlice<'_>]| {
///     slices.iter().for_each(|slice| sent.extend_from_slice(slice));
///     Ok(slices.iter().map(|slice| slice.len()).sum())
/// });
///
/// let mut buffer = [0; 8];
/// assert_eq!(callbacks.read(&mut buffer)?, 2);
/// assert_eq!(callbacks.write_vectored(&[IoSlice::new(b"a"), IoSlice::new(b"bc")])?, 3);
/// assert_eq!(sent, b"abc");
/// # io::Result::Ok(())
/// ```
pub struct Callbacks<R, W, V = Absent, S = Absent> {
    read: R,
    write: W,
    write_vectored: V,
    shutdown: S,
}

/// The type of an optional callback that is absent.
#[derive(Clone, Copy, Debug)]
pub struct Absent(());

impl<R, W> Callbacks<R, W> {
    /// Creates callbacks from the closures `read` and `write`.
    ///
    /// `read` makes one attempt to store up to `buf.len()` bytes, `write` one attempt to accept up to
    /// `buf.len()` bytes; the [module](super) defines what their results mean.
    pub fn new(read: R, write: W) -> Self
    where
        R: FnMut(&mut [u8]) -> io::Result<usize>,
        W: FnMut(&[u8]) -> io::Result<usize>,
    {
        Self {
            read,
            write,
            write_vectored: Absent(()),
            shutdown: Absent(()),
        }
    }
}

impl<R, W, S> Callbacks<R, W, Absent, S> {
    /// Adds a closure that writes several slices in one call.
    ///
    /// Without it a vectored write passes its first slice that is not empty to `write`.
    pub fn with_write_vectored<V>(self, write_vectored: V) -> Callbacks<R, W, V, S>
    where
        V: FnMut(&[IoSlice<'_>]) -> io::Result<usize>,
    {
        Callbacks {
            read: self.read,
            write: self.write,
            write_vectored,
            shutdown: self.shutdown,
        }
    }
}

impl<R, W, V> Callbacks<R, W, V, Absent> {
    /// Adds a closure that closes the write half, such as `shutdown(2)` of a socket.
    ///
    /// Without it a shutdown only makes later writes fail.
    pub fn with_shutdown<S>(self, shutdown: S) -> Callbacks<R, W, V, S>
    where
        S: FnMut() -> io::Result<()>,
    {
        Callbacks {
            read: self.read,
            write: self.write,
            write_vectored: self.write_vectored,
            shutdown,
        }
    }
}

impl<R, W, V, S> Read for Callbacks<R, W, V, S>
where
    R: FnMut(&mut [u8]) -> io::Result<usize>,
{
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        within(buf.len(), (self.read)(buf))
    }
}

impl<R, W, V, S> Write for Callbacks<R, W, V, S>
where
    W: FnMut(&[u8]) -> io::Result<usize>,
    V: WriteVectored,
{
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        within(buf.len(), (self.write)(buf))
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        match self.write_vectored.attempt(bufs) {
            Some(answer) => within(bufs.iter().map(|buf| buf.len()).sum(), answer),
            None => self.write(first_slice(bufs)),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<R, W, V, S> Callback for Callbacks<R, W, V, S>
where
    R: FnMut(&mut [u8]) -> io::Result<usize>,
    W: FnMut(&[u8]) -> io::Result<usize>,
    V: WriteVectored,
    S: Shutdown,
{
    fn has_write_vectored(&self) -> bool {
        V::PRESENT
    }

    fn shutdown(&mut self) -> io::Result<()> {
        self.shutdown.attempt()
    }
}

impl<R, W, V, S> fmt::Debug for Callbacks<R, W, V, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Callbacks").finish_non_exhaustive()
    }
}

/// A closure for vectored writes, or none.
pub trait WriteVectored {
    const PRESENT: bool;

    fn attempt(&mut self, bufs: &[IoSlice<'_>]) -> Option<io::Result<usize>>;
}

impl WriteVectored for Absent {
    const PRESENT: bool = false;

    fn attempt(&mut self, _: &[IoSlice<'_>]) -> Option<io::Result<usize>> {
        None
    }
}

impl<V: FnMut(&[IoSlice<'_>]) -> io::Result<usize>> WriteVectored for V {
    const PRESENT: bool = true;

    fn attempt(&mut self, bufs: &[IoSlice<'_>]) -> Option<io::Result<usize>> {
        Some(self(bufs))
    }
}

/// A closure for the shutdown, or none.
pub trait Shutdown {
    fn attempt(&mut self) -> io::Result<()>;
}

impl Shutdown for Absent {
    fn attempt(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<S: FnMut() -> io::Result<()>> Shutdown for S {
    fn attempt(&mut self) -> io::Result<()> {
        self()
    }
}
