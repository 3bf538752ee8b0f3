//! The list of tests that may differ.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::Path;

use serde::Deserialize;

use crate::run::{Outcome, Report};

/// What `differences.toml` says.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Differences {
    /// How many tests each plain back end has to pass, so that it is a measure.
    least: BTreeMap<String, usize>,
    #[serde(default)]
    differences: Vec<Difference>,
}

/// Tests that differ for one reason.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Difference {
    reason: String,
    /// The section that allows it.
    rfc: String,
    /// In these runs, or in all: a run, a back end in every variant, or a variant of every one.
    #[serde(default)]
    runs: Vec<String>,
    /// How the tests end here, while they end otherwise with plain rustls.
    here: Ending,
    #[serde(default)]
    tests: Vec<String>,
    /// In place of names: those of whose failures the runner says one of these.
    #[serde(default)]
    errors: Vec<String>,
}

/// How a listed test may end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Ending {
    Pass,
    Fail,
    /// It passes or fails, as it happens: with what arrives together.
    Either,
}

impl Differences {
    pub(crate) fn read(path: &Path) -> Result<Self, Box<dyn Error>> {
        let text = fs::read_to_string(path)?;
        let list: Self = toml::from_str(&text)?;
        for difference in &list.differences {
            if difference.reason.is_empty() || !difference.rfc.starts_with("RFC ") {
                let text = format!("a difference without its reason or RFC: {difference:?}");
                return Err(text.into());
            }
            if !difference.errors.is_empty() && difference.here != Ending::Either {
                let text = format!("what an error says is not certain to happen: {difference:?}");
                return Err(text.into());
            }
        }
        Ok(list)
    }

    /// What is said of runs.
    pub(crate) fn runs(&self) -> impl Iterator<Item = &str> {
        self.differences
            .iter()
            .flat_map(|difference| &difference.runs)
            .map(String::as_str)
    }

    /// What is wrong with what `runs` are held against, and which names are of no test.
    pub(crate) fn check_plain(&self, measure: &str, runs: &[&str], plain: &Report) -> Vec<String> {
        let mut complaints = Vec::new();
        let passed = plain.count(Outcome::Pass);
        match self.least.get(measure) {
            Some(&least) if passed >= least => {}
            least => complaints.push(format!(
                "{measure} passes {passed} tests, and should pass at least {least:?}"
            )),
        }
        for name in self
            .differences
            .iter()
            .filter(|difference| runs.iter().any(|run| difference.is_about(run)))
            .flat_map(|difference| &difference.tests)
        {
            if !plain.implemented().any(|test| test == name) {
                complaints.push(format!(
                    "{name} is on the list, and is not a test that {measure} runs"
                ));
            }
        }
        complaints
    }

    /// How `test` may end in `run`, if it may differ.
    pub(crate) fn listed(&self, run: &str, test: &str, error: &str) -> Option<Ending> {
        let mut matching = self.differences.iter().filter(|difference| {
            let of_test = difference.tests.iter().any(|name| name == test)
                || difference.errors.iter().any(|text| error.contains(text));
            difference.is_about(run) && of_test
        });
        matching.next().map(|difference| difference.here)
    }
}

impl Difference {
    fn is_about(&self, run: &str) -> bool {
        self.runs.is_empty() || self.runs.iter().any(|name| covers(name, run))
    }
}

/// Whether `name` is the run, its back end or its variant.
pub(crate) fn covers(name: &str, run: &str) -> bool {
    name == run || run.split('/').any(|part| part == name)
}

impl Ending {
    pub(crate) fn allows(self, outcome: Outcome) -> bool {
        match self {
            Self::Pass => outcome == Outcome::Pass,
            Self::Fail => outcome == Outcome::Fail,
            Self::Either => outcome != Outcome::Skip,
        }
    }
}
