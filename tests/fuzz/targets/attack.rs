//! A stream whose peer sends what the input contains.

use std::error;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pollback::{Error, ErrorKind};
use pollback_testkit::executor::Executor;
use pollback_testkit::pipe::{Control, End, pipe};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};

use super::input::Input;
use super::streams::Transport;
use super::version::Verdict;

/// The behaviour of the peer.
pub(super) struct Manner {
    capacity: usize,
    /// How many bytes are sent before the subject is polled.
    chunk: usize,
    /// Reads nothing, and closes when it can send nothing more.
    deaf: bool,
    /// How much the subject reads at once.
    pub(super) room: usize,
}

impl Manner {
    pub(super) fn take(input: &mut Input<'_>) -> Self {
        Self {
            capacity: input.choose(&[1 << 16, 1, 100, 5000]),
            chunk: input.choose(&[1 << 16, 1, 5, 1000]),
            deaf: input.flag(),
            room: input.choose(&[1 << 16, 1, 300]),
        }
    }
}

/// Runs `subject` against a peer that sends `bytes`, and checks properties that hold for all bytes,
/// for example that the result is that of rustls alone (`expected`).
///
/// Returns whether it had a clean end.
pub(super) fn attack<E, F>(
    manner: &Manner,
    bytes: &[u8],
    expected: &Verdict<E>,
    subject: impl FnOnce(Box<dyn Transport>) -> F,
) -> bool
where
    E: error::Error + PartialEq + 'static,
    F: Future<Output = io::Result<()>>,
{
    let (end, peer) = pipe(manner.capacity);
    let control = end.control();
    let mut executor = Executor::new();
    let outcome = executor.spawn("the subject", subject(Box::new(end)));
    let attacker = Attacker {
        end: peer,
        unsent: bytes,
        chunk: manner.chunk,
        shut: false,
        deaf: manner.deaf,
    };
    let attacker = executor.spawn("the attacker", attacker);
    executor.run();

    let sent = control.written();
    let moved = bytes.len() + sent.len();
    let polls = executor.polls(&outcome);
    let turns = executor.polls(&attacker) + moved;
    assert!(polls <= 16 + 2 * turns, "{polls} polls for {turns} turns");
    assert_bounded(&control, moved);
    let records = whole_records(&sent);
    let outcome = outcome.take();
    match &outcome {
        Ok(()) => {
            assert_eq!(None, expected.error, "went unnoticed");
            assert!(manner.deaf || records.is_some(), "a record is cut off");
        }
        Err(error) => check_error(error, manner.deaf, expected.error.as_ref()),
    }
    if expected.alert && !manner.deaf {
        let expected = &expected.error;
        assert!(
            ends_in_an_alert(&sent),
            "no alert for {expected:?} in {records:?}"
        );
    }
    outcome.is_ok()
}

/// The work is bounded by the amount of data.
fn assert_bounded(control: &Control, moved: usize) {
    let counts = control.counts();
    let calls = counts.read.calls + counts.writes() + counts.flush.calls + counts.shutdown.calls;
    assert!(
        calls <= 64 + 8 * moved,
        "{calls} calls of the transport for {moved} bytes"
    );
    let (read, written) = (
        counts.read.bytes,
        counts.write.bytes + counts.vectored.bytes,
    );
    assert!(
        written <= 4096 + 4 * read,
        "{read} bytes were answered with {written}"
    );
}

/// The error is that of rustls, or reports how the transport ended.
fn check_error<E>(error: &io::Error, deaf: bool, expected: Option<&E>)
where
    E: error::Error + PartialEq + 'static,
{
    let tls = error.get_ref().and_then(|inner| inner.downcast_ref());
    match kind(error) {
        Some(_) if tls.is_some() => assert_eq!(tls, expected, "not the error of rustls"),
        Some(ErrorKind::Truncated) => {
            assert_eq!(None, expected, "there was another error than the end")
        }
        None if deaf => assert_eq!(error.kind(), io::ErrorKind::BrokenPipe),
        _ => panic!("the peer cannot have caused {error:?}"),
    }
}

/// Echoes until the end of the stream, then shuts down.
pub(super) async fn echo<S>(mut stream: S, room: usize) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut buf = vec![0; room];
    loop {
        let read = match stream.read(&mut buf).await {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) => {
                let again = stream.read(&mut buf).await.expect_err("still refused");
                assert_eq!(kind(&error), kind(&again), "{error:?}, then {again:?}");
                return Err(error);
            }
        };
        stream.write_all(&buf[..read]).await?;
        stream.flush().await?;
    }
    assert_eq!(stream.read(&mut buf).await?, 0, "bytes after the end");
    stream.shutdown().await?;
    let late = stream.write(b"late").await.expect_err("closed");
    assert_eq!(kind(&late), Some(ErrorKind::Closed));
    Ok(())
}

fn kind(error: &io::Error) -> Option<ErrorKind> {
    Error::find(error).map(|error| error.kind())
}

/// A record on the wire. The cryptography hides nothing, so its content is visible.
#[derive(Debug)]
struct Record {
    content_type: u8,
    content: Vec<u8>,
}

impl Record {
    fn is_alert(&self) -> bool {
        const ALERT: u8 = 21;
        const APPLICATION_DATA: u8 = 23;
        match self.content_type {
            ALERT => self.content.len() == 2,
            APPLICATION_DATA => self.content.last() == Some(&ALERT),
            _ => false,
        }
    }
}

/// Whether the bytes are complete records, the last of which is an alert.
pub(super) fn ends_in_an_alert(bytes: &[u8]) -> bool {
    let records = whole_records(bytes);
    let last = records.as_ref().and_then(|records| records.last());
    last.is_some_and(Record::is_alert)
}

/// The records in the bytes; `None` if the last record is incomplete.
fn whole_records(mut bytes: &[u8]) -> Option<Vec<Record>> {
    let mut records = Vec::new();
    while let [content_type, 3, _, high, low, rest @ ..] = bytes {
        let (content, rest) =
            rest.split_at_checked(usize::from(u16::from_be_bytes([*high, *low])))?;
        records.push(Record {
            content_type: *content_type,
            content: content.to_vec(),
        });
        bytes = rest;
    }
    bytes.is_empty().then_some(records)
}

struct Attacker<'a> {
    end: End,
    unsent: &'a [u8],
    chunk: usize,
    shut: bool,
    deaf: bool,
}

impl Attacker<'_> {
    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let chunk = &self.unsent[..self.unsent.len().min(self.chunk)];
        if chunk.is_empty() {
            self.shut = true;
            return Pin::new(&mut self.end).poll_shutdown(cx);
        }
        let sent = ready!(Pin::new(&mut self.end).poll_write(cx, chunk))?;
        self.unsent = &self.unsent[sent..];
        Poll::Ready(Ok(()))
    }

    fn poll_listen(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut room = [0; 4096];
        loop {
            let mut buf = ReadBuf::new(&mut room);
            let read = ready!(Pin::new(&mut self.end).poll_read(cx, &mut buf));
            if read.is_err() || buf.filled().is_empty() {
                return Poll::Ready(());
            }
        }
    }
}

impl Future for Attacker<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let has_more = !self.shut && matches!(self.poll_send(cx), Poll::Ready(Ok(())));
        if self.deaf && !has_more {
            return Poll::Ready(());
        }
        if !self.deaf && self.poll_listen(cx).is_ready() {
            return Poll::Ready(());
        }
        if has_more {
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }
}
