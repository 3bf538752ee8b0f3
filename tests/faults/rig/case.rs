//! The complete description of one run, which can be printed, and parsed to run it again.

use std::fmt;
use std::str::FromStr;

use pollback_testkit::pipe::Answer;
use pollback_testkit::plan::Plan;

use super::carrier::Carrier;
use super::makes::Make;
use super::scenarios::{Scenario, scenario};

/// The two sides. The client has the left end of the pipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Client,
    Server,
}

impl Role {
    pub(crate) const BOTH: [Self; 2] = [Self::Client, Self::Server];

    pub(crate) fn peer(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }
}

/// An injected result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Strike {
    /// The side whose transport returns it.
    pub(crate) role: Role,
    /// The number of the call, counted from 0 over all operations.
    pub(crate) call: usize,
    /// The result.
    pub(crate) answer: Answer,
}

/// How a side is stopped early. Both count from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// At this wait of one of its tasks, the side is dropped.
    Drop(usize),
    /// At this wait, the operation is dropped and replaced by another one.
    Cancel(usize),
}

/// One run.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) scenario: &'static Scenario,
    pub(crate) client: Make,
    pub(crate) server: Make,
    pub(crate) carrier: Carrier,
    pub(crate) plan: Plan,
    pub(crate) strike: Option<Strike>,
    pub(crate) stop: Option<(Role, Stop)>,
}

impl Case {
    /// Both sides are the crate under test, and no faults are injected.
    pub(crate) fn new(scenario: &'static Scenario) -> Self {
        Self {
            scenario,
            client: Make::Ours,
            server: Make::Ours,
            carrier: Carrier::Direct,
            plan: scenario.plan.clone(),
            strike: None,
            stop: None,
        }
    }

    pub(crate) fn make(&self, role: Role) -> Make {
        match role {
            Role::Client => self.client,
            Role::Server => self.server,
        }
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "scenario={}", self.scenario.name)?;
        write!(f, " client={:?} server={:?}", self.client, self.server)?;
        write!(f, " carrier={:?}", self.carrier)?;
        if let Some(Strike { role, call, answer }) = self.strike {
            write!(f, " strike={role:?}:{call}:{answer}")?;
        }
        match self.stop {
            Some((role, Stop::Drop(poll))) => write!(f, " drop={role:?}:{poll}")?,
            Some((role, Stop::Cancel(wait))) => write!(f, " cancel={role:?}:{wait}")?,
            None => {}
        }
        write!(f, " {}", self.plan)
    }
}

impl FromStr for Case {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let word = |key: &str| {
            text.split_whitespace()
                .filter_map(|word| word.split_once('='))
                .find_map(|(found, value)| (found == key).then_some(value))
        };
        let required = |key| word(key).ok_or_else(|| format!("no word {key}=... in {text:?}"));
        let name = required("scenario")?;
        let plan: Vec<&str> = text
            .split_whitespace()
            .filter(|word| word.starts_with("capacity=") || word.contains('.'))
            .collect();
        let at = |role: &str, wait: &str, stop: fn(usize) -> Stop| {
            Ok::<_, String>((parse(role, Role::BOTH)?, stop(number(wait)?)))
        };
        let stop = match (word("drop"), word("cancel")) {
            (Some(drop), _) => Some(split(drop).and_then(|(role, n)| at(role, n, Stop::Drop))?),
            (_, Some(cancel)) => {
                Some(split(cancel).and_then(|(role, n)| at(role, n, Stop::Cancel))?)
            }
            _ => None,
        };
        Ok(Self {
            scenario: scenario(name).ok_or_else(|| format!("no scenario is named {name:?}"))?,
            client: parse(required("client")?, Make::ALL.iter().copied())?,
            server: parse(required("server")?, Make::ALL.iter().copied())?,
            carrier: parse(required("carrier")?, Carrier::ALL)?,
            plan: plan.join(" ").parse()?,
            strike: word("strike").map(str::parse).transpose()?,
            stop,
        })
    }
}

impl FromStr for Strike {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (role, rest) = split(text)?;
        let (call, answer) = split(rest)?;
        Ok(Self {
            role: parse(role, Role::BOTH)?,
            call: number(call)?,
            answer: answer.parse()?,
        })
    }
}

fn split(text: &str) -> Result<(&str, &str), String> {
    text.split_once(':')
        .ok_or_else(|| format!("no colon in {text:?}"))
}

fn parse<T: fmt::Debug>(text: &str, all: impl IntoIterator<Item = T>) -> Result<T, String> {
    all.into_iter()
        .find(|one| format!("{one:?}") == text)
        .ok_or_else(|| format!("{text:?} is not known"))
}

fn number(text: &str) -> Result<usize, String> {
    text.parse()
        .map_err(|_| format!("{text:?} is not a number"))
}
