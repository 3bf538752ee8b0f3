//! The write side of a split stream. The writer uses it, and so does the reader to send the
//! responses that only it knows of.

use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicBool, Ordering, fence};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use std::task::Waker;

use super::TlsStream;
use super::sides::WriteSide;
use crate::engine::Failure;

/// State shared by both halves.
///
/// The mutex is held during a poll, never while waiting for the transport. The reader never blocks
/// on it: if the writer holds it, the reader is woken when the writer is done.
pub(super) struct Shared<W, T> {
    writer: Mutex<TlsStream<WriteSide<W>, T>>,
    /// Whether the reader is to be woken when the mutex is released, and its waker.
    wanted: AtomicBool,
    reader: Mutex<Option<Waker>>,
    /// Whether there is a pending response that the reader could not send.
    owed: AtomicBool,
    /// Why the reader has failed.
    failure: Mutex<Option<Failure>>,
}

/// The write side, locked by one half.
pub(super) struct Locked<'a, W, T> {
    /// `None` only while it is dropped.
    writer: Option<MutexGuard<'a, TlsStream<WriteSide<W>, T>>>,
    shared: &'a Shared<W, T>,
}

impl<W, T> Shared<W, T> {
    pub(super) fn new(writer: TlsStream<WriteSide<W>, T>) -> Self {
        Self {
            writer: Mutex::new(writer),
            wanted: AtomicBool::new(false),
            reader: Mutex::new(None),
            owed: AtomicBool::new(false),
            failure: Mutex::new(None),
        }
    }

    pub(super) fn into_inner(self) -> TlsStream<WriteSide<W>, T> {
        self.writer
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// For the writer, and when a half is dropped: the reader holds the lock for one poll at most.
    pub(super) fn lock(&self) -> Locked<'_, W, T> {
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        self.locked(writer)
    }

    /// For the reader: `None` while the writer holds the lock.
    pub(super) fn try_lock(&self) -> Option<Locked<'_, W, T>> {
        match self.writer.try_lock() {
            Ok(writer) => Some(self.locked(writer)),
            Err(TryLockError::Poisoned(poisoned)) => Some(self.locked(poisoned.into_inner())),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    /// For the reader: `None` while the writer holds the lock; `waker` is then woken on its
    /// release.
    pub(super) fn lock_or_wake(&self, waker: &Waker) -> Option<Locked<'_, W, T>> {
        if let Some(locked) = self.try_lock() {
            return Some(locked);
        }
        *self.reader.lock().unwrap_or_else(PoisonError::into_inner) = Some(waker.clone());
        self.wanted.store(true, Ordering::SeqCst);
        // Either this sees that the mutex is free, or the writer sees `wanted`.
        fence(Ordering::SeqCst);
        self.try_lock()
    }

    /// Records a pending response, to be sent by the half that locks the write side next.
    pub(super) fn note_owed(&self) {
        self.owed.store(true, Ordering::SeqCst);
        // As in `lock_or_wake`.
        fence(Ordering::SeqCst);
    }

    /// Records why the reader has failed; the pending alert for it is recorded separately after
    /// that.
    pub(super) fn note_failure(&self, failure: &Failure) {
        let mut noted = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        noted.get_or_insert_with(|| failure.clone());
    }

    /// Why the reader has failed, if it has.
    pub(super) fn failure(&self) -> Option<Failure> {
        let noted = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        noted.clone()
    }

    /// Whether there is a pending response that was not sent.
    pub(super) fn is_owed(&self) -> bool {
        self.owed.load(Ordering::SeqCst)
    }

    /// Returns whether there is a pending response, and clears it.
    pub(super) fn take_owed(&self) -> bool {
        self.is_owed() && self.owed.swap(false, Ordering::SeqCst)
    }

    fn locked<'a>(
        &'a self,
        writer: MutexGuard<'a, TlsStream<WriteSide<W>, T>>,
    ) -> Locked<'a, W, T> {
        Locked {
            writer: Some(writer),
            shared: self,
        }
    }
}

impl<W, T> Deref for Locked<'_, W, T> {
    type Target = TlsStream<WriteSide<W>, T>;

    fn deref(&self) -> &Self::Target {
        self.writer.as_ref().expect("not dropped")
    }
}

impl<W, T> DerefMut for Locked<'_, W, T> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        self.writer.as_mut().expect("not dropped")
    }
}

impl<W, T> Drop for Locked<'_, W, T> {
    /// Runs also if a transport panics, so that the reader is woken.
    fn drop(&mut self) {
        self.writer = None;
        fence(Ordering::SeqCst);
        if self.shared.wanted.load(Ordering::SeqCst)
            && self.shared.wanted.swap(false, Ordering::SeqCst)
        {
            let reader = &self.shared.reader;
            let waker = reader.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(waker) = waker {
                waker.wake();
            }
        }
    }
}
