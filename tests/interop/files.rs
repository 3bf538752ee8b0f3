//! Files for one test.

use std::fs;
use std::path::{Path, PathBuf};

use pollback_testkit::certificates::Identity;

/// The folder of a test.
pub(crate) struct Files {
    folder: PathBuf,
}

impl Files {
    pub(crate) fn of(test: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"))
            .join(env!("CARGO_CRATE_NAME"))
            .join(test);
        if folder.exists() {
            fs::remove_dir_all(&folder).expect("the folder of an earlier run is removed");
        }
        fs::create_dir_all(&folder).expect("a folder");
        Self { folder }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, content).expect("a file is written");
        path
    }

    /// Writes certificate and key of `identity`, in this order.
    pub(crate) fn identity(&self, identity: &Identity) -> (PathBuf, PathBuf) {
        (
            self.write("certificate.pem", identity.certificate_pem()),
            self.write("key.pem", identity.key_pem()),
        )
    }
}
