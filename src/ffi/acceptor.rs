//! Servers with a `rustls_acceptor`.

use std::fmt;
use std::future::Future;
use std::io::{self, Read, Write};
use std::pin::Pin;
use std::ptr::null_mut;
use std::task::{Context, Poll};

use rustls::{AlertDescription, Side};
use rustls_ffi::acceptor::{rustls_accepted, rustls_accepted_alert, rustls_acceptor};
use rustls_ffi::rustls_result;
use rustls_ffi::server::rustls_server_config;
use tokio::io::{AsyncRead, AsyncWrite};

use super::failure::{error_of, is_alert};
use super::lend::{lend_read, lend_write};
use super::owned::Owned;
use super::{FfiConnection, read, write};
use crate::engine::{AcceptHello, Alert, Feed, InputBuffer};
use crate::stream::{Handshake, ReadClientHello, TlsStream};

/// Reads a ClientHello from the transport `IO` with a `rustls_acceptor`, so that the server can choose
/// its configuration.
///
/// Resolves to an [`FfiAccepted`]. [`LazyConfigAcceptor`](crate::LazyConfigAcceptor) does the same
/// without C.
///
/// # Errors
///
/// As for [`Handshake`]. If rustls rejects the ClientHello, an alert is sent through
/// `rustls_accepted_alert_write_tls` before the error is returned. Polling it again after it has
/// resolved to an `FfiAccepted`, or after [`take_io`](Self::take_io), returns an error.
///
/// # Cancel safety
///
/// It is cancel safe if it is awaited by reference and then awaited again: no byte is lost.
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct FfiAcceptor<IO> {
    read_client_hello: ReadClientHello<Owned<rustls_acceptor>>,
    io: Option<IO>,
}

impl<IO> FfiAcceptor<IO>
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    /// Creates a future that reads a ClientHello from `io`.
    pub fn new(io: IO) -> Self {
        // SAFETY: the acceptor has just been created for us.
        let acceptor = unsafe { Owned::new(rustls_acceptor::rustls_acceptor_new()) };
        let acceptor = acceptor.expect("rustls-ffi makes an acceptor");
        Self {
            read_client_hello: ReadClientHello::new(acceptor),
            io: Some(io),
        }
    }

    /// Returns the transport, after a failure or to stop waiting.
    ///
    /// Returns `None` if it was taken before or has become part of the [`FfiAccepted`]. Bytes of the
    /// ClientHello that were read are lost.
    pub fn take_io(&mut self) -> Option<IO> {
        self.io.take()
    }
}

impl AcceptHello for Owned<rustls_acceptor> {
    type Accepted = Owned<rustls_accepted>;

    fn read_tls(&mut self, source: &mut dyn Read) -> io::Result<usize> {
        let acceptor = self.as_mut_ptr();
        lend_read(source, |userdata, out_n| {
            rustls_acceptor::rustls_acceptor_read_tls(acceptor, Some(read), userdata, out_n)
        })
    }

    fn accept(&mut self) -> Result<Option<Self::Accepted>, (Alert, io::Error)> {
        let mut accepted = null_mut();
        let mut alert = null_mut();
        let result =
            rustls_acceptor::rustls_acceptor_accept(self.as_mut_ptr(), &mut accepted, &mut alert);
        // SAFETY: each is still null, or it has just been created for us.
        let (accepted, alert) = unsafe { (Owned::new(accepted), Owned::new(alert)) };
        match result {
            rustls_result::Ok => Ok(accepted),
            rustls_result::AcceptorNotReady => Ok(None),
            result => Err((alert_for(result, alert), error_of(result).into())),
        }
    }
}

impl<IO> Future for FfiAcceptor<IO>
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    type Output = io::Result<FfiAccepted<IO>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let start = this.read_client_hello.poll_start(&mut this.io, cx);
        start.map_ok(|(accepted, io, input)| FfiAccepted {
            accepted,
            io,
            input,
        })
    }
}

/// A ClientHello and the transport that it came from, with which the handshake continues.
pub struct FfiAccepted<IO> {
    accepted: Owned<rustls_accepted>,
    io: IO,
    /// What was read after the ClientHello.
    input: InputBuffer,
}

impl<IO> FfiAccepted<IO>
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    /// Returns the ClientHello, for the functions of rustls-ffi that query it.
    pub fn as_ptr(&self) -> *const rustls_accepted {
        self.accepted.as_ptr()
    }

    /// Returns the transport.
    pub fn get_ref(&self) -> &IO {
        &self.io
    }

    /// Continues the handshake with `config`. If the configuration does not suit the client, an
    /// alert is sent.
    ///
    /// # Safety
    ///
    /// `config` is null, which is an error, or valid; what was attached to it (callbacks) can be used
    /// from any thread while the connection exists.
    pub unsafe fn into_stream(
        mut self,
        config: *const rustls_server_config,
    ) -> Handshake<IO, FfiConnection> {
        let mut connection = null_mut();
        let mut alert = null_mut();
        let result = rustls_accepted::rustls_accepted_into_connection(
            self.accepted.as_mut_ptr(),
            config,
            &mut connection,
            &mut alert,
        );
        // SAFETY: each is still null, or it has just been created for us, with what is attached to
        // it as guaranteed by the caller.
        let made = unsafe { (Owned::new(connection), Owned::new(alert)) };
        match made {
            (Some(connection), _) => {
                let mut connection = FfiConnection::over(connection, Side::Server);
                let failure = connection.process().err();
                Handshake::new(TlsStream::new(self.io, connection, self.input).failed_by(failure))
            }
            (None, alert) => {
                Handshake::refused(self.io, alert_for(result, alert), error_of(result).into())
            }
        }
    }
}

/// The alert that rustls-ffi has prepared for a rejected ClientHello, or a suitable one if it has
/// prepared none.
fn alert_for(result: rustls_result, prepared: Option<Owned<rustls_accepted_alert>>) -> Alert {
    let mut record = Vec::new();
    if let Some(mut prepared) = prepared {
        // Writing to a vector does not fail.
        while matches!(write_alert(&mut prepared, &mut record), Ok(1..)) {}
    }
    let otherwise = match result {
        rustls_result::InappropriateMessage | rustls_result::InappropriateHandshakeMessage => {
            Some(AlertDescription::UnexpectedMessage)
        }
        _ if is_alert(result) => None,
        _ => Some(AlertDescription::InternalError),
    };
    Alert::prepared(record, otherwise)
}

fn write_alert(
    alert: &mut Owned<rustls_accepted_alert>,
    sink: &mut dyn Write,
) -> io::Result<usize> {
    let alert = alert.as_mut_ptr();
    lend_write(sink, |userdata, out_n| {
        rustls_accepted_alert::rustls_accepted_alert_write_tls(alert, Some(write), userdata, out_n)
    })
}

impl<IO: fmt::Debug> fmt::Debug for FfiAcceptor<IO> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FfiAcceptor")
            .field("io", &self.io)
            .finish_non_exhaustive()
    }
}

impl<IO: fmt::Debug> fmt::Debug for FfiAccepted<IO> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FfiAccepted")
            .field("io", &self.io)
            .finish_non_exhaustive()
    }
}
