//! Shared by the tests of this program: wakers that count, errors with an identity, and the five
//! operations in both of their forms.

use std::error::Error as _;
use std::fmt;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use pollback::callback::Callback;
use pollback::{Error, ErrorKind};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Counts how often its waker was woken.
#[derive(Default)]
pub(crate) struct WakeCount(AtomicUsize);

impl Wake for WakeCount {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl WakeCount {
    pub(crate) fn new() -> (Arc<Self>, Waker) {
        let count = Arc::<Self>::default();
        (Arc::clone(&count), Waker::from(count))
    }

    pub(crate) fn get(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

/// An error that only these tests can create.
#[derive(Debug)]
pub(crate) struct Private(u32);

impl fmt::Display for Private {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "private error {}", self.0)
    }
}

impl std::error::Error for Private {}

/// Creates an error of this kind, and an identity to recognize that object.
pub(crate) fn private_error(kind: io::ErrorKind) -> (io::Error, Identity) {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed) as u32;
    let error = io::Error::new(kind, Private(number));
    let address = private(&error).expect("just created");
    let identity = Identity(std::ptr::from_ref(address) as usize, number);
    (error, identity)
}

/// The identity of an error object: its address and its contents.
#[derive(Debug, PartialEq)]
pub(crate) struct Identity(usize, u32);

impl Identity {
    #[track_caller]
    pub(crate) fn assert_is(&self, error: &io::Error) {
        let found = private(error).unwrap_or_else(|| panic!("another error: {error:?}"));
        let found = Self(std::ptr::from_ref(found) as usize, found.0);
        assert_eq!(&found, self, "a copy, or another error of the same type");
    }
}

fn private(error: &io::Error) -> Option<&Private> {
    error.get_ref()?.downcast_ref()
}

#[track_caller]
pub(crate) fn assert_kind(error: &io::Error, kind: ErrorKind) {
    assert_eq!(
        Error::find(error).map(|e| e.kind()),
        Some(kind),
        "{error:?}"
    );
}

/// Asserts that `error` means "no waker is registered" and has the transport's error as its source.
#[track_caller]
pub(crate) fn assert_unregistered(error: &io::Error, original: &Identity) {
    assert_ne!(error.kind(), io::ErrorKind::WouldBlock);
    assert_kind(error, ErrorKind::Unregistered);
    let own = error.get_ref().expect("an error of the crate");
    let own: &Error = own.downcast_ref().expect("an error of the crate");
    let source: &io::Error = own.source().expect("a source").downcast_ref().unwrap();
    assert_eq!(source.kind(), io::ErrorKind::WouldBlock);
    original.assert_is(source);
}

pub(crate) fn would_block() -> io::Error {
    io::ErrorKind::WouldBlock.into()
}

/// How many bytes each of the [`Operation`]s offers.
pub(crate) const OFFERED: usize = 3;

/// An operation that offers three bytes, or none if it moves no bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Operation {
    Read,
    Write,
    WriteVectored,
    Flush,
    Shutdown,
}

use Operation::{Flush, Read, Shutdown, Write, WriteVectored};

impl Operation {
    pub(crate) const ALL: [Self; 5] = [Read, Write, WriteVectored, Flush, Shutdown];
    /// The operations whose result is a number of bytes.
    pub(crate) const COUNTING: [Self; 3] = [Read, Write, WriteVectored];

    pub(crate) fn attempt(self, callback: &mut impl Callback) -> io::Result<usize> {
        match self {
            Read => callback.read(&mut [0; OFFERED]),
            Write => callback.write(b"abc"),
            WriteVectored => callback.write_vectored(&slices(&[b"a", b"bc"])),
            Flush => callback.flush().map(|()| 0),
            Shutdown => callback.shutdown().map(|()| 0),
        }
    }

    pub(crate) fn poll<T>(self, io: &mut T, waker: &Waker) -> Poll<io::Result<usize>>
    where
        T: AsyncRead + AsyncWrite + Unpin,
    {
        let io = Pin::new(io);
        let cx = &mut Context::from_waker(waker);
        match self {
            Read => {
                let mut buf = [0; OFFERED];
                let mut buf = ReadBuf::new(&mut buf);
                io.poll_read(cx, &mut buf).map_ok(|()| buf.filled().len())
            }
            Write => io.poll_write(cx, b"abc"),
            WriteVectored => io.poll_write_vectored(cx, &slices(&[b"a", b"bc"])),
            Flush => io.poll_flush(cx).map_ok(|()| 0),
            Shutdown => io.poll_shutdown(cx).map_ok(|()| 0),
        }
    }
}

pub(crate) fn slices<'a>(bufs: &[&'a [u8]]) -> Vec<IoSlice<'a>> {
    bufs.iter().map(|buf| IoSlice::new(buf)).collect()
}

/// The result of a poll that must not be `Pending`.
#[track_caller]
pub(crate) fn ready<T>(answer: Poll<T>) -> T {
    match answer {
        Poll::Ready(answer) => answer,
        Poll::Pending => panic!("pending"),
    }
}

/// Counts the calls of the closures that write.
#[derive(Default)]
pub(crate) struct Writes {
    scalar: AtomicUsize,
    lone: AtomicUsize,
    several: AtomicUsize,
}

impl Writes {
    pub(crate) fn note_scalar(&self) {
        self.scalar.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn note_vectored(&self, slices: usize) {
        let count = if slices > 1 {
            &self.several
        } else {
            &self.lone
        };
        count.fetch_add(1, Ordering::Relaxed);
    }

    /// Asserts that several slices were passed to the vectored closure, and single ones to the
    /// other.
    #[track_caller]
    pub(crate) fn assert_vectored(&self) {
        assert!(self.several.load(Ordering::Relaxed) > 0);
        assert!(self.scalar.load(Ordering::Relaxed) > 0);
        assert_eq!(self.lone.load(Ordering::Relaxed), 0);
    }
}
