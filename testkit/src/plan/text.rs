//! Plans as one line of text, such as `capacity=5 left.buffer=9 right.read=3:pending,0:reset`.

use std::fmt;
use std::io::ErrorKind;
use std::str::FromStr;

use super::{Manner, Plan, Step};
use crate::pipe::Answer;

/// The errors that have a name in a plan.
const ERRORS: [(&str, ErrorKind); 5] = [
    ("aborted", ErrorKind::ConnectionAborted),
    ("broken", ErrorKind::BrokenPipe),
    ("interrupted", ErrorKind::Interrupted),
    ("timeout", ErrorKind::TimedOut),
    ("would-block", ErrorKind::WouldBlock),
];

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "capacity={}", self.capacity)?;
        self.left.write("left", f)?;
        self.right.write("right", f)
    }
}

impl FromStr for Plan {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut plan = Self::honest(1);
        for word in text.split_whitespace() {
            let (key, value) = word.split_once('=').unwrap_or((word, ""));
            match key.split_once('.') {
                None if key == "capacity" => plan.capacity = number(value)?,
                Some(("left", key)) => plan.left.set(key, value)?,
                Some(("right", key)) => plan.right.set(key, value)?,
                _ => return Err(format!("{key:?} is not a part of a plan")),
            }
        }
        Ok(plan)
    }
}

impl Manner {
    fn write(&self, side: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(bytes) = self.at_most {
            write!(f, " {side}.at-most={bytes}")?;
        }
        if let Some(limit) = self.buffer {
            write!(f, " {side}.buffer={limit}")?;
        }
        if self.scalar {
            write!(f, " {side}.scalar")?;
        }
        for (operation, steps) in self.lists() {
            if steps.is_empty() {
                continue;
            }
            let steps: Vec<String> = steps.iter().map(ToString::to_string).collect();
            let operation = format!("{operation:?}").to_lowercase();
            write!(f, " {side}.{operation}={}", steps.join(","))?;
        }
        Ok(())
    }

    fn set(&mut self, key: &str, value: &str) -> Result<(), String> {
        match key {
            "at-most" => self.at_most = Some(number(value)?),
            "buffer" => self.buffer = Some(number(value)?),
            "scalar" => self.scalar = true,
            "read" => self.read = steps(value)?,
            "write" => self.write = steps(value)?,
            "flush" => self.flush = steps(value)?,
            "shutdown" => self.shutdown = steps(value)?,
            _ => return Err(format!("{key:?} is not a part of a manner")),
        }
        Ok(())
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.skip, self.answer)
    }
}

impl FromStr for Step {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (skip, answer) = text
            .split_once(':')
            .ok_or_else(|| format!("{text:?} is not a step"))?;
        Ok(Self {
            skip: number(skip)?,
            answer: answer.parse()?,
        })
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Honest => f.write_str("honest"),
            Self::AtMost(bytes) => write!(f, "at-most-{bytes}"),
            Self::Spurious => f.write_str("spurious"),
            Self::Pending => f.write_str("pending"),
            Self::Delayed(steps) => write!(f, "delayed-{steps}"),
            Self::Nothing => f.write_str("nothing"),
            Self::Error(kind) => match ERRORS.iter().find(|(_, known)| known == kind) {
                Some((name, _)) => f.write_str(name),
                None => write!(f, "{kind:?}"),
            },
            Self::Code(code) => write!(f, "code-{code}"),
            Self::EndOfStream => f.write_str("end"),
            Self::Reset => f.write_str("reset"),
            Self::Panic => f.write_str("panic"),
            Self::TooMuch => f.write_str("too-much"),
        }
    }
}

impl FromStr for Answer {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(bytes) = text.strip_prefix("at-most-") {
            return Ok(Self::AtMost(number(bytes)?));
        }
        if let Some(steps) = text.strip_prefix("delayed-") {
            return Ok(Self::Delayed(number(steps)?));
        }
        if let Some(code) = text
            .strip_prefix("code-")
            .and_then(|code| code.parse().ok())
        {
            return Ok(Self::Code(code));
        }
        if let Some((_, kind)) = ERRORS.iter().find(|(name, _)| *name == text) {
            return Ok(Self::Error(*kind));
        }
        Ok(match text {
            "honest" => Self::Honest,
            "spurious" => Self::Spurious,
            "pending" => Self::Pending,
            "nothing" => Self::Nothing,
            "end" => Self::EndOfStream,
            "reset" => Self::Reset,
            "panic" => Self::Panic,
            "too-much" => Self::TooMuch,
            _ => return Err(format!("{text:?} is not a result")),
        })
    }
}

fn steps(text: &str) -> Result<Vec<Step>, String> {
    text.split(',').map(str::parse).collect()
}

fn number(text: &str) -> Result<usize, String> {
    text.parse()
        .map_err(|_| format!("{text:?} is not a number"))
}

#[cfg(test)]
mod tests {
    use proptest::proptest;

    use super::super::{Hostility, plans};
    use super::*;

    proptest! {
        #[test]
        fn a_printed_plan_can_be_parsed(plan in plans(Hostility::Hostile)) {
            let text = plan.to_string();
            assert_eq!(text.parse::<Plan>(), Ok(plan), "{text}");
        }
    }

    #[test]
    fn an_invalid_plan_is_rejected() {
        for text in [
            "depth=1",
            "left.read=pending",
            "left.read=1:sleepy",
            "capacity=x",
        ] {
            assert!(text.parse::<Plan>().is_err(), "{text}");
        }
    }
}
