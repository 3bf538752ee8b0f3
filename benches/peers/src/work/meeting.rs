//! A rendezvous of two threads, which also detects that the other has failed.

use std::io;
use std::sync::mpsc::{Receiver, Sender, channel};

/// One side of a rendezvous.
pub(super) struct Meeting {
    tell: Sender<()>,
    hear: Receiver<()>,
}

/// Both sides of a rendezvous.
pub(super) fn meeting() -> (Meeting, Meeting) {
    let (tell_one, hear_other) = channel();
    let (tell_other, hear_one) = channel();
    let side = |tell, hear| Meeting { tell, hear };
    (side(tell_one, hear_one), side(tell_other, hear_other))
}

impl Meeting {
    /// Waits until the other thread has arrived, too.
    pub(super) fn meet(&self) -> io::Result<()> {
        let came = self.tell.send(()).is_ok() && self.hear.recv().is_ok();
        came.then_some(())
            .ok_or_else(|| io::Error::other("the other end has failed"))
    }
}
