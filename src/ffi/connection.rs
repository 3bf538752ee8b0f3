//! Connections of rustls-ffi.

use std::fmt;
use std::ops::Range;
use std::ptr::NonNull;

use rustls::Side;
use rustls_ffi::connection::rustls_connection;
use tokio::io::{AsyncRead, AsyncWrite};

use super::owned::Owned;
use crate::engine::{Engine, InputBuffer};
use crate::stream::{Handshake, TlsStream};

/// A connection of rustls-ffi, which a [`TlsStream`] drives like one of rustls.
///
/// The C interface imposes two differences: there is no early data, and received plaintext is
/// copied once more. The results of rustls-ffi become [`Error`](crate::Error)s with a
/// [`FfiError`](super::FfiError) as their source.
///
/// The connection is freed when this is dropped.
///
/// ```no_run
/// use pollback::ffi::FfiConnection;
/// use pollback::ffi::rustls_ffi::client::rustls_client_config;
/// use pollback::ffi::rustls_ffi::rustls_result;
/// use std::ptr::{NonNull, null_mut};
/// use tokio::net::TcpStream;
///
/// # async fn connect(config: *const rustls_client_config) -> std::io::Result<()> {
/// let mut raw = null_mut();
/// let result = rustls_client_config::rustls_client_connection_new(
///     config,
///     c"example.com".as_ptr(),
///     &mut raw,
/// );
/// assert_eq!(result, rustls_result::Ok);
/// // SAFETY: the connection has just been created, and nothing else refers to it.
/// let connection = unsafe { FfiConnection::client(NonNull::new(raw).unwrap()) };
///
/// let tcp = TcpStream::connect("example.com:443").await?;
/// let stream = connection.handshake(tcp).await?;
/// # Ok(())
/// # }
/// ```
pub struct FfiConnection {
    pub(super) connection: Owned<rustls_connection>,
    pub(super) side: Side,
    /// A buffer for plaintext read from the connection, and the range that is unread.
    pub(super) room: Vec<u8>,
    pub(super) plaintext: Range<usize>,
}

impl FfiConnection {
    /// Takes ownership of a connection from `rustls_client_connection_new` or
    /// `rustls_client_connection_new_alpn`.
    ///
    /// # Safety
    ///
    /// Nothing else uses or frees the connection while this value owns it. What was attached to it and
    /// to its configuration (userdata and callbacks) can be used from any thread.
    pub unsafe fn client(connection: NonNull<rustls_connection>) -> Self {
        // SAFETY: guaranteed by the caller.
        unsafe { Self::new(connection, Side::Client) }
    }

    /// Takes ownership of a connection from `rustls_server_connection_new` or
    /// `rustls_accepted_into_connection`.
    ///
    /// # Safety
    ///
    /// As for [`client`](Self::client).
    pub unsafe fn server(connection: NonNull<rustls_connection>) -> Self {
        // SAFETY: guaranteed by the caller.
        unsafe { Self::new(connection, Side::Server) }
    }

    unsafe fn new(connection: NonNull<rustls_connection>, side: Side) -> Self {
        // SAFETY: guaranteed by the caller.
        Self::over(unsafe { Owned::from_raw(connection) }, side)
    }

    pub(super) fn over(connection: Owned<rustls_connection>, side: Side) -> Self {
        Self {
            connection,
            side,
            room: Vec::new(),
            plaintext: 0..0,
        }
    }

    /// Performs the handshake over the transport `io`, or continues a connection whose handshake is
    /// complete.
    ///
    /// If the handshake of a server's connection has not begun, the connection must not have
    /// received a partial record.
    ///
    /// See [`Handshake`] for errors and cancel safety.
    pub fn handshake<IO>(self, io: IO) -> Handshake<IO, Self>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        let is_new = self.is_handshaking() && !self.has_version();
        match is_new {
            true => Handshake::new(TlsStream::new(io, self, InputBuffer::default())),
            // It may have read a partial record.
            false => Handshake::new(TlsStream::adopt(io, self, InputBuffer::unframed())),
        }
    }

    /// Returns the connection, for the functions of rustls-ffi that query it.
    pub fn as_ptr(&self) -> *const rustls_connection {
        self.connection.as_ptr()
    }

    /// Returns the connection, for the functions of rustls-ffi that change it.
    ///
    /// What is read or processed through it is missing from the stream.
    pub fn as_mut_ptr(&mut self) -> *mut rustls_connection {
        self.connection.as_mut_ptr()
    }

    /// Returns the connection, and the plaintext that was taken out of it and not read.
    pub fn into_parts(self) -> (NonNull<rustls_connection>, Vec<u8>) {
        let plaintext = self.room[self.plaintext].to_vec();
        (self.connection.into_raw(), plaintext)
    }
}

impl fmt::Debug for FfiConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FfiConnection")
            .field("side", &self.side)
            .field("plaintext", &self.plaintext.len())
            .finish_non_exhaustive()
    }
}
