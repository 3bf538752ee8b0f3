//! The list of tests that may differ.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::Path;

use serde::Deserialize;

use crate::run::{Outcome, Report};

/// The contents of `differences.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Differences {
    /// How many tests each plain back end has to pass to be a valid reference.
    least: BTreeMap<String, usize>,
    #[serde(default)]
    differences: Vec<Difference>,
}

/// Tests that differ for the same reason.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Difference {
    reason: String,
    /// The section of the RFC that allows it.
    rfc: String,
    /// The runs to which it applies, or all: a run, a back end in every variant, or a variant of
    /// every back end.
    #[serde(default)]
    runs: Vec<String>,
    /// The result of the tests in these runs, which differs with plain rustls.
    here: Ending,
    #[serde(default)]
    tests: Vec<String>,
    /// Instead of names: the tests for which the runner reports one of these errors.
    #[serde(default)]
    errors: Vec<String>,
}

/// The permitted result of a listed test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Ending {
    Pass,
    Fail,
    /// It may pass or fail, depending on timing.
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
                let text =
                    format!("a difference by error has to allow either result: {difference:?}");
                return Err(text.into());
            }
        }
        Ok(list)
    }

    /// The names of runs in the list.
    pub(crate) fn runs(&self) -> impl Iterator<Item = &str> {
        self.differences
            .iter()
            .flat_map(|difference| &difference.runs)
            .map(String::as_str)
    }

    /// Checks the reference of `runs`, and finds names that are not tests.
    pub(crate) fn check_plain(&self, measure: &str, runs: &[&str], plain: &Report) -> Vec<String> {
        let mut complaints = Vec::new();
        let passed = plain.count(Outcome::Pass);
        let least = self.least.get(measure).copied().unwrap_or(usize::MAX);
        if passed < least {
            complaints.push(format!(
                "{measure} passes {passed} tests, fewer than {least}"
            ));
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

    /// The permitted result of `test` in `run`, if it may differ.
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
