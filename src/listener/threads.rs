//! Dedicated threads for handshakes.

use std::io;

use tokio::runtime::{Builder, Runtime};

use super::{Handshaker, Listener, TlsListener};

/// The niceness of the threads: when the processor is busy, they get about a tenth of the time of
/// an ordinary thread.
#[cfg(target_os = "linux")]
const NICENESS: i32 = 10;

/// A runtime that is shut down with the listener, without waiting for it.
pub(super) struct HandshakeThreads(Option<Runtime>);

impl Drop for HandshakeThreads {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

impl<L: Listener, H: Handshaker<L::Io>> TlsListener<L, H> {
    /// Performs handshakes on this many threads of their own, at least one, which have a low priority on
    /// Linux: if cores are scarce, established connections are served first. The threads end with the
    /// listener.
    ///
    /// # Errors
    ///
    /// If the operating system cannot create the threads.
    pub fn with_handshake_threads(mut self, threads: usize) -> io::Result<Self> {
        let mut builder = Builder::new_multi_thread();
        builder
            .worker_threads(threads.max(1))
            .thread_name("tls-handshakes")
            .enable_all();
        #[cfg(target_os = "linux")]
        builder.on_thread_start(|| {
            // Applies to this thread only. If it is not permitted, handshakes run with normal
            // priority.
            let _ = rustix::process::nice(NICENESS);
        });
        let runtime = builder.build()?;
        self.runtime = Some(runtime.handle().clone());
        self.threads = Some(HandshakeThreads(Some(runtime)));
        Ok(self)
    }
}
