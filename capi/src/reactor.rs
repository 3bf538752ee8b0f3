//! The thread that watches the sockets of all transports. It lives as long as there is one.

use std::io;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::thread::{self, JoinHandle};

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

pub(crate) struct Reactor {
    handle: Handle,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Reactor {
    /// The reactor that the living transports share, or a new one.
    pub(crate) fn shared() -> io::Result<Arc<Self>> {
        static SHARED: Mutex<Weak<Reactor>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(living) = shared.upgrade() {
            return Ok(living);
        }
        let reactor = Arc::new(Self::start()?);
        *shared = Arc::downgrade(&reactor);
        Ok(reactor)
    }

    fn start() -> io::Result<Self> {
        let made = Arc::new(OnceLock::new());
        let (stop, stopped) = oneshot::channel();
        let to_be_made = Arc::clone(&made);
        // The runtime is made there, since making it leaves something behind on the thread until
        // that ends, and the threads of the C program are not ours.
        let thread = thread::Builder::new()
            .name("pollback".to_owned())
            .spawn(move || {
                let runtime = Builder::new_current_thread().enable_io().build();
                let handle = runtime.as_ref().map(|runtime| runtime.handle().clone());
                let _ = to_be_made.set(handle.map_err(io::Error::raw_os_error));
                if let Ok(runtime) = runtime {
                    // Either way it is over.
                    let _ = runtime.block_on(stopped);
                }
            })?;
        match made.wait() {
            Ok(handle) => Ok(Self {
                handle: handle.clone(),
                stop: Some(stop),
                thread: Some(thread),
            }),
            Err(Some(code)) => Err(io::Error::from_raw_os_error(*code)),
            Err(None) => Err(io::ErrorKind::Other.into()),
        }
    }

    pub(crate) fn handle(&self) -> &Handle {
        &self.handle
    }
}

impl Drop for Reactor {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // It has nothing to say, not even by a panic.
            let _ = thread.join();
        }
    }
}
