//! Closures whose results come from the input, under two streams.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::rc::Rc;

use pollback::callback::{CallbackIo, Callbacks, ReadinessHandle, Signalled};
use pollback_testkit::executor::Executor;
use tokio::io::{AsyncRead, AsyncWrite};

use super::answers::{self, Answer};
use super::input::Input;
use super::session::{Make, Session};

/// The input consists of the capacity of the channel, the results for both sides, and the session.
pub(super) fn run(data: &[u8]) -> bool {
    let mut input = Input::new(data);
    let capacity = input.choose(&[1 << 16, 1, 2, 100, 5000]);
    let (client_waits, server_waits) = (ReadinessHandle::new(), ReadinessHandle::new());
    let channel = Rc::new(RefCell::new(Channel {
        lanes: Default::default(),
        owners: [Some(client_waits.0), Some(server_waits.0)],
        capacity,
        moved: 0,
    }));
    let vectored = [input.flag(), input.flag()];
    let [client, server] = [0, 1].map(|side| Caller::new(&channel, side, &mut input));
    let answered = client.answers() + server.answers();
    let sound = client.is_sound() && server.is_sound();
    // One byte at a time is slow.
    let session = Session::take(
        &mut input,
        if capacity > 2 { 40_000 } else { 600 },
        Make::Current,
    );
    let moved = || answered + channel.borrow().moved;
    let mut executor = Executor::new();
    let client = client.closures();
    let server = server.closures();
    // The presence of a closure for vectored writes is part of the type.
    match vectored {
        [false, false] => {
            let ends = (
                scalar(client, client_waits.1),
                scalar(server, server_waits.1),
            );
            session.run(&mut executor, ends, sound, moved)
        }
        [false, true] => {
            let ends = (
                scalar(client, client_waits.1),
                gathering(server, server_waits.1),
            );
            session.run(&mut executor, ends, sound, moved)
        }
        [true, false] => {
            let ends = (
                gathering(client, client_waits.1),
                scalar(server, server_waits.1),
            );
            session.run(&mut executor, ends, sound, moved)
        }
        [true, true] => {
            let ends = (
                gathering(client, client_waits.1),
                gathering(server, server_waits.1),
            );
            session.run(&mut executor, ends, sound, moved)
        }
    }
}

type Shared = Rc<RefCell<Caller>>;

fn scalar(caller: Shared, readiness: Signalled) -> impl AsyncRead + AsyncWrite + Unpin + 'static {
    let [reads, writes, shuts] = [(); 3].map(|()| Rc::clone(&caller));
    let callbacks = Callbacks::new(
        move |buf: &mut [u8]| reads.borrow_mut().read(buf),
        move |buf: &[u8]| writes.borrow_mut().write(&[IoSlice::new(buf)]),
    );
    let callbacks = callbacks.with_shutdown(move || shuts.borrow_mut().shutdown());
    CallbackIo::new(callbacks, readiness)
}

fn gathering(
    caller: Shared,
    readiness: Signalled,
) -> impl AsyncRead + AsyncWrite + Unpin + 'static {
    let [reads, writes, shuts, gathers] = [(); 4].map(|()| Rc::clone(&caller));
    let callbacks = Callbacks::new(
        move |buf: &mut [u8]| reads.borrow_mut().read(buf),
        move |buf: &[u8]| writes.borrow_mut().write(&[IoSlice::new(buf)]),
    );
    let callbacks = callbacks
        .with_shutdown(move || shuts.borrow_mut().shutdown())
        .with_write_vectored(move |bufs: &[IoSlice<'_>]| gathers.borrow_mut().write(bufs));
    CallbackIo::new(callbacks, readiness)
}

/// The channel between the two sides.
struct Channel {
    /// The lanes, indexed by the side that writes.
    lanes: [Lane; 2],
    /// The handle that announces to each side, until it is dropped.
    owners: [Option<ReadinessHandle>; 2],
    capacity: usize,
    moved: usize,
}

#[derive(Default)]
struct Lane {
    bytes: VecDeque<u8>,
    /// The writer is closed.
    closed: bool,
    /// The reader is closed.
    abandoned: bool,
}

/// State shared by the closures of one side. Dropped with them, which closes the side.
struct Caller {
    channel: Rc<RefCell<Channel>>,
    side: usize,
    /// The injected results of reads, writes and shutdowns; after these, calls are not affected.
    answers: [VecDeque<Answer>; 3],
    /// The number of calls after which the side's owner drops its handle.
    patience: Option<usize>,
}

impl Caller {
    fn new(channel: &Rc<RefCell<Channel>>, side: usize, input: &mut Input<'_>) -> Self {
        let mut answers = [(); 3].map(|()| answers::take(input));
        // A shutdown without effect cannot be distinguished from a real one.
        answers[2].retain(|answer| *answer != Answer::Nothing);
        Self {
            channel: Rc::clone(channel),
            side,
            answers: answers.map(VecDeque::from),
            patience: match input.byte() {
                0..=223 => None,
                calls => Some(usize::from(calls - 223)),
            },
        }
    }

    fn answers(&self) -> usize {
        self.answers.iter().map(VecDeque::len).sum()
    }

    fn is_sound(&self) -> bool {
        self.patience.is_none()
            && !self
                .answers
                .iter()
                .flatten()
                .any(|answer| answer.is_fault())
    }

    fn closures(self) -> Shared {
        Rc::new(RefCell::new(self))
    }

    fn next(&mut self, operation: usize) -> Answer {
        if let Some(calls) = &mut self.patience {
            *calls = calls.saturating_sub(1);
            if *calls == 0 {
                self.channel.borrow_mut().owners[self.side] = None;
            }
        }
        let answer = self.answers[operation].pop_front();
        answer.unwrap_or(Answer::Honest)
    }

    /// Returns the injected result, if there is one.
    fn intervene(&self, answer: Answer, offered: usize) -> Option<io::Result<usize>> {
        match answer {
            Answer::Honest => None,
            Answer::Pending => {
                // Nothing has changed: the announcement only requests another attempt.
                self.channel.borrow().announce(self.side);
                Some(Err(io::ErrorKind::WouldBlock.into()))
            }
            Answer::Nothing => Some(Ok(0)),
            Answer::TooMuch => Some(Ok(offered + 1)),
            // From a closure this is not a fault, but means that it will announce.
            Answer::Error(io::ErrorKind::WouldBlock) => self.intervene(Answer::Pending, offered),
            Answer::Error(kind) => Some(Err(io::Error::new(kind, "injected"))),
        }
    }

    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let answer = self.next(0);
        if let Some(answer) = self.intervene(answer, buf.len()) {
            return answer;
        }
        let peer = 1 - self.side;
        let mut channel = self.channel.borrow_mut();
        let lane = &mut channel.lanes[peer];
        if lane.bytes.is_empty() && !lane.closed {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let taken = lane.bytes.len().min(buf.len());
        for (place, byte) in buf.iter_mut().zip(lane.bytes.drain(..taken)) {
            *place = byte;
        }
        channel.announce(peer);
        Ok(taken)
    }

    fn write(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        let answer = self.next(1);
        let offered = bufs.iter().map(|buf| buf.len()).sum();
        if let Some(answer) = self.intervene(answer, offered) {
            return answer;
        }
        let mut channel = self.channel.borrow_mut();
        let capacity = channel.capacity;
        let lane = &mut channel.lanes[self.side];
        if lane.abandoned {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let taken = offered.min(capacity.saturating_sub(lane.bytes.len()));
        if taken == 0 && offered > 0 {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let bytes = bufs.iter().flat_map(|buf| buf.iter());
        lane.bytes.extend(bytes.take(taken));
        channel.moved += taken;
        channel.announce(1 - self.side);
        Ok(taken)
    }

    fn shutdown(&mut self) -> io::Result<()> {
        let answer = self.next(2);
        if let Some(answer) = self.intervene(answer, 0) {
            return answer.map(drop);
        }
        let mut channel = self.channel.borrow_mut();
        channel.lanes[self.side].closed = true;
        channel.announce(1 - self.side);
        Ok(())
    }
}

impl Channel {
    fn announce(&self, side: usize) {
        if let Some(owner) = &self.owners[side] {
            owner.readable();
            owner.writable();
        }
    }
}

impl Drop for Caller {
    fn drop(&mut self) {
        let mut channel = self.channel.borrow_mut();
        channel.lanes[self.side].closed = true;
        channel.lanes[1 - self.side].abandoned = true;
        channel.announce(1 - self.side);
    }
}
