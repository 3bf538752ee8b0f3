//! Transports, callbacks and closures that return scripted results and record how they were called.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use pollback::callback::{Callback, Callbacks};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A call, and what it has offered.
#[derive(Debug, PartialEq)]
pub(crate) enum Call {
    Read(usize),
    Write(Vec<u8>),
    WriteVectored(Vec<Vec<u8>>),
    Flush,
    Shutdown,
}

impl Call {
    pub(crate) fn write(buf: &[u8]) -> Self {
        Self::Write(buf.to_vec())
    }

    pub(crate) fn write_vectored(bufs: &[&[u8]]) -> Self {
        Self::WriteVectored(bufs.iter().map(|buf| buf.to_vec()).collect())
    }

    fn of_slices(bufs: &[IoSlice<'_>]) -> Self {
        Self::WriteVectored(bufs.iter().map(|buf| buf.to_vec()).collect())
    }
}

type Answer = Poll<io::Result<usize>>;

/// Scripted results, shared with the test. A call without one panics.
#[derive(Clone, Default)]
pub(crate) struct Script(Rc<RefCell<Inner>>);

#[derive(Default)]
struct Inner {
    answers: VecDeque<Answer>,
    calls: Vec<Call>,
    waker: Option<Waker>,
}

impl Script {
    pub(crate) fn new(answers: impl IntoIterator<Item = io::Result<usize>>) -> Self {
        let script = Self::default();
        answers.into_iter().for_each(|answer| script.add(answer));
        script
    }

    pub(crate) fn pending() -> Self {
        let script = Self::default();
        script.add_pending();
        script
    }

    pub(crate) fn add_pending(&self) {
        self.0.borrow_mut().answers.push_back(Poll::Pending);
    }

    pub(crate) fn add(&self, answer: io::Result<usize>) {
        self.0.borrow_mut().answers.push_back(Poll::Ready(answer));
    }

    /// The calls since this was last called.
    pub(crate) fn calls(&self) -> Vec<Call> {
        std::mem::take(&mut self.0.borrow_mut().calls)
    }

    /// Wakes the task that has received `Pending`.
    pub(crate) fn wake(&self) {
        let waker = self.0.borrow_mut().waker.take();
        waker.expect("a waker was registered").wake();
    }

    fn poll(&self, call: Call, waker: Option<&Waker>) -> Answer {
        let mut inner = self.0.borrow_mut();
        let answer = inner.answers.pop_front();
        let answer = answer.unwrap_or_else(|| panic!("no result is scripted for {call:?}"));
        inner.calls.push(call);
        if answer.is_pending() {
            inner.waker = waker.cloned();
        }
        answer
    }

    fn answer(&self, call: Call) -> io::Result<usize> {
        match self.poll(call, None) {
            Poll::Ready(answer) => answer,
            Poll::Pending => unreachable!("only a transport can be pending"),
        }
    }
}

/// The bytes that a read stores: the alphabet.
fn store(buf: &mut [u8], stored: usize) {
    for (place, letter) in buf.iter_mut().zip(b'a'..=b'z').take(stored) {
        *place = letter;
    }
}

/// A transport that follows the script.
pub(crate) struct Transport {
    script: Script,
    vectored: bool,
}

impl Transport {
    pub(crate) fn new(script: &Script) -> Self {
        Self {
            script: script.clone(),
            vectored: true,
        }
    }

    /// A transport without vectored writes.
    pub(crate) fn scalar(script: &Script) -> Self {
        Self {
            script: script.clone(),
            vectored: false,
        }
    }
}

impl AsyncRead for Transport {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let call = Call::Read(buf.remaining());
        self.script.poll(call, Some(cx.waker())).map_ok(|stored| {
            if stored > buf.remaining() {
                // The only way to report more than was offered.
                *buf = ReadBuf::new(vec![0; stored].leak());
            }
            store(buf.initialize_unfilled(), stored);
            buf.advance(stored);
        })
    }
}

impl AsyncWrite for Transport {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Answer {
        self.script.poll(Call::write(buf), Some(cx.waker()))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Answer {
        self.script.poll(Call::of_slices(bufs), Some(cx.waker()))
    }

    fn is_write_vectored(&self) -> bool {
        self.vectored
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let answer = self.script.poll(Call::Flush, Some(cx.waker()));
        answer.map_ok(|_| ())
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let answer = self.script.poll(Call::Shutdown, Some(cx.waker()));
        answer.map_ok(|_| ())
    }
}

/// A callback of a custom type, without closures.
pub(crate) struct Own(pub(crate) Script);

impl io::Read for Own {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let answer = self.0.answer(Call::Read(buf.len()));
        answer.inspect(|&stored| store(buf, stored))
    }
}

impl io::Write for Own {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.0.answer(Call::write(buf))
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        self.0.answer(Call::of_slices(bufs))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.answer(Call::Flush).map(|_| ())
    }
}

impl Callback for Own {
    fn has_write_vectored(&self) -> bool {
        true
    }

    fn shutdown(&mut self) -> io::Result<()> {
        self.0.answer(Call::Shutdown).map(|_| ())
    }
}

/// Callbacks with all closures.
pub(crate) fn closures(script: &Script) -> impl Callback + use<> {
    let (vectored, shutdown) = (script.clone(), script.clone());
    Callbacks::new(read(script), write(script))
        .with_write_vectored(move |bufs: &[IoSlice<'_>]| vectored.answer(Call::of_slices(bufs)))
        .with_shutdown(move || shutdown.answer(Call::Shutdown).map(|_| ()))
}

/// Callbacks with the two required closures.
pub(crate) fn few_closures(script: &Script) -> impl Callback + use<> {
    Callbacks::new(read(script), write(script))
}

fn read(script: &Script) -> impl FnMut(&mut [u8]) -> io::Result<usize> + use<> {
    let script = script.clone();
    move |buf| {
        let answer = script.answer(Call::Read(buf.len()));
        answer.inspect(|&stored| store(buf, stored))
    }
}

fn write(script: &Script) -> impl FnMut(&[u8]) -> io::Result<usize> + use<> {
    let script = script.clone();
    move |buf| script.answer(Call::write(buf))
}
