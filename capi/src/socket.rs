//! Attempts at a stream socket that raise no signal.

use std::io::{self, IoSlice, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use pollback::callback::Callback;
use rustix::io::{Errno, ioctl_fionbio};
use rustix::net::{
    RecvFlags, SendAncillaryBuffer, SendFlags, Shutdown, SocketType, recv, send, sendmsg, shutdown,
    sockopt,
};

/// The most slices that systems take in one call.
const SLICES: usize = 1024;

// std and tokio write slices with `writev`, which kills a C program when the peer has gone.
#[cfg(not(target_vendor = "apple"))]
const FLAGS: SendFlags = SendFlags::NOSIGNAL;
#[cfg(target_vendor = "apple")]
const FLAGS: SendFlags = SendFlags::empty();

/// A connected stream socket in non-blocking mode.
pub(crate) struct Socket(Arc<OwnedFd>);

impl Socket {
    pub(crate) fn new(fd: Arc<OwnedFd>) -> Self {
        Self(fd)
    }

    /// Checks that it is a stream socket, and makes it one that neither blocks nor raises signals.
    pub(crate) fn prepare(fd: BorrowedFd<'_>) -> io::Result<()> {
        if sockopt::socket_type(fd)? != SocketType::STREAM {
            return Err(Errno::PROTOTYPE.into());
        }
        #[cfg(target_vendor = "apple")]
        sockopt::set_socket_nosigpipe(fd, true)?;
        ioctl_fionbio(fd, true)?;
        Ok(())
    }
}

impl Read for Socket {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let (_, stored) = recv(self.0.as_fd(), buf, RecvFlags::empty())?;
        Ok(stored)
    }
}

impl Write for Socket {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        Ok(send(self.0.as_fd(), buf, FLAGS)?)
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        // Past the limit there must be something before it, or 0 would be the only honest answer.
        let Some(first) = bufs.iter().position(|buf| !buf.is_empty()) else {
            return Ok(0);
        };
        let bufs = &bufs[first..bufs.len().min(first + SLICES)];
        let mut nothing = SendAncillaryBuffer::default();
        Ok(sendmsg(self.0.as_fd(), bufs, &mut nothing, FLAGS)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Callback for Socket {
    fn has_write_vectored(&self) -> bool {
        true
    }

    fn shutdown(&mut self) -> io::Result<()> {
        Ok(shutdown(self.0.as_fd(), Shutdown::Write)?)
    }
}
