//! Connections of rustls-ffi as an engine.

use std::fmt;
use std::io::{self, IoSlice, Read, Write};
use std::ptr::NonNull;

use rustls::{ProtocolVersion, Side};
use rustls_ffi::connection::rustls_connection;
use rustls_ffi::rustls_result;
use tokio::io::{AsyncRead, AsyncWrite};

use super::failure::error_of;
use super::lend::{lend_read, lend_write};
use super::owned::Owned;
use super::{read, write_vectored};
use crate::engine::{Engine, Failure, Inbox, Nothing};
use crate::error::ErrorKind;
use crate::stream::{Handshake, TlsStream};

/// How much plaintext is taken out of the connection at once: a record.
const CHUNK: usize = 16 * 1024;

/// A connection of rustls-ffi, which [`TlsStream`] drives like one of rustls.
///
/// Differences are those of the C interface: it has no early data, and plaintext is copied once
/// more on its way in. The results of rustls-ffi become [`Error`](crate::Error)s with a
/// [`Refused`](super::Refused) as their source.
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
/// // SAFETY: the connection has just been made, and nobody else knows of it.
/// let connection = unsafe { FfiConnection::client(NonNull::new(raw).unwrap()) };
///
/// let tcp = TcpStream::connect("example.com:443").await?;
/// let stream = connection.handshake(tcp).await?;
/// # Ok(())
/// # }
/// ```
pub struct FfiConnection {
    connection: Owned<rustls_connection>,
    side: Side,
    /// Plaintext that was taken out of the connection, and how much of it is consumed.
    chunk: Vec<u8>,
    consumed: usize,
    /// Why the connection has refused what the peer sent.
    refused: Option<rustls_result>,
}

impl FfiConnection {
    /// Takes over a connection that `rustls_client_connection_new` or
    /// `rustls_client_connection_new_alpn` made.
    ///
    /// # Safety
    ///
    /// Nothing else uses or frees the connection as long as this value has it. What was attached to
    /// it and to its configuration (userdata and callbacks) can be used from any thread.
    pub unsafe fn client(connection: NonNull<rustls_connection>) -> Self {
        // SAFETY: as demanded of the caller.
        unsafe { Self::new(connection, Side::Client) }
    }

    /// Takes over a connection that `rustls_server_connection_new` or
    /// `rustls_accepted_into_connection` made.
    ///
    /// # Safety
    ///
    /// As for [`client`](Self::client).
    pub unsafe fn server(connection: NonNull<rustls_connection>) -> Self {
        // SAFETY: as demanded of the caller.
        unsafe { Self::new(connection, Side::Server) }
    }

    unsafe fn new(connection: NonNull<rustls_connection>, side: Side) -> Self {
        // SAFETY: as demanded of the caller.
        Self::over(unsafe { Owned::from_raw(connection) }, side)
    }

    pub(super) fn over(connection: Owned<rustls_connection>, side: Side) -> Self {
        Self {
            connection,
            side,
            chunk: Vec::new(),
            consumed: 0,
            refused: None,
        }
    }

    /// Makes a TLS connection on the transport `io`, or goes on with one whose handshake is done.
    ///
    /// See [`Handshake`] for its errors and what happens when it is dropped.
    pub fn handshake<IO>(self, io: IO) -> Handshake<IO, Self>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        Handshake::new(TlsStream::new(io, self))
    }

    /// The connection, for the functions of rustls-ffi that tell something of it.
    pub fn as_ptr(&self) -> *const rustls_connection {
        self.connection.as_ptr()
    }

    /// The connection, for the functions of rustls-ffi that change something of it.
    ///
    /// What is read or processed through it is missing here.
    pub fn as_mut_ptr(&mut self) -> *mut rustls_connection {
        self.connection.as_mut_ptr()
    }

    /// Gives the connection away, and the plaintext that was taken out of it and not read.
    pub fn into_parts(self) -> (NonNull<rustls_connection>, Vec<u8>) {
        let mut plaintext = self.chunk;
        plaintext.drain(..self.consumed);
        (self.connection.into_raw(), plaintext)
    }

    fn read_tls(&mut self, source: &mut dyn Read) -> io::Result<usize> {
        let connection = self.as_mut_ptr();
        lend_read(source, |userdata, out_n| {
            rustls_connection::rustls_connection_read_tls(connection, Some(read), userdata, out_n)
        })
    }

    fn process_new_packets(&mut self) -> Result<(), Failure> {
        let result = rustls_connection::rustls_connection_process_new_packets(self.as_mut_ptr());
        if result != rustls_result::Ok {
            self.refused = Some(result);
        }
        self.check_refused()
    }

    /// Processes what came with the ClientHello. If it is refused, driving the connection tells.
    pub(super) fn process_arrived(&mut self) {
        let _ = self.process_new_packets();
    }

    fn check_refused(&self) -> Result<(), Failure> {
        match self.refused {
            Some(result) => Err(Failure::new(error_of(result))),
            None => Ok(()),
        }
    }

    /// Whether more ciphertext could only pile up.
    fn is_full(&mut self) -> bool {
        !matches!(self.plaintext(), Err(error) if error.kind() == io::ErrorKind::WouldBlock)
    }

    /// Takes a chunk of plaintext out of the connection; says how much.
    fn refill(&mut self) -> io::Result<usize> {
        self.chunk.resize(CHUNK, 0);
        self.consumed = 0;
        let mut count = 0;
        let result = rustls_connection::rustls_connection_read(
            self.connection.as_mut_ptr(),
            self.chunk.as_mut_ptr(),
            self.chunk.len(),
            &mut count,
        );
        self.chunk.truncate(count);
        match result {
            rustls_result::Ok => Ok(count),
            rustls_result::PlaintextEmpty => {
                // Whoever waits should not hold memory meanwhile.
                self.chunk = Vec::new();
                Err(io::ErrorKind::WouldBlock.into())
            }
            rustls_result::UnexpectedEof => Err(ErrorKind::Truncated.into()),
            result => Err(error_of(result)),
        }
    }

    fn write(&mut self, plaintext: &[u8]) -> io::Result<usize> {
        let mut count = 0;
        let result = rustls_connection::rustls_connection_write(
            self.as_mut_ptr(),
            plaintext.as_ptr(),
            plaintext.len(),
            &mut count,
        );
        match result {
            rustls_result::Ok => Ok(count),
            // That it has failed is all that rustls-ffi says here.
            result => Err(error_of(self.refused.unwrap_or(result))),
        }
    }
}

impl Engine for FfiConnection {
    fn is_handshaking(&self) -> bool {
        rustls_connection::rustls_connection_is_handshaking(self.as_ptr())
    }

    fn is_awaited(&self) -> bool {
        // A server of TLS 1.3 that is done has had the client's last word; it owes only tickets.
        let version = rustls_connection::rustls_connection_get_protocol_version(self.as_ptr());
        !(self.side == Side::Server && version == u16::from(ProtocolVersion::TLSv1_3))
    }

    fn wants_write(&self) -> bool {
        rustls_connection::rustls_connection_wants_write(self.as_ptr())
    }

    fn receive(
        &mut self,
        inbox: &mut Inbox,
        source: &mut dyn Read,
    ) -> io::Result<Result<usize, Failure>> {
        if let Err(failure) = self.check_refused() {
            return Ok(Err(failure));
        }
        if inbox.is_empty() {
            if let Err(error) = inbox.fill(source) {
                // This makes the connection release the buffer that the last record needed.
                return match self.read_tls(&mut Nothing) {
                    Err(full) if full.kind() != io::ErrorKind::WouldBlock => Ok(Err(too_large())),
                    _ => Err(error),
                };
            }
        }
        let mut total = 0;
        loop {
            // To be asked once for an empty inbox is how the connection learns of the end.
            match self.read_tls(inbox) {
                Ok(0) => return Ok(Ok(total)),
                Ok(taken) => total += taken,
                // The inbox does not fail.
                Err(_) => return Ok(Err(too_large())),
            }
            match self.process_new_packets() {
                Ok(()) if inbox.is_empty() || self.is_full() => return Ok(Ok(total)),
                Ok(()) => {}
                // What came before the failure comes first; the connection stays failed.
                Err(_) if matches!(self.plaintext(), Ok([_, ..])) => return Ok(Ok(total)),
                Err(failure) => return Ok(Err(failure)),
            }
        }
    }

    fn absorb(&mut self, inbox: &mut Inbox) {
        // Both calls refuse what there is no more room for.
        while !inbox.is_empty() && self.read_tls(inbox).is_ok_and(|taken| taken > 0) {
            if self.process_new_packets().is_err() {
                return;
            }
        }
    }

    fn plaintext(&mut self) -> io::Result<&[u8]> {
        if self.consumed == self.chunk.len() {
            self.refill()?;
        }
        Ok(&self.chunk[self.consumed..])
    }

    fn consume(&mut self, taken: usize) {
        assert!(
            taken <= self.chunk.len() - self.consumed,
            "more was consumed than there is"
        );
        self.consumed += taken;
    }

    fn send(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        match slices {
            [slice] => self.write(slice),
            // One after the other, each slice would become a record.
            slices => {
                let gathered: Vec<&[u8]> = slices.iter().map(|slice| &**slice).collect();
                self.write(&gathered.concat())
            }
        }
    }

    fn send_early(&mut self, _: &[u8]) -> io::Result<usize> {
        Ok(0)
    }

    fn is_early_data_accepted(&self) -> bool {
        false
    }

    fn queue_answers(&mut self) {
        // rustls keeps the answer to a key update back until the next write, of whatever length.
        let _ = self.write(&[]);
    }

    fn transmit(&mut self, sink: &mut dyn Write) -> io::Result<usize> {
        let connection = self.as_mut_ptr();
        lend_write(sink, |userdata, out_n| {
            rustls_connection::rustls_connection_write_tls_vectored(
                connection,
                Some(write_vectored),
                userdata,
                out_n,
            )
        })
    }

    fn close(&mut self) {
        rustls_connection::rustls_connection_send_close_notify(self.as_mut_ptr());
    }
}

/// A message grew beyond what the connection can hold, for which rustls-ffi has no result.
fn too_large() -> Failure {
    Failure::new(error_of(rustls_result::MessageHandshakePayloadTooLarge))
}

impl fmt::Debug for FfiConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FfiConnection")
            .field("side", &self.side)
            .field("plaintext", &(self.chunk.len() - self.consumed))
            .field("refused", &self.refused)
            .finish_non_exhaustive()
    }
}
