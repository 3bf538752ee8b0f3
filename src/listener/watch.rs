//! Watching files for new contents.

use std::convert::Infallible;
use std::future::pending;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio::time::{MissedTickBehavior, interval};

use super::items::Texts;
use super::load_error::{LoadError, PemPart};
use super::tickets::{Contents, TicketKeyError, TicketKeys};
use super::{PemFiles, SharedConfig};

/// The shortest interval between two checks.
const SHORTEST: Duration = Duration::from_millis(1);

impl PemFiles {
    /// Replaces `config` whenever the contents of the files have changed, at most `within` after
    /// the change. Calls `report` after each replacement, and once for contents from which no
    /// configuration can be built; `config` is then not changed.
    ///
    /// The contents are compared, so it does not matter how files are replaced: in place, by an
    /// atomic rename, or by changing the symbolic link that leads to them, as Kubernetes does. They
    /// are read twice within the given time, on the runtime's threads for blocking work, and used
    /// when both reads agree, so that files that are still being written are neither used nor
    /// reported. The first comparison is with the contents that were last loaded through these
    /// files or a clone of them when this function was called.
    ///
    /// The future never resolves: spawn it. Its task ends with the runtime, or when it is aborted.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future stops watching; `config` is then replaced at most once more.
    ///
    /// # Panics
    ///
    /// If it is polled outside a Tokio runtime with its timer enabled.
    pub fn watch<R>(
        &self,
        config: SharedConfig,
        within: Duration,
        report: R,
    ) -> impl Future<Output = Infallible> + Send + use<R>
    where
        R: FnMut(Result<(), LoadError>) + Send,
    {
        watch((self.clone(), config), within, report)
    }
}

impl TicketKeys {
    /// Loads the keys whenever the contents of the files have changed, at most `within` after the
    /// change. Calls `report` after each load, and once for contents that are not valid keys; the
    /// previous keys then stay in use.
    ///
    /// What [`PemFiles::watch`] documents about contents and the future applies here, too. One server may
    /// load a key up to `within` later than another, so wait that long before you make a new key the
    /// first in the list.
    ///
    /// # Cancel safety
    ///
    /// As for [`PemFiles::watch`].
    ///
    /// # Panics
    ///
    /// If it is polled outside a Tokio runtime with its timer enabled.
    pub fn watch<R>(
        self: &Arc<Self>,
        within: Duration,
        report: R,
    ) -> impl Future<Output = Infallible> + Send + use<R>
    where
        R: FnMut(Result<(), TicketKeyError>) + Send,
    {
        watch(Arc::clone(self), within, report)
    }
}

/// Something in use that is loaded from files.
trait Watched: Send + 'static {
    type Contents;
    type Error: Send + 'static;

    /// Returns the contents of the files, and a fingerprint of them.
    fn read(&self) -> (Self::Contents, u64);

    /// Returns the fingerprint of the contents that were loaded last.
    fn loaded(&self) -> Option<u64>;

    /// Uses these contents, which have this fingerprint, from now on.
    fn load(&self, contents: Self::Contents, fingerprint: u64) -> Result<(), Self::Error>;
}

impl Watched for (PemFiles, SharedConfig) {
    type Contents = Texts;
    type Error = LoadError;

    fn read(&self) -> (Texts, u64) {
        self.0.read()
    }

    fn loaded(&self) -> Option<u64> {
        self.0.loaded()
    }

    fn load(&self, texts: Texts, _: u64) -> Result<(), LoadError> {
        let (files, config) = self;
        // A panic of the program's own function must not end the watch.
        let built = catch_unwind(AssertUnwindSafe(|| files.build(&texts)));
        let built = built.unwrap_or_else(|_| {
            let error = "building the configuration panicked";
            Err(LoadError::new(PemPart::Configuration, &[], error))
        });
        config.replace(built?);
        Ok(())
    }
}

impl Watched for Arc<TicketKeys> {
    type Contents = Contents;
    type Error = TicketKeyError;

    fn read(&self) -> (Contents, u64) {
        TicketKeys::read(self)
    }

    fn loaded(&self) -> Option<u64> {
        TicketKeys::loaded(self)
    }

    fn load(&self, contents: Contents, fingerprint: u64) -> Result<(), TicketKeyError> {
        self.store(contents, fingerprint)
    }
}

// Polls instead of using a watcher crate: kernel notifications do not work on network and overlay
// file systems, do not follow symbolic links, and differ between platforms, while reading a few
// small files now and then costs almost nothing.
fn watch<W, R>(
    watched: W,
    within: Duration,
    mut report: R,
) -> impl Future<Output = Infallible> + Send
where
    W: Watched,
    R: FnMut(Result<(), W::Error>) + Send,
{
    let mut watch = Watch {
        current: watched.loaded(),
        watched,
        previous: None,
        reported: None,
    };
    async move {
        let mut looks = interval((within / 2).max(SHORTEST));
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            looks.tick().await;
            let look = spawn_blocking(move || {
                let outcome = watch.look();
                (watch, outcome)
            });
            let Ok((back, outcome)) = look.await else {
                // The runtime is shutting down.
                return pending().await;
            };
            watch = back;
            if let Some(outcome) = outcome {
                report(outcome);
            }
        }
    }
}

struct Watch<W> {
    watched: W,
    /// The fingerprint of what is in use. Recorded here, since the same files may have been loaded
    /// for another purpose since.
    current: Option<u64>,
    /// The fingerprint of what the last check has seen.
    previous: Option<u64>,
    /// The fingerprint of contents that could not be used and were reported.
    reported: Option<u64>,
}

impl<W: Watched> Watch<W> {
    /// Checks the files once. Returns `None` if there is nothing to report.
    fn look(&mut self) -> Option<Result<(), W::Error>> {
        let (contents, seen) = self.watched.read();
        if self.previous.replace(seen) != Some(seen) {
            return None;
        }
        if self.current == Some(seen) {
            self.reported = None;
            return None;
        }
        if self.reported == Some(seen) {
            return None;
        }
        let loaded = self.watched.load(contents, seen);
        match loaded {
            Ok(()) => (self.current, self.reported) = (Some(seen), None),
            Err(_) => self.reported = Some(seen),
        }
        Some(loaded)
    }
}
