//! Attempts on a stream socket that neither block nor raise signals.

use std::io::{self, IoSlice, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::{Errno, FdFlags, fcntl_getfd, fcntl_setfd, retry_on_intr};
use rustix::net::{
    RecvFlags, SendAncillaryBuffer, SendFlags, SocketType, recv, send, sendmsg, sockopt,
};

/// The maximum number of slices that systems accept in one call.
const SLICES: usize = 1024;

// Passed to each call, so that there is no need to change the mode of the socket, which is shared
// with everyone who has inherited or duplicated it, or the disposition of a signal.
const RECEIVE: RecvFlags = RecvFlags::DONTWAIT;
#[cfg(not(target_vendor = "apple"))]
const SEND: SendFlags = SendFlags::DONTWAIT.union(SendFlags::NOSIGNAL);
#[cfg(target_vendor = "apple")]
const SEND: SendFlags = SendFlags::DONTWAIT;

/// Checks that a descriptor is a stream socket.
pub(crate) fn check(fd: BorrowedFd<'_>) -> Result<(), Errno> {
    match sockopt::socket_type(fd)? {
        SocketType::STREAM => Ok(()),
        _ => Err(Errno::PROTOTYPE),
    }
}

/// Makes a socket close-on-exec, and keeps it from raising signals.
pub(crate) fn take_over(fd: BorrowedFd<'_>) -> Result<(), Errno> {
    #[cfg(target_vendor = "apple")]
    sockopt::set_socket_nosigpipe(fd, true)?;
    fcntl_setfd(fd, fcntl_getfd(fd)? | FdFlags::CLOEXEC)
}

/// A connected stream socket.
pub(crate) struct Socket(OwnedFd);

impl Socket {
    pub(crate) fn new(fd: OwnedFd) -> Self {
        Self(fd)
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl Read for &Socket {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let (_, stored) = retry_on_intr(|| recv(&self.0, &mut *buf, RECEIVE))?;
        Ok(stored)
    }
}

impl Write for &Socket {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        Ok(retry_on_intr(|| send(&self.0, buf, SEND))?)
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        // If the limit truncates the list, it must include a non-empty slice, or the result would
        // have to be 0.
        let Some(first) = bufs.iter().position(|buf| !buf.is_empty()) else {
            return Ok(0);
        };
        let bufs = &bufs[first..bufs.len().min(first + SLICES)];
        let mut nothing = SendAncillaryBuffer::default();
        Ok(retry_on_intr(|| {
            sendmsg(&self.0, bufs, &mut nothing, SEND)
        })?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
