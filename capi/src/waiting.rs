//! Waiting for a transport, in a call or in the event loop of the program.

use std::ffi::c_int;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::time::{Duration, Instant};

use errno::set_errno;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use crate::transport::Transport;
use crate::{POLLBACK_READABLE, POLLBACK_RESTART, POLLBACK_WRITABLE, boundary, pollback_transport};

/// Returns the descriptor of a transport, for the event loop of the program.
///
/// Watch it for the directions that pollback_transport_interest returns, level-triggered or
/// edge-triggered; when it is ready, make the attempt again.
///
/// # Errors
///
/// Returns -1 and sets errno to EINVAL if `transport` is NULL.
///
/// # Threads
///
/// Any thread, also during an attempt.
///
/// # Ownership
///
/// The transport still owns the descriptor: do not close it. Remove it from the event loop before
/// pollback_transport_free.
///
/// # Blocking
///
/// Never blocks.
///
/// # Safety
///
/// `transport` is NULL or a transport.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pollback_transport_fd(transport: *const pollback_transport) -> c_int {
    // SAFETY: guaranteed by the caller.
    match unsafe { transport.cast::<Transport>().as_ref() } {
        Some(transport) => transport.as_fd().as_raw_fd(),
        None => failed(Errno::INVAL),
    }
}

/// Returns the directions to wait for: those in which the last attempt returned EAGAIN.
///
/// The result is POLLBACK_READABLE, POLLBACK_WRITABLE, both, or 0, and does not change until the
/// next attempt. POLLBACK_READABLE corresponds to POLLIN, POLLBACK_WRITABLE to POLLOUT.
///
/// # Errors
///
/// Returns -1 and sets errno to EINVAL if `transport` is NULL.
///
/// # Threads
///
/// Any thread, also during an attempt.
///
/// # Ownership
///
/// Does not change.
///
/// # Blocking
///
/// Never blocks.
///
/// # Safety
///
/// `transport` is NULL or a transport.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pollback_transport_interest(
    transport: *const pollback_transport,
) -> c_int {
    // SAFETY: guaranteed by the caller.
    match unsafe { transport.cast::<Transport>().as_ref() } {
        Some(transport) => transport.interest(),
        None => failed(Errno::INVAL),
    }
}

/// Waits until the socket is ready in one of `directions`, for at most `timeout_ms` milliseconds,
/// or without a limit if that is negative.
///
/// `directions` is POLLBACK_READABLE, POLLBACK_WRITABLE or both. A socket that has failed, or whose
/// peer has closed the connection, counts as ready: the next attempt returns the reason.
///
/// # Errors
///
/// Returns those of the directions in which the socket is ready, or 0 after the timeout. On failure
/// returns -1 and sets errno: EINVAL if an argument is invalid, EBADF if the descriptor was closed,
/// and EINTR if a signal handler has run, whether or not it was installed with SA_RESTART. With
/// POLLBACK_RESTART in `directions` the wait continues until the timeout instead.
///
/// # Threads
///
/// Any thread, also several at the same time, and also during an attempt.
///
/// # Ownership
///
/// Does not change.
///
/// # Blocking
///
/// Blocks the calling thread. A timeout of 0 does not block.
///
/// # Safety
///
/// `transport` is NULL or a transport, which is not freed during the call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pollback_transport_wait(
    transport: *const pollback_transport,
    directions: c_int,
    timeout_ms: c_int,
) -> c_int {
    let restart = directions & POLLBACK_RESTART != 0;
    let directions = directions & !POLLBACK_RESTART;
    // SAFETY: guaranteed by the caller.
    let transport = unsafe { transport.cast::<Transport>().as_ref() };
    let both = POLLBACK_READABLE | POLLBACK_WRITABLE;
    let Some(transport) = transport.filter(|_| directions != 0 && directions & !both == 0) else {
        return failed(Errno::INVAL);
    };
    let timeout = u64::try_from(timeout_ms).map(Duration::from_millis).ok();
    let waited = boundary(Err(Errno::IO), || {
        wait(transport.as_fd(), directions, timeout, restart)
    });
    waited.unwrap_or_else(failed)
}

fn wait(
    fd: BorrowedFd<'_>,
    directions: c_int,
    timeout: Option<Duration>,
    restart: bool,
) -> Result<c_int, Errno> {
    let mut events = PollFlags::empty();
    events.set(PollFlags::IN, directions & POLLBACK_READABLE != 0);
    events.set(PollFlags::OUT, directions & POLLBACK_WRITABLE != 0);
    // A deadline beyond the range of the clock means no limit.
    let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
    loop {
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let left = left.and_then(|left| Timespec::try_from(left).ok());
        let mut polled = [PollFd::from_borrowed_fd(fd, events)];
        match poll(&mut polled, left.as_ref()) {
            Err(Errno::INTR) if restart => {}
            Err(errno) => return Err(errno),
            Ok(_) => return ready(polled[0].revents(), directions),
        }
    }
}

fn ready(revents: PollFlags, directions: c_int) -> Result<c_int, Errno> {
    if revents.contains(PollFlags::NVAL) {
        return Err(Errno::BADF);
    }
    if revents.intersects(PollFlags::ERR | PollFlags::HUP) {
        return Ok(directions);
    }
    let mut ready = 0;
    if revents.contains(PollFlags::IN) {
        ready |= POLLBACK_READABLE;
    }
    if revents.contains(PollFlags::OUT) {
        ready |= POLLBACK_WRITABLE;
    }
    Ok(ready & directions)
}

/// Sets errno, and returns -1.
fn failed(errno: Errno) -> c_int {
    set_errno(errno::Errno(errno.raw_os_error()));
    -1
}
