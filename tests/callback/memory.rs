//! Two queues in memory, as transports made of closures that two threads can use.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::sync::{Arc, Mutex};

use pollback::callback::{Callback, CallbackIo, Callbacks, ReadinessHandle, Signalled};

use crate::support::{Writes, would_block};

/// Bytes in transit in one direction.
struct Queue {
    state: Mutex<State>,
    capacity: usize,
    reader: ReadinessHandle,
    writer: ReadinessHandle,
}

#[derive(Default)]
struct State {
    bytes: VecDeque<u8>,
    closed: bool,
}

impl Queue {
    fn read(&self, buf: &mut [u8]) -> io::Result<usize> {
        let mut state = self.state.lock().unwrap();
        if state.bytes.is_empty() && !state.closed {
            return Err(would_block());
        }
        let taken = io::Read::read(&mut state.bytes, buf)?;
        drop(state);
        self.writer.writable();
        Ok(taken)
    }

    fn write(&self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut state = self.state.lock().unwrap();
        if state.closed {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let room = self.capacity - state.bytes.len();
        if room == 0 {
            return Err(would_block());
        }
        let bytes = bufs.iter().flat_map(|buf| buf.iter()).take(room);
        let before = state.bytes.len();
        state.bytes.extend(bytes);
        let taken = state.bytes.len() - before;
        drop(state);
        self.reader.readable();
        Ok(taken)
    }

    fn close(&self) {
        self.state.lock().unwrap().closed = true;
        self.reader.readable();
        self.writer.writable();
    }
}

/// One side of a queue. If it is dropped, the other side has nothing to wait for.
struct Side(Arc<Queue>);

impl Drop for Side {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// One end of a connection.
pub(crate) struct End {
    incoming: Side,
    outgoing: Side,
    readiness: Signalled,
}

/// Both ends of a connection whose queues hold this many bytes.
pub(crate) fn pair(capacity: usize) -> (End, End) {
    let (our_handle, ours) = ReadinessHandle::new();
    let (their_handle, theirs) = ReadinessHandle::new();
    let queue = |reader: &ReadinessHandle, writer: &ReadinessHandle| {
        Arc::new(Queue {
            state: Mutex::default(),
            capacity,
            reader: reader.clone(),
            writer: writer.clone(),
        })
    };
    let there = queue(&their_handle, &our_handle);
    let back = queue(&our_handle, &their_handle);
    let end = |incoming: &Arc<Queue>, outgoing: &Arc<Queue>, readiness| End {
        incoming: Side(Arc::clone(incoming)),
        outgoing: Side(Arc::clone(outgoing)),
        readiness,
    };
    (end(&back, &there, ours), end(&there, &back, theirs))
}

impl End {
    /// The end as a transport whose writes are counted.
    pub(crate) fn transport(
        self,
        writes: &Arc<Writes>,
    ) -> CallbackIo<impl Callback + use<>, Signalled> {
        let [scalar, vectored] = [Arc::clone(writes), Arc::clone(writes)];
        let incoming = self.incoming;
        let outgoing = Arc::new(self.outgoing);
        let [gathered, ended] = [Arc::clone(&outgoing), Arc::clone(&outgoing)];
        let callbacks = Callbacks::new(
            move |buf: &mut [u8]| incoming.0.read(buf),
            move |buf: &[u8]| {
                scalar.note_scalar();
                outgoing.0.write(&[IoSlice::new(buf)])
            },
        )
        .with_write_vectored(move |bufs: &[IoSlice<'_>]| {
            vectored.note_vectored(bufs.len());
            gathered.0.write(bufs)
        })
        .with_shutdown(move || {
            ended.0.close();
            Ok(())
        });
        CallbackIo::new(callbacks, self.readiness)
    }
}
