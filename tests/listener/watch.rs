//! Watched files. The clock is paused: the files are checked when nothing else is left to do.

use super::files::{Folder, build, files, identity};
use pollback::listener::{LoadError, PemFiles, PemPart, SharedConfig};
use pollback::rustls::ServerConfig;
use pollback_testkit::certificates::Identity;
use std::fs;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout};

pub(super) const WITHIN: Duration = Duration::from_secs(10);

/// The next report, which has to arrive in time.
pub(super) async fn in_time<R>(reports: &mut mpsc::UnboundedReceiver<R>) -> R {
    let begun = Instant::now();
    // Longer, since both may be due at the same moment.
    let report = timeout(2 * WITHIN, reports.recv()).await;
    assert!(begun.elapsed() <= WITHIN, "{:?}", begun.elapsed());
    report.expect("in time").expect("they are watched")
}

/// A configuration whose files are watched.
struct Watched {
    folder: Folder,
    config: SharedConfig,
    reports: mpsc::UnboundedReceiver<Result<(), LoadError>>,
}

impl Watched {
    fn new() -> Self {
        let folder = Folder::new();
        folder.put(&identity());
        let files = files(&folder);
        Self::of(folder, files)
    }

    fn of(folder: Folder, files: PemFiles) -> Self {
        let config = SharedConfig::new(files.load().unwrap());
        let (sender, reports) = mpsc::unbounded_channel();
        tokio::spawn(files.watch(config.clone(), WITHIN, move |report| {
            // A test may ignore the remaining reports.
            let _ = sender.send(report);
        }));
        Self {
            folder,
            config,
            reports,
        }
    }

    fn current(&self) -> Arc<ServerConfig> {
        self.config.load()
    }

    /// Asserts that a report arrives in time, and that there is a new configuration.
    async fn assert_reloaded(&mut self) {
        let before = self.current();
        let report = in_time(&mut self.reports).await;
        report.expect("the files are fine");
        assert!(!Arc::ptr_eq(&before, &self.current()));
    }

    /// Asserts that nothing happens for a long time.
    async fn assert_quiet(&mut self) {
        let before = self.current();
        let report = timeout(20 * WITHIN, self.reports.recv()).await;
        assert!(report.is_err(), "{report:?}");
        assert!(Arc::ptr_eq(&before, &self.current()));
    }
}

#[tokio::test(start_paused = true)]
async fn new_contents_are_served_within_the_time() {
    let mut watched = Watched::new();
    watched.assert_quiet().await;
    for _ in 0..3 {
        watched.folder.put(&identity());
        watched.assert_reloaded().await;
        watched.assert_quiet().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_change_right_after_a_check_is_served_within_the_time() {
    let mut watched = Watched::new();
    sleep(20 * WITHIN + Duration::from_millis(1)).await;
    watched.folder.put(&identity());
    watched.assert_reloaded().await;
}

#[tokio::test(start_paused = true)]
async fn a_change_between_load_and_watch_is_not_missed() {
    let folder = Folder::new();
    folder.put(&identity());
    let files = files(&folder);
    let config = SharedConfig::new(files.load().unwrap());
    folder.put(&identity());
    let (sender, mut reports) = mpsc::unbounded_channel();
    let report = move |report: Result<(), LoadError>| sender.send(report.is_ok()).unwrap();
    tokio::spawn(files.watch(config, WITHIN, report));
    assert_eq!(reports.recv().await, Some(true));
}

#[tokio::test(start_paused = true)]
async fn a_change_applies_to_every_configuration_of_the_same_files() {
    let folder = Folder::new();
    folder.put(&identity());
    let files = files(&folder);
    let mut one = Watched::of(folder, files.clone());
    let other = SharedConfig::new(files.load().unwrap());
    let before = other.load();
    let (sender, mut reports) = mpsc::unbounded_channel();
    let report = move |report: Result<(), LoadError>| sender.send(report.is_ok()).unwrap();
    tokio::spawn(files.watch(other.clone(), WITHIN, report));
    one.folder.put(&identity());
    // Loading them for another purpose does not affect the watchers.
    files.load().unwrap();
    one.assert_reloaded().await;
    assert!(in_time(&mut reports).await);
    assert!(!Arc::ptr_eq(&before, &other.load()));
    one.assert_quiet().await;
}

#[tokio::test(start_paused = true)]
async fn rewriting_the_same_contents_is_not_a_change() {
    let mut watched = Watched::new();
    let text = fs::read(watched.folder.chain()).unwrap();
    fs::write(watched.folder.chain(), text).unwrap();
    watched.assert_quiet().await;
}

#[tokio::test(start_paused = true)]
async fn an_atomic_rename_is_a_change() {
    let mut watched = Watched::new();
    let fresh = identity();
    for (path, text) in [
        (watched.folder.chain(), fresh.certificate_pem().to_owned()),
        (watched.folder.key(), fresh.key_pem()),
    ] {
        let new = watched.folder.path("new");
        fs::write(&new, text).unwrap();
        fs::rename(new, path).unwrap();
    }
    watched.assert_reloaded().await;
}

/// As in Kubernetes: the files are links through a link to a folder, and that link is replaced.
#[cfg(unix)]
#[tokio::test(start_paused = true)]
async fn a_changed_symbolic_link_is_a_change() {
    use std::os::unix::fs::symlink;

    let folder = Folder::new();
    let put = |version: &str, identity: &Identity| {
        let inner = folder.path(version);
        fs::create_dir(&inner).unwrap();
        fs::write(inner.join("chain.pem"), identity.certificate_pem()).unwrap();
        fs::write(inner.join("key.pem"), identity.key_pem()).unwrap();
        let link = folder.path("..data_tmp");
        symlink(version, &link).unwrap();
        fs::rename(link, folder.path("..data")).unwrap();
    };
    put("..1", &identity());
    symlink("..data/chain.pem", folder.chain()).unwrap();
    symlink("..data/key.pem", folder.key()).unwrap();
    let files = files(&folder);
    put("..2", &identity());
    let mut watched = Watched::of(folder, files);
    watched.assert_quiet().await;
    let fresh = identity();
    let inner = watched.folder.path("..3");
    fs::create_dir(&inner).unwrap();
    fs::write(inner.join("chain.pem"), fresh.certificate_pem()).unwrap();
    fs::write(inner.join("key.pem"), fresh.key_pem()).unwrap();
    watched.assert_quiet().await;
    symlink("..3", watched.folder.path("..data_tmp")).unwrap();
    fs::rename(
        watched.folder.path("..data_tmp"),
        watched.folder.path("..data"),
    )
    .unwrap();
    fs::remove_dir_all(watched.folder.path("..2")).unwrap();
    watched.assert_reloaded().await;
}

#[tokio::test(start_paused = true)]
async fn files_that_are_being_written_are_neither_used_nor_reported() {
    let mut watched = Watched::new();
    let before = watched.current();
    let fresh = identity();
    let chain = fresh.certificate_pem().repeat(2);
    // One certificate is also a chain, but not the complete one.
    for length in (100..chain.len()).step_by(100) {
        fs::write(watched.folder.chain(), &chain[..length]).unwrap();
        sleep(WITHIN / 2).await;
    }
    assert!(watched.reports.try_recv().is_err());
    fs::write(watched.folder.chain(), &chain).unwrap();
    fs::write(watched.folder.key(), fresh.key_pem()).unwrap();
    assert!(Arc::ptr_eq(&before, &watched.current()));
    watched.assert_reloaded().await;
}

#[tokio::test(start_paused = true)]
async fn a_broken_file_is_reported_once_and_leaves_the_old_configuration() {
    let mut watched = Watched::new();
    let good = fs::read(watched.folder.chain()).unwrap();
    type Damage = fn(&Folder);
    let ways: [(Damage, PemPart); 3] = [
        (|f| fs::write(f.chain(), "nothing").unwrap(), PemPart::Chain),
        (|f| fs::remove_file(f.chain()).unwrap(), PemPart::Chain),
        (
            |f| fs::write(f.chain(), identity().certificate_pem()).unwrap(),
            PemPart::Both,
        ),
    ];
    for (damage, part) in ways {
        for _ in 0..2 {
            let before = watched.current();
            damage(&watched.folder);
            let report = timeout(WITHIN, watched.reports.recv()).await;
            let error = report.expect("in time").unwrap().expect_err("broken");
            assert_eq!(error.part(), part, "{error}");
            assert!(Arc::ptr_eq(&before, &watched.current()));
            watched.assert_quiet().await;
            // The contents in use are restored, which is not a change, but the next damage is a new
            // one.
            fs::write(watched.folder.chain(), &good).unwrap();
            watched.assert_quiet().await;
        }
    }
    watched.folder.put(&identity());
    watched.assert_reloaded().await;
}

#[tokio::test(start_paused = true)]
async fn a_function_that_panics_is_reported_and_does_not_end_the_watch() {
    let folder = Folder::new();
    folder.put(&identity());
    let panics = folder.path("panics");
    let files = PemFiles::new(folder.chain(), folder.key(), move |chain, key| {
        assert!(!panics.exists(), "this function is to panic");
        build(chain, key)
    });
    let mut watched = Watched::of(folder, files);
    fs::write(watched.folder.path("panics"), "").unwrap();
    watched.folder.put(&identity());
    let error = watched
        .reports
        .recv()
        .await
        .unwrap()
        .expect_err("it panics");
    assert_eq!(error.part(), PemPart::Configuration);
    fs::remove_file(watched.folder.path("panics")).unwrap();
    watched.folder.put(&identity());
    watched.assert_reloaded().await;
}
