//! One run of BoringSSL's runner.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fmt;
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde::Deserialize;

/// How the runner is started.
pub(crate) struct Runner {
    pub(crate) program: PathBuf,
    pub(crate) shim: PathBuf,
    pub(crate) config: PathBuf,
    /// The folder for reports.
    pub(crate) folder: PathBuf,
}

/// The result of a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Outcome {
    Pass,
    Fail,
    /// The shim has reported that it does not implement something that the test needs.
    Skip,
}

/// The runner's report of a test.
#[derive(Debug, Deserialize)]
pub(crate) struct Test {
    pub(crate) actual: Outcome,
    /// The error, if it has failed.
    #[serde(default)]
    pub(crate) error: String,
}

/// The runner's report of all tests.
#[derive(Debug, Deserialize)]
pub(crate) struct Report {
    pub(crate) tests: BTreeMap<String, Test>,
}

impl Runner {
    /// Runs the tests `named`, or all of them.
    pub(crate) fn run(
        &self,
        name: &str,
        named: Option<&BTreeSet<&str>>,
    ) -> Result<Report, Box<dyn Error>> {
        let (backend, variant) = name.split_once('/').unwrap_or((name, "none"));
        fs::create_dir_all(&self.folder)?;
        let file = name.replace('/', "-");
        let report = self.folder.join(format!("{file}.json"));
        let log = File::create(self.folder.join(format!("{file}.log")))?;
        // The report of an earlier run would be mistaken for the one of this run.
        if report.exists() {
            fs::remove_file(&report)?;
        }
        let mut command = Command::new(&self.program);
        command
            .arg("-shim-path")
            .arg(&self.shim)
            .arg("-shim-extra-flags")
            .arg(format!("-backend;{backend};-variant;{variant}"))
            .arg("-shim-config")
            .arg(&self.config)
            .arg("-json-output")
            .arg(&report)
            // Error texts differ between implementations.
            .arg("-loose-errors")
            .args(["-allow-unimplemented", "-pipe"])
            // The processes spend much of their time waiting for each other.
            .args(["-num-workers", "4"]);
        if let Some(named) = named {
            let named: Vec<_> = named.iter().copied().collect();
            command.arg("-test").arg(named.join(";"));
        }
        command
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        // It fails if any test fails, which is compared with the list below.
        let status = command.status()?;
        let text = fs::read(&report)
            .map_err(|error| format!("{name}: the runner has no report ({status}): {error}"))?;
        Ok(serde_json::from_slice(&text)?)
    }
}

impl Report {
    /// The names of the tests that the shim implements.
    pub(crate) fn implemented(&self) -> impl Iterator<Item = &str> {
        let done = self
            .tests
            .iter()
            .filter(|(_, test)| test.actual != Outcome::Skip);
        done.map(|(name, _)| name.as_str())
    }

    pub(crate) fn count(&self, outcome: Outcome) -> usize {
        let matching = self.tests.values().filter(|test| test.actual == outcome);
        matching.count()
    }

    pub(crate) fn summary(&self) -> String {
        let [pass, fail, skip] = [Outcome::Pass, Outcome::Fail, Outcome::Skip];
        format!(
            "{} pass, {} fail, {} are not implemented",
            self.count(pass),
            self.count(fail),
            self.count(skip)
        )
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pass => "passes",
            Self::Fail => "fails",
            Self::Skip => "is not implemented",
        })
    }
}
