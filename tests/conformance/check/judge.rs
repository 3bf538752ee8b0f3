//! Compares a report with plain rustls and the list of differences.

use std::collections::BTreeSet;

use crate::list::{Differences, Ending};
use crate::run::{Outcome, Report};

/// How a run compares to plain rustls.
#[derive(Debug, Default)]
pub(crate) struct Judgement {
    pub(crate) as_plain: usize,
    pub(crate) as_listed: usize,
    /// How many tests for clients a back end for servers skips.
    pub(crate) left_out: usize,
    pub(crate) complaints: Vec<String>,
}

/// Compares the tests that were `chosen` for the run `name`.
pub(crate) fn judge(
    list: &Differences,
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
        let listed = list.listed(name, test, &found.error);
        if found.actual == expected {
            match listed {
                None | Some(Ending::Either) => judgement.as_plain += 1,
                Some(_) => judgement.complaints.push(format!(
                    "{name}: {test} {expected} as with plain rustls; remove it from the list"
                )),
            }
        } else if listed.is_some_and(|ending| ending.allows(found.actual)) {
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

impl Judgement {
    pub(crate) fn summary(&self) -> String {
        format!(
            "{} like plain rustls, {} as listed, {} wrong; {} are for clients",
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
            let error = match actual {
                Fail => "local: broken pipe".to_owned(),
                _ => String::new(),
            };
            (name.to_owned(), Test { actual, error })
        };
        Report {
            tests: tests.iter().map(test).collect(),
        }
    }

    fn list() -> Differences {
        let text = r#"
            [least]
            plain = 1
            [[differences]]
            reason = "because"
            rfc = "RFC 8446, section 1"
            runs = ["acceptor"]
            here = "FAIL"
            tests = ["listed"]
            [[differences]]
            reason = "it depends"
            rfc = "RFC 8446, section 2"
            here = "EITHER"
            tests = ["open"]
            [[differences]]
            reason = "cut off"
            rfc = "RFC 9293, section 1"
            runs = ["dropped"]
            here = "EITHER"
            errors = ["broken pipe"]
        "#;
        toml::from_str(text).expect("a list")
    }

    /// The complaints about a test called `name`.
    fn complaints(run: &str, name: &str, plain: Outcome, found: Outcome) -> Vec<String> {
        let chosen = BTreeSet::from([name]);
        let (plain, found) = (report(&[(name, plain)]), report(&[(name, found)]));
        judge(&list(), run, run == "lazy", &chosen, &plain, &found).complaints
    }

    use Outcome::{Fail, Pass, Skip};

    #[test]
    fn the_same_result_is_correct() {
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
        assert_eq!(complaints("acceptor/split", "listed", Pass, Fail), [""; 0]);
        assert_eq!(complaints("hello", "listed", Pass, Fail).len(), 1);
    }

    #[test]
    fn a_listed_test_that_agrees_is_wrong() {
        assert_eq!(complaints("acceptor", "listed", Pass, Pass).len(), 1);
    }

    #[test]
    fn a_test_that_may_end_either_way_has_to_be_run() {
        assert_eq!(complaints("acceptor", "open", Pass, Fail), [""; 0]);
        assert_eq!(complaints("acceptor", "open", Pass, Pass), [""; 0]);
        assert_eq!(complaints("acceptor", "open", Pass, Skip).len(), 1);
    }

    #[test]
    fn an_error_may_replace_names() {
        assert_eq!(complaints("acceptor/dropped", "other", Pass, Fail), [""; 0]);
        assert_eq!(complaints("acceptor/dropped", "other", Fail, Pass).len(), 1);
        assert_eq!(complaints("acceptor/split", "other", Pass, Fail).len(), 1);
    }

    #[test]
    fn a_run_for_servers_leaves_out_clients_but_not_everything() {
        let chosen = BTreeSet::from(["client", "server"]);
        let plain = report(&[("client", Pass), ("server", Pass)]);
        let found = report(&[("client", Skip), ("server", Pass)]);
        let judgement = judge(&list(), "lazy", true, &chosen, &plain, &found);
        assert_eq!((judgement.left_out, judgement.complaints.len()), (1, 0));
        assert_eq!(complaints("lazy", "client", Pass, Skip).len(), 1);
    }

    #[test]
    fn unknown_names_and_too_few_passes_are_errors() {
        let complaints = |run, tests: &[_]| list().check_plain("plain", &[run], &report(tests));
        let of_acceptor = |tests| complaints("acceptor/split", tests).len();
        assert_eq!(of_acceptor(&[("listed", Pass), ("open", Pass)]), 0);
        assert_eq!(of_acceptor(&[("other", Pass)]), 2);
        assert_eq!(of_acceptor(&[("listed", Skip), ("open", Pass)]), 1);
        assert_eq!(of_acceptor(&[("listed", Fail), ("open", Fail)]), 1);
        // Names for other runs have to be tests of these.
        assert_eq!(complaints("hello", &[("open", Pass)]), [""; 0]);
        let unknown = list().check_plain("other", &["hello"], &report(&[("open", Pass)]));
        assert_eq!(unknown.len(), 1);
    }
}
