//! Two streams that communicate over transports that may fail, and the properties that must hold.
//!
//! Each side has a task that always reads to the end, and one that performs a list of writes. So
//! all writes are read, and a run that does not end is a bug.

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::io;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use pollback::{Error, ErrorKind, Options, RecordSizing};
use pollback_testkit::executor::Executor;
use tokio::io::{AsyncRead, AsyncWrite};

use super::cryptography::Records;
use super::current::Current;
use super::input::Input;
#[cfg(feature = "next")]
use super::next::Next;
use super::steps::{self, Steps};
use super::streams::{Begin, Stream};
use super::version::{Handling, Tls, Version};

/// The operations of both sides.
pub(super) struct Session {
    begin: (Begin, Begin),
    steps: [Steps; 2],
}

/// One side, shared by its two tasks.
pub(super) struct Side {
    stream: RefCell<Option<Box<dyn Stream>>>,
    /// The tasks to wake after a failure of the other one.
    tasks: RefCell<[Option<Waker>; 2]>,
    failed: Cell<bool>,
    error: RefCell<Option<io::Error>>,
    /// How many written bytes the stream has accepted, and how many bytes of the peer it has
    /// returned.
    pub(super) taken: Cell<usize>,
    pub(super) given: Cell<usize>,
    ended: Cell<bool>,
}

/// The side has failed or left; its tasks end.
pub(super) struct Over;

impl Session {
    pub(super) fn take(input: &mut Input<'_>, longest: usize, make: Make) -> Self {
        let choices = input.byte();
        let tuned = [choices & 4 != 0, choices & 8 != 0];
        let handling = tuned.map(|tuned| Handling {
            options: if tuned { all_options() } else { Options::new() },
            in_halves: choices & 64 != 0,
        });
        Self {
            begin: make.begin(choices, handling),
            steps: [0, 1].map(|_| Steps::take(input, longest)),
        }
    }

    /// Whether both sides stay to the end.
    pub(super) fn is_complete(&self) -> bool {
        !self.steps.iter().any(Steps::leaves)
    }

    /// Performs it, and returns whether both sides had a clean end. With `sound` transports nothing
    /// may fail.
    ///
    /// `moved` returns how many bytes and results the transports have returned, which bounds the
    /// polls.
    pub(super) fn run<A, B>(
        self,
        executor: &mut Executor<'_>,
        (client_io, server_io): (A, B),
        sound: bool,
        moved: impl Fn() -> usize,
    ) -> bool
    where
        A: AsyncRead + AsyncWrite + Unpin + 'static,
        B: AsyncRead + AsyncWrite + Unpin + 'static,
    {
        let sound = sound && self.is_complete();
        let [client_steps, server_steps] = self.steps.map(Rc::new);
        let (client, server) = (Rc::new(Side::new()), Rc::new(Side::new()));
        let (connect, accept) = self.begin;
        let connect = connect(Box::new(client_io));
        let accept = accept(Box::new(server_io));
        let polls = [
            spawn(
                executor,
                "client",
                connect,
                (&client, &server),
                &client_steps,
            ),
            spawn(
                executor,
                "server",
                accept,
                (&server, &client),
                &server_steps,
            ),
        ];
        executor.run();

        for handle in polls.iter().flatten() {
            let (polls, limit) = (executor.polls(handle), 256 + 8 * moved());
            assert!(polls <= limit, "{polls} polls, more than {limit}");
        }
        client.check(&server, sound);
        server.check(&client, sound);
        client.ended.get() && server.ended.get()
    }
}

/// The TLS implementations of the sides.
#[derive(Clone, Copy)]
pub(super) enum Make {
    Current,
    /// rustls 0.24, on both sides or on one, whole or in halves.
    #[cfg(feature = "next")]
    Next,
}

impl Make {
    fn begin(self, choices: u8, handling: [Handling; 2]) -> (Begin, Begin) {
        let choice = choices % 4;
        match self {
            Self::Current => both::<Current>(choice, handling),
            #[cfg(feature = "next")]
            Self::Next => match choices >> 4 & 3 {
                1 => strangers::<Next, Current>(choice, handling),
                2 => strangers::<Current, Next>(choice, handling),
                _ => both::<Next>(choice, handling),
            },
        }
    }
}

/// Both sides of one version.
fn both<V: Version>(choice: u8, handling: [Handling; 2]) -> (Begin, Begin) {
    if choice < 2 {
        return strangers::<V, V>(choice, handling);
    }
    let (client, server) = V::acquainted(Records::Marked, choice == 2);
    (
        V::connect(client, true, handling[0]),
        V::accept(server, handling[1]),
    )
}

/// A client of one version and a server of another, which have not met before.
fn strangers<C: Version, S: Version>(choice: u8, handling: [Handling; 2]) -> (Begin, Begin) {
    let (records, tls) = (
        Records::Marked,
        if choice == 1 { Tls::V12 } else { Tls::V13 },
    );
    (
        C::connect(C::client(records, tls), false, handling[0]),
        S::accept(S::server(records, tls), handling[1]),
    )
}

/// All options for small and large writes.
fn all_options() -> Options {
    Options::new()
        .with_read_ahead(1024, 4096)
        .with_send_buffer_limit(40_000)
        .with_batched_writes(true)
        .with_record_sizing(RecordSizing::new(100, Duration::MAX))
}

type Task = pollback_testkit::executor::Handle<()>;

fn spawn(
    executor: &mut Executor<'_>,
    name: &str,
    handshake: impl Future<Output = io::Result<Box<dyn Stream>>> + 'static,
    (side, peer): (&Rc<Side>, &Rc<Side>),
    steps: &Rc<Steps>,
) -> [Task; 2] {
    let (own, its_steps) = (Rc::clone(side), Rc::clone(steps));
    let writer = executor.spawn(&format!("{name}'s writer"), async move {
        match handshake.await {
            Ok(stream) => own.begin(stream),
            Err(error) => own.fail(Some(error)),
        }
        let _ = steps::write(&own, &its_steps).await;
    });
    let (own, its_steps, peer) = (Rc::clone(side), Rc::clone(steps), Rc::clone(peer));
    let reader = executor.spawn(&format!("{name}'s reader"), async move {
        let _ = steps::read(&own, &its_steps, &peer).await;
    });
    [writer, reader]
}

impl Side {
    fn new() -> Self {
        Self {
            stream: RefCell::default(),
            tasks: RefCell::default(),
            failed: Cell::default(),
            error: RefCell::default(),
            taken: Cell::default(),
            given: Cell::default(),
            ended: Cell::default(),
        }
    }

    fn begin(&self, stream: Box<dyn Stream>) {
        *self.stream.borrow_mut() = Some(stream);
        self.wake();
    }

    /// Makes the side fail, like a program whose function returns an error.
    pub(super) fn fail(&self, error: Option<io::Error>) {
        self.failed.set(true);
        self.error.replace(error);
        let stream = self.stream.take();
        drop(stream);
        self.wake();
    }

    /// Records that the reader has found a clean end.
    pub(super) fn end(&self) {
        self.ended.set(true);
    }

    fn wake(&self) {
        let tasks = self.tasks.take();
        tasks.into_iter().flatten().for_each(Waker::wake);
    }

    /// Polls the stream for one of the two tasks, once the stream exists.
    fn poll<T>(
        &self,
        task: usize,
        cx: &mut Context<'_>,
        poll: impl FnOnce(&mut dyn Stream, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> Poll<Result<T, Over>> {
        if self.failed.get() {
            return Poll::Ready(Err(Over));
        }
        let answer = match self.stream.borrow_mut().as_mut() {
            Some(stream) => poll(&mut **stream, cx),
            None => Poll::Pending,
        };
        match answer {
            Poll::Ready(Ok(value)) => Poll::Ready(Ok(value)),
            Poll::Ready(Err(error)) => {
                self.fail(Some(error));
                Poll::Ready(Err(Over))
            }
            Poll::Pending => {
                self.tasks.borrow_mut()[task] = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }

    /// Polls for the writer until it is ready.
    pub(super) async fn as_writer<T>(
        &self,
        mut poll: impl FnMut(&mut dyn Stream, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> Result<T, Over> {
        poll_fn(|cx| self.poll(0, cx, &mut poll)).await
    }

    /// Polls for the reader until it is ready.
    pub(super) async fn as_reader<T>(
        &self,
        mut poll: impl FnMut(&mut dyn Stream, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> Result<T, Over> {
        poll_fn(|cx| self.poll(1, cx, &mut poll)).await
    }

    fn check(&self, peer: &Self, sound: bool) {
        let error = self.error.borrow();
        assert!(
            !sound || error.is_none(),
            "over sound transports: {error:?}"
        );
        assert!(!sound || self.ended.get(), "did not find the end");
        if self.ended.get() {
            assert_eq!(self.given, peer.taken, "bytes are missing before the end");
        }
        if let Some(error) = &*error {
            check_error(error);
        }
    }
}

/// The error is that of the transport, or reports what the transport or the peer did.
fn check_error(error: &io::Error) {
    let broken = error.kind() == io::ErrorKind::BrokenPipe;
    match Error::find(error) {
        Some(found) => assert!(
            !matches!(found.kind(), ErrorKind::InvalidAlpn | ErrorKind::Tls),
            "no event explains {error:?}"
        ),
        None => assert!(
            broken || error.to_string() == "injected",
            "without a cause: {error:?}"
        ),
    }
}
