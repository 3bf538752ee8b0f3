//! Closes a stream without a reset.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncBufRead, AsyncRead, AsyncWrite};

use super::TlsStream;
use super::transport::Budget;
use crate::engine::Engine;

impl<IO, C> TlsStream<IO, C>
where
    IO: AsyncRead + AsyncWrite + Unpin,
    C: Engine,
{
    /// Shuts down, then reads and discards what the peer still sends, until the peer has closed too.
    ///
    /// A kernel responds to unread bytes with a reset, which destroys what was written and is still in
    /// transit. So where the peer may still be sending (session tickets, the rest of a request with an
    /// early response), a shutdown before the drop is not enough: the reset follows when the bytes
    /// arrive. After this function the stream can be dropped safely.
    ///
    /// There is no timeout, nor a limit on what the peer sends: wrap it in `tokio::time::timeout`.
    ///
    /// # Errors
    ///
    /// Those of the shutdown and of reads, except that the end of the transport without a
    /// close_notify is not an error here.
    ///
    /// # Cancel safety
    ///
    /// It can be dropped and called again; what was read until then is discarded.
    ///
    /// ```no_run
    /// use std::time::Duration;
    /// use tokio::io::AsyncWriteExt;
    /// use tokio::net::TcpStream;
    ///
    /// # async fn report(mut stream: pollback::client::TlsStream<TcpStream>) -> std::io::Result<()> {
    /// stream.write_all(b"the last report").await?;
    /// tokio::time::timeout(Duration::from_secs(5), stream.close()).await?
    /// # }
    /// ```
    pub async fn close(&mut self) -> io::Result<()> {
        let (mut shut, mut ended) = (false, false);
        poll_fn(|cx| {
            // Both at the same time: the peer may not read until its own bytes are read.
            shut = shut || Pin::new(&mut *self).poll_shutdown(cx)?.is_ready();
            ended = ended || self.poll_discard(cx)?.is_ready();
            match shut && ended {
                true => Poll::Ready(Ok(())),
                false => Poll::Pending,
            }
        })
        .await
    }

    /// Ready once the peer has closed. Data that arrives until then is discarded.
    fn poll_discard(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut budget = Budget::new();
        while !budget.is_spent() {
            let length = match ready!(Pin::new(&mut *self).poll_fill_buf(cx)) {
                Ok([]) => return Poll::Ready(Ok(())),
                Ok(chunk) => chunk.len(),
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    return Poll::Ready(Ok(()));
                }
                Err(error) => return Poll::Ready(Err(error)),
            };
            Pin::new(&mut *self).consume(length);
            budget.spend(length);
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}
