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
    /// Where reports go.
    pub(crate) folder: PathBuf,
}

/// How a test has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Outcome {
    Pass,
    Fail,
    /// The shim has said that it does not do what the test asks for.
    Skip,
}

/// What the runner says of a test.
#[derive(Debug, Deserialize)]
pub(crate) struct Test {
    pub(crate) actual: Outcome,
    /// What has gone wrong.
    #[serde(default)]
    pub(crate) error: String,
}

/// What the runner says of all tests.
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
        // What an earlier run has left would be taken for what this one says.
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
            // The texts of errors are an implementation's own.
            .arg("-loose-errors")
            .args(["-allow-unimplemented", "-pipe"])
            // Much of their time goes by with waiting for one another.
            .args(["-num-workers", "4"]);
        if let Some(named) = named {
            let named: Vec<_> = named.iter().copied().collect();
            command.arg("-test").arg(named.join(";"));
        }
        command
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        // It fails if any test does, which is for the list to judge.
        let status = command.status()?;
        let text = fs::read(&report)
            .map_err(|error| format!("{name}: the runner has no report ({status}): {error}"))?;
        Ok(serde_json::from_slice(&text)?)
    }
}

impl Report {
    /// The names of the tests that the shim does.
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
