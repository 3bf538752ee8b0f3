//! Reading a header from a transport.

use std::future::poll_fn;
use std::io;
use std::task::{Context, Poll, ready};

use tokio::io::AsyncRead;

use super::error::HeaderError;
use super::header::ProxyHeader;
use super::parse::{Length, length};
use crate::callback::{CHUNKS_PER_POLL, poll_chunk};

/// Reads a header of version 1 or 2 from `io`, and no byte after it.
///
/// There is no timeout: wrap it in `tokio::time::timeout`.
///
/// # Errors
///
/// A [`HeaderError`] inside an [`io::Error`], or an error of the transport, unchanged.
///
/// # Cancel safety
///
/// This function is not cancel safe: dropping the future loses the part of the header that was
/// read.
///
/// ```
/// use pollback::proxy_protocol::read_header;
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let mut transport = &b"PROXY TCP4 192.0.2.1 192.0.2.2 4711 443\r\nthe client's bytes"[..];
/// let header = read_header(&mut transport).await?;
/// let addresses = header.proxied_address().expect("a client");
/// assert_eq!(addresses.source.to_string(), "192.0.2.1:4711");
/// assert_eq!(transport, b"the client's bytes");
/// # std::io::Result::Ok(())
/// # }).unwrap();
/// ```
pub async fn read_header<IO>(io: &mut IO) -> io::Result<ProxyHeader>
where
    IO: AsyncRead + Unpin,
{
    let mut reading = Reading::default();
    poll_fn(|cx| reading.poll(io, cx)).await
}

/// A header that is being read.
#[derive(Default)]
pub(crate) struct Reading(Vec<u8>);

impl Reading {
    /// Whether the peer has sent anything.
    #[cfg(feature = "listener")]
    pub(crate) fn has_begun(&self) -> bool {
        !self.0.is_empty()
    }

    pub(crate) fn poll<IO>(
        &mut self,
        io: &mut IO,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<ProxyHeader>>
    where
        IO: AsyncRead + Unpin,
    {
        for _ in 0..CHUNKS_PER_POLL {
            let missing = match length(&self.0)? {
                // A line that is shorter than every header is complete before it was read in full.
                Length::Exactly(length) | Length::AtLeast(length) => {
                    length.saturating_sub(self.0.len())
                }
            };
            if missing == 0 {
                let parsed = ProxyHeader::parse(&self.0)?;
                let (header, _) = parsed.ok_or(HeaderError::Truncated)?;
                return Poll::Ready(Ok(header));
            }
            let bytes = &mut self.0;
            let read = poll_chunk(io, cx, missing, |chunk| {
                bytes.extend_from_slice(chunk);
                chunk.len()
            });
            match ready!(read) {
                Ok(0) => return Poll::Ready(Err(HeaderError::Truncated.into())),
                Ok(_) => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}
