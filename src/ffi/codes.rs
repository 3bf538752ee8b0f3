//! Conversions between errors and the error codes of C.

use std::io;

use rustls_ffi::rustls_io_result;

use system::{
    BROKEN_PIPE, CONNECTION_ABORTED, CONNECTION_REFUSED, CONNECTION_RESET, INTERRUPTED,
    NOT_CONNECTED, TIMED_OUT, WOULD_BLOCK,
};
pub(super) use system::{BUSY, FAILED, INVALID};

pub(super) const SUCCESS: rustls_io_result = rustls_io_result(0);

/// Converts an error into a code. Never 0, which would mean success.
pub(super) fn code_of(error: &io::Error) -> rustls_io_result {
    match error.raw_os_error() {
        Some(code) if code != 0 => rustls_io_result(code),
        _ => rustls_io_result(code_of_kind(error.kind())),
    }
}

/// Converts a code other than 0 into an error.
pub(super) fn error_of(code: rustls_io_result) -> io::Error {
    io::Error::from_raw_os_error(code.0)
}

fn code_of_kind(kind: io::ErrorKind) -> i32 {
    match kind {
        io::ErrorKind::WouldBlock => WOULD_BLOCK,
        io::ErrorKind::Interrupted => INTERRUPTED,
        io::ErrorKind::BrokenPipe => BROKEN_PIPE,
        io::ErrorKind::ConnectionAborted => CONNECTION_ABORTED,
        io::ErrorKind::ConnectionRefused => CONNECTION_REFUSED,
        io::ErrorKind::ConnectionReset => CONNECTION_RESET,
        io::ErrorKind::NotConnected => NOT_CONNECTED,
        io::ErrorKind::TimedOut => TIMED_OUT,
        _ => FAILED.0,
    }
}

#[cfg(not(windows))]
mod system {
    use rustls_ffi::rustls_io_result;

    pub(super) const WOULD_BLOCK: i32 = libc::EAGAIN;
    pub(super) const INTERRUPTED: i32 = libc::EINTR;
    pub(super) const BROKEN_PIPE: i32 = libc::EPIPE;
    pub(super) const CONNECTION_ABORTED: i32 = libc::ECONNABORTED;
    pub(super) const CONNECTION_REFUSED: i32 = libc::ECONNREFUSED;
    pub(super) const CONNECTION_RESET: i32 = libc::ECONNRESET;
    pub(super) const NOT_CONNECTED: i32 = libc::ENOTCONN;
    pub(super) const TIMED_OUT: i32 = libc::ETIMEDOUT;
    pub(in crate::ffi) const BUSY: rustls_io_result = rustls_io_result(libc::EBUSY);
    pub(in crate::ffi) const FAILED: rustls_io_result = rustls_io_result(libc::EIO);
    pub(in crate::ffi) const INVALID: rustls_io_result = rustls_io_result(libc::EINVAL);
}

#[cfg(windows)]
mod system {
    use rustls_ffi::rustls_io_result;

    pub(super) const WOULD_BLOCK: i32 = 10035; // WSAEWOULDBLOCK
    pub(super) const INTERRUPTED: i32 = 10004; // WSAEINTR
    pub(super) const BROKEN_PIPE: i32 = 109; // ERROR_BROKEN_PIPE; std reads no WSA code as this kind
    pub(super) const CONNECTION_ABORTED: i32 = 10053; // WSAECONNABORTED
    pub(super) const CONNECTION_REFUSED: i32 = 10061; // WSAECONNREFUSED
    pub(super) const CONNECTION_RESET: i32 = 10054; // WSAECONNRESET
    pub(super) const NOT_CONNECTED: i32 = 10057; // WSAENOTCONN
    pub(super) const TIMED_OUT: i32 = 10060; // WSAETIMEDOUT
    pub(in crate::ffi) const BUSY: rustls_io_result = rustls_io_result(10037); // WSAEALREADY
    // The codes that rustls-ffi itself returns in these two cases, on Windows too.
    pub(in crate::ffi) const FAILED: rustls_io_result = rustls_io_result(libc::EIO);
    pub(in crate::ffi) const INVALID: rustls_io_result = rustls_io_result(libc::EINVAL);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_the_kinds_that_drivers_check() {
        for kind in [
            io::ErrorKind::WouldBlock,
            io::ErrorKind::Interrupted,
            io::ErrorKind::BrokenPipe,
            io::ErrorKind::ConnectionAborted,
            io::ErrorKind::ConnectionRefused,
            io::ErrorKind::ConnectionReset,
            io::ErrorKind::NotConnected,
            io::ErrorKind::TimedOut,
        ] {
            assert_eq!(error_of(code_of(&kind.into())).kind(), kind);
        }
    }

    #[test]
    fn any_code_is_preserved() {
        for code in [1, 4096, i32::MAX, -1, i32::MIN] {
            let code = rustls_io_result(code);
            assert_eq!(code_of(&error_of(code)), code);
        }
    }

    #[test]
    fn an_error_never_becomes_success() {
        assert_eq!(code_of(&io::Error::from_raw_os_error(0)), FAILED);
        assert_eq!(code_of(&io::Error::other("no code")), FAILED);
    }
}
