//! The server's way over a `rustls_acceptor`.

use std::fmt;
use std::future::Future;
use std::io::{self, Write};
use std::pin::Pin;
use std::ptr::null_mut;
use std::task::{Context, Poll, ready};

use rustls::{AlertDescription, Side};
use rustls_ffi::acceptor::{rustls_accepted, rustls_accepted_alert, rustls_acceptor};
use rustls_ffi::rustls_result;
use rustls_ffi::server::rustls_server_config;
use tokio::io::{AsyncRead, AsyncWrite};

use super::failure::{error_of, is_alert};
use super::lend::{lend_read, lend_write};
use super::owned::Owned;
use super::{FfiConnection, read, write};
use crate::callback::{ATTEMPTS_PER_POLL, Attempt};
use crate::engine::Alert;
use crate::error::ErrorKind;
use crate::stream::{Handshake, Refusal};

/// Reads a ClientHello from the transport `IO` with a `rustls_acceptor`, so that the configuration
/// can be chosen by it.
///
/// Resolves to an [`FfiAccepted`]. [`LazyConfigAcceptor`](crate::LazyConfigAcceptor) is the same
/// without C.
///
/// # Errors
///
/// As [`Handshake`]. A ClientHello that is refused is answered with an alert first, through
/// `rustls_accepted_alert_write_tls`. Polled after it has resolved to an `FfiAccepted` or after
/// [`take_io`](Self::take_io) it fails again.
///
/// # Cancel safety
///
/// A poll that is dropped loses nothing: await it by reference and it can go on later.
pub struct FfiAcceptor<IO> {
    acceptor: Owned<rustls_acceptor>,
    io: Option<IO>,
    refused: Option<(Refusal, rustls_result)>,
}

impl<IO> FfiAcceptor<IO>
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    /// Reads a ClientHello from `io`.
    pub fn new(io: IO) -> Self {
        // SAFETY: the acceptor has just been made for us.
        let acceptor = unsafe { Owned::new(rustls_acceptor::rustls_acceptor_new()) };
        Self {
            acceptor: acceptor.expect("rustls-ffi makes an acceptor"),
            io: Some(io),
            refused: None,
        }
    }

    /// Takes the transport back: after a failure, or to give up waiting.
    ///
    /// `None` if it was taken before, or went into the [`FfiAccepted`]. Bytes of the ClientHello
    /// that were read stay in the acceptor.
    pub fn take_io(&mut self) -> Option<IO> {
        self.io.take()
    }

    fn accept(&mut self) -> Result<Option<Owned<rustls_accepted>>, (Alert, rustls_result)> {
        let mut accepted = null_mut();
        let mut alert = null_mut();
        let result = rustls_acceptor::rustls_acceptor_accept(
            self.acceptor.as_mut_ptr(),
            &mut accepted,
            &mut alert,
        );
        // SAFETY: each is still null, or it has just been made for us.
        let (accepted, alert) = unsafe { (Owned::new(accepted), Owned::new(alert)) };
        match result {
            rustls_result::Ok => Ok(accepted),
            rustls_result::AcceptorNotReady => Ok(None),
            result => Err((alert_for(result, alert), result)),
        }
    }

    fn poll_refuse(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        if let (Some((refusal, _)), Some(io)) = (&mut self.refused, &mut self.io) {
            ready!(refusal.poll_deliver(io, cx));
        }
        Poll::Ready(match self.refused.take() {
            Some((_, result)) => error_of(result),
            None => io::Error::other("a ClientHello was asked for after it was given"),
        })
    }
}

impl<IO> Future for FfiAcceptor<IO>
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    type Output = io::Result<FfiAccepted<IO>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        for _ in 0..ATTEMPTS_PER_POLL {
            let Some(io) = this.io.as_mut().filter(|_| this.refused.is_none()) else {
                return Poll::Ready(Err(ready!(this.poll_refuse(cx))));
            };
            let acceptor = this.acceptor.as_mut_ptr();
            let mut transport = Attempt::new(Pin::new(io), cx);
            match lend_read(&mut transport, |userdata, out_n| {
                rustls_acceptor::rustls_acceptor_read_tls(acceptor, Some(read), userdata, out_n)
            }) {
                Ok(0) => return Poll::Ready(Err(ErrorKind::Truncated.into())),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Poll::Pending,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Poll::Ready(Err(error)),
            }
            match this.accept() {
                Ok(None) => {}
                Ok(Some(accepted)) => {
                    if let Some(io) = this.io.take() {
                        return Poll::Ready(Ok(FfiAccepted { accepted, io }));
                    }
                }
                Err((alert, result)) => this.refused = Some((Refusal::new(alert), result)),
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

/// A ClientHello and the transport that it came from; the handshake goes on from here.
pub struct FfiAccepted<IO> {
    accepted: Owned<rustls_accepted>,
    io: IO,
}

impl<IO> FfiAccepted<IO>
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    /// The ClientHello, for the functions of rustls-ffi that tell something of it.
    pub fn as_ptr(&self) -> *const rustls_accepted {
        self.accepted.as_ptr()
    }

    /// The transport.
    pub fn get_ref(&self) -> &IO {
        &self.io
    }

    /// Goes on with the handshake under `config`. If that refuses the client, the client gets an
    /// alert.
    ///
    /// # Safety
    ///
    /// `config` is null, which fails, or alive; what was attached to it (callbacks) can be used
    /// from any thread as long as the connection lives.
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
        // SAFETY: each is still null, or it has just been made for us, with what is attached to it
        // as demanded of the caller.
        let made = unsafe { (Owned::new(connection), Owned::new(alert)) };
        match made {
            (Some(connection), _) => {
                let mut connection = FfiConnection::over(connection, Side::Server);
                connection.process_arrived();
                connection.handshake(self.io)
            }
            (None, alert) => {
                Handshake::refused(self.io, alert_for(result, alert), error_of(result))
            }
        }
    }
}

/// What rustls-ffi has prepared for a ClientHello that it refuses, or what fits if it has prepared
/// nothing.
fn alert_for(result: rustls_result, prepared: Option<Owned<rustls_accepted_alert>>) -> Alert {
    let mut record = Vec::new();
    if let Some(mut prepared) = prepared {
        // A vector takes everything.
        while matches!(write_alert(&mut prepared, &mut record), Ok(1..)) {}
    }
    let otherwise = match result {
        rustls_result::InappropriateMessage => Some(AlertDescription::UnexpectedMessage),
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
