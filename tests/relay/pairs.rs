//! A relay between two pipes, seen from the far ends.

use std::cell::Cell;
use std::io;
use std::rc::Rc;

use pollback::relay::{Cause, Moved, Relay, RelayError};
pub(crate) use pollback_testkit::bytes::{pattern_of as pattern, send as say};
use pollback_testkit::executor::{Executor, Handle};
use pollback_testkit::pipe::{Answer, Control, End, Operation, Shape, pipe};
use pollback_testkit::watched::Watched;
use tokio::io::{AsyncRead, AsyncReadExt};

use crate::noted::Noted;

pub(crate) type Ended = Result<Moved, RelayError>;

/// A relay between a client and a backend, not started yet.
pub(crate) struct Pair {
    pub(crate) client: End,
    pub(crate) backend: End,
    pub(crate) relay: Relay<Noted<End>, Noted<End>>,
    /// The near ends, which belong to the relay.
    pub(crate) near_client: Control,
    pub(crate) near_backend: Control,
    pub(crate) client_aborted: Rc<Cell<bool>>,
    pub(crate) backend_aborted: Rc<Cell<bool>>,
}

impl Pair {
    /// Over pipes that hold this many bytes.
    pub(crate) fn over(capacity: usize) -> Self {
        Self::of(pipe(capacity), pipe(capacity))
    }

    /// Over pipes whose near ends have this shape.
    pub(crate) fn of_shape(shape: &Shape) -> Self {
        let pair = Self::of(shape.open(), shape.open());
        for far in [&pair.client, &pair.backend] {
            // The far ends are not restricted.
            for operation in [Operation::Read, Operation::Write, Operation::Flush] {
                far.control().every(2, operation, Answer::Honest);
            }
        }
        pair
    }

    /// The client has sent these bytes, and behind them its stream ends or fails.
    pub(crate) fn inject_and_end(&self, bytes: &[u8], fails: bool) {
        self.near_client.inject(bytes);
        let end = match fails {
            true => Answer::Error(io::ErrorKind::ConnectionReset),
            false => {
                self.near_client.end_of_stream();
                Answer::Honest
            }
        };
        self.near_client
            .script(Operation::Read, [Answer::Honest, end]);
    }

    pub(crate) fn of(
        (client, near_client): (End, End),
        (backend, near_backend): (End, End),
    ) -> Self {
        let controls = (near_client.control(), near_backend.control());
        let (near_client, client_aborted) = Noted::new(near_client);
        let (near_backend, backend_aborted) = Noted::new(near_backend);
        Self {
            client,
            backend,
            relay: Relay::new(near_client, near_backend),
            near_client: controls.0,
            near_backend: controls.1,
            client_aborted,
            backend_aborted,
        }
    }
}

/// Spawns a relay, and checks its every `Pending`.
pub(crate) fn spawn<'a>(
    executor: &mut Executor<'a>,
    relay: Relay<Noted<End>, Noted<End>>,
    near: &'a [&'a Control],
) -> Handle<Ended> {
    executor.spawn("the relay", Watched::new(relay, near))
}

/// How much was moved.
pub(crate) fn moved(moved: Moved) -> (u64, u64) {
    (moved.to_backend, moved.to_client)
}

/// The error of the client's stream that a relay has ended with.
pub(crate) fn client_error(ended: Ended) -> io::Error {
    match ended.expect_err("the client has failed").cause {
        Cause::Client(error) => error,
        other => panic!("{other:?}"),
    }
}

/// The error of the backend's stream that a relay has ended with.
pub(crate) fn backend_error(ended: Ended) -> io::Error {
    match ended.expect_err("the backend has failed").cause {
        Cause::Backend(error) => error,
        other => panic!("{other:?}"),
    }
}

pub(crate) async fn hear<S: AsyncRead + Unpin>(stream: &mut S, bytes: &[u8]) {
    let mut heard = vec![0; bytes.len()];
    stream.read_exact(&mut heard).await.expect("as many bytes");
    assert!(heard == bytes, "other bytes");
}

/// Expects a clean end without another byte.
pub(crate) async fn ended<S: AsyncRead + Unpin>(stream: &mut S) {
    let mut rest = Vec::new();
    let read = stream.read_to_end(&mut rest).await;
    assert_eq!(read.expect("a clean end"), 0, "{rest:?}");
}
