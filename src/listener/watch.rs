//! Watching files for new contents.

use std::convert::Infallible;
use std::future::pending;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio::time::{MissedTickBehavior, interval};

use super::load_error::{LoadError, PemPart};
use super::{PemFiles, SharedConfig};

/// The shortest interval between two checks.
const SHORTEST: Duration = Duration::from_millis(1);

impl PemFiles {
    /// Replaces `config` whenever the contents of the files have changed, at most `within` after
    /// the change. Calls `report` after each replacement, and once for contents that make no
    /// configuration: `config` is then left as it is.
    ///
    /// The contents are compared, so it does not matter how files are replaced: in place, by an
    /// atomic rename, or by moving the symbolic link that they are reached through, as Kubernetes
    /// does. They are read twice within the time given, on the runtime's threads for blocking work,
    /// and used when both reads agree, so that files that are still being written are neither used
    /// nor reported. The first comparison is with what was loaded last through these files or a
    /// clone of them.
    ///
    /// The future never resolves: spawn it. Its task ends with the runtime, or when it is aborted.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends the watch; `config` is then replaced at most once more.
    ///
    /// # Panics
    ///
    /// If it is polled outside of a tokio runtime with its timer enabled.
    pub fn watch<R>(
        &self,
        config: SharedConfig,
        within: Duration,
        mut report: R,
    ) -> impl Future<Output = Infallible> + Send + use<R>
    where
        R: FnMut(Result<(), LoadError>) + Send,
    {
        let mut watch = Watch {
            files: self.clone(),
            config,
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
}

// Polling instead of a watcher crate: kernel notifications do not work on network and overlay file
// systems, do not follow symbolic links, and differ between platforms, while reading a few small
// files now and then costs next to nothing.
struct Watch {
    files: PemFiles,
    config: SharedConfig,
    /// The fingerprint that was seen last.
    previous: Option<u64>,
    /// The fingerprint of invalid contents that were already reported.
    reported: Option<u64>,
}

impl Watch {
    /// Checks the files once. Returns `None` if there is nothing to report.
    fn look(&mut self) -> Option<Result<(), LoadError>> {
        let (texts, seen) = self.files.read();
        if self.previous.replace(seen) != Some(seen) {
            return None;
        }
        if self.files.loaded() == Some(seen) {
            self.reported = None;
            return None;
        }
        if self.reported == Some(seen) {
            return None;
        }
        // A panic of the program's own function must not end the watch.
        let built = catch_unwind(AssertUnwindSafe(|| self.files.build(&texts)));
        let built = built.unwrap_or_else(|_| {
            let error = "building the configuration panicked";
            Err(LoadError::new(PemPart::Configuration, &[], error))
        });
        self.reported = Some(seen);
        Some(built.map(|config| {
            self.reported = None;
            self.config.replace(config);
        }))
    }
}
