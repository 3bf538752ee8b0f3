//! The list of tests that may differ, and what it makes of a report.

use std::collections::BTreeSet;
use std::error::Error;
use std::fs;
use std::path::Path;

use serde::Deserialize;

use crate::run::{Outcome, Report};

/// What `differences.toml` says.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Differences {
    /// How many tests plain rustls has to pass, so that it is a measure.
    least: usize,
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
    /// In these runs, or in all.
    #[serde(default)]
    runs: Vec<String>,
    /// How the tests end here, while they end otherwise with plain rustls.
    here: Outcome,
    tests: Vec<String>,
}

/// How a run compares to plain rustls.
#[derive(Debug, Default)]
pub(crate) struct Judgement {
    pub(crate) as_plain: usize,
    pub(crate) as_listed: usize,
    /// How many a back end for servers leaves out, since they are for clients.
    pub(crate) left_out: usize,
    pub(crate) complaints: Vec<String>,
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
        }
        Ok(list)
    }

    /// The runs that are named.
    pub(crate) fn runs(&self) -> impl Iterator<Item = &str> {
        self.differences
            .iter()
            .flat_map(|difference| &difference.runs)
            .map(String::as_str)
    }

    /// What is wrong with what all others are held against, and which names are of no test.
    pub(crate) fn check_plain(&self, plain: &Report) -> Vec<String> {
        let mut complaints = Vec::new();
        let passed = plain.count(Outcome::Pass);
        if passed < self.least {
            complaints.push(format!(
                "plain rustls passes {passed} tests, less than {}",
                self.least
            ));
        }
        for name in self
            .differences
            .iter()
            .flat_map(|difference| &difference.tests)
        {
            if !plain.implemented().any(|test| test == name) {
                complaints.push(format!(
                    "{name} is on the list, and is not a test that is run"
                ));
            }
        }
        complaints
    }

    /// Compares the tests that were `chosen` for the run `name`.
    pub(crate) fn judge(
        &self,
        name: &str,
        only_servers: bool,
        chosen: &BTreeSet<&str>,
        plain: &Report,
        report: &Report,
    ) -> Judgement {
        let mut judgement = Judgement::default();
        for &test in chosen {
            let expected = plain.tests[test].actual;
            let Some(found) = report.tests.get(test) else {
                judgement
                    .complaints
                    .push(format!("{name}: {test} was not run"));
                continue;
            };
            if only_servers && found.actual == Outcome::Skip {
                judgement.left_out += 1;
                continue;
            }
            let listed = self.listed(name, test);
            if found.actual == expected {
                match listed {
                    None => judgement.as_plain += 1,
                    Some(_) => judgement.complaints.push(format!(
                        "{name}: {test} {expected} as with plain rustls; take it off the list"
                    )),
                }
            } else if listed == Some(found.actual) {
                judgement.as_listed += 1;
            } else {
                judgement.complaints.push(format!(
                    "{name}: {test} {}, and {expected} with plain rustls\n{}{}",
                    found.actual, found.error, plain.tests[test].error
                ));
            }
        }
        if judgement.left_out == chosen.len() {
            judgement
                .complaints
                .push(format!("{name}: no test was run"));
        }
        judgement
    }

    fn listed(&self, run: &str, test: &str) -> Option<Outcome> {
        let mut matching = self.differences.iter().filter(|difference| {
            let of_run =
                difference.runs.is_empty() || difference.runs.iter().any(|name| name == run);
            of_run && difference.tests.iter().any(|name| name == test)
        });
        matching.next().map(|difference| difference.here)
    }
}

impl Judgement {
    pub(crate) fn summary(&self) -> String {
        format!(
            "{} as plain rustls, {} as the list says, {} not; {} are for clients",
            self.as_plain,
            self.as_listed,
            self.complaints.len(),
            self.left_out
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::Test;

    fn report(tests: &[(&str, Outcome)]) -> Report {
        let test = |&(name, actual): &(&str, Outcome)| {
            let error = String::new();
            (name.to_owned(), Test { actual, error })
        };
        Report {
            tests: tests.iter().map(test).collect(),
        }
    }

    fn list() -> Differences {
        let text = r#"
            least = 1
            [[differences]]
            reason = "because"
            rfc = "RFC 8446, section 1"
            runs = ["acceptor"]
            here = "FAIL"
            tests = ["listed"]
        "#;
        toml::from_str(text).expect("it is a list")
    }

    /// What is said of a test called `name`.
    fn complaints(run: &str, name: &str, plain: Outcome, found: Outcome) -> Vec<String> {
        let chosen = BTreeSet::from([name]);
        let (plain, found) = (report(&[(name, plain)]), report(&[(name, found)]));
        list()
            .judge(run, run == "lazy", &chosen, &plain, &found)
            .complaints
    }

    use Outcome::{Fail, Pass, Skip};

    #[test]
    fn the_same_result_is_right() {
        for outcome in [Pass, Fail, Skip] {
            assert_eq!(complaints("acceptor", "other", outcome, outcome), [""; 0]);
        }
    }

    #[test]
    fn another_result_is_wrong_unless_it_is_listed() {
        assert_eq!(complaints("acceptor", "other", Pass, Fail).len(), 1);
        assert_eq!(complaints("acceptor", "other", Fail, Pass).len(), 1);
        assert_eq!(complaints("acceptor", "other", Pass, Skip).len(), 1);
        assert_eq!(complaints("acceptor", "listed", Pass, Fail), [""; 0]);
        assert_eq!(complaints("acceptor", "listed", Fail, Pass).len(), 1);
        assert_eq!(complaints("acceptor/split", "listed", Pass, Fail).len(), 1);
    }

    #[test]
    fn a_listed_test_that_agrees_is_wrong() {
        assert_eq!(complaints("acceptor", "listed", Pass, Pass).len(), 1);
    }

    #[test]
    fn a_run_for_servers_leaves_out_clients_but_not_everything() {
        let chosen = BTreeSet::from(["client", "server"]);
        let plain = report(&[("client", Pass), ("server", Pass)]);
        let found = report(&[("client", Skip), ("server", Pass)]);
        let judgement = list().judge("lazy", true, &chosen, &plain, &found);
        assert_eq!((judgement.left_out, judgement.complaints.len()), (1, 0));
        assert_eq!(complaints("lazy", "client", Pass, Skip).len(), 1);
    }

    #[test]
    fn names_of_no_test_and_too_few_passes_are_wrong() {
        let complaints = |plain| list().check_plain(&plain).len();
        assert_eq!(complaints(report(&[("listed", Pass)])), 0);
        assert_eq!(complaints(report(&[("other", Pass)])), 1);
        assert_eq!(complaints(report(&[("listed", Skip), ("other", Pass)])), 1);
        assert_eq!(complaints(report(&[("listed", Fail)])), 1);
    }
}
