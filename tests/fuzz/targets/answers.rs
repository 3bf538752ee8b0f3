//! What a transport answers when it is not honest.

use std::io::ErrorKind;

use pollback_testkit::pipe;

use super::input::Input;

/// One answer of a transport, be it a pipe or made of closures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Honest,
    /// Pending, and the task is woken at once.
    Pending,
    /// Success in which nothing is done.
    Nothing,
    Error(ErrorKind),
    /// Success, for one byte more than was offered.
    TooMuch,
}

impl Answer {
    /// Whether a stream may answer this with anything but patience.
    pub(super) fn is_fault(self) -> bool {
        match self {
            Self::Honest | Self::Pending => false,
            Self::Error(kind) => kind != ErrorKind::Interrupted,
            Self::Nothing | Self::TooMuch => true,
        }
    }
}

impl From<Answer> for pipe::Answer {
    fn from(answer: Answer) -> Self {
        match answer {
            Answer::Honest => Self::Honest,
            Answer::Pending => Self::Pending,
            Answer::Nothing => Self::Nothing,
            Answer::Error(kind) => Self::Error(kind),
            Answer::TooMuch => Self::TooMuch,
        }
    }
}

/// A list of answers: stretches of honest ones, and faults between them.
pub(super) fn take(input: &mut Input<'_>) -> Vec<Answer> {
    let stretches = input.list(15, |input| match input.byte() {
        honest @ 0..=127 => vec![Answer::Honest; usize::from(honest) + 1],
        fault => vec![match fault % 16 {
            0..=4 => Answer::Pending,
            5..=8 => Answer::Error(ErrorKind::Interrupted),
            9 => Answer::Nothing,
            10 => Answer::TooMuch,
            11 => Answer::Error(ErrorKind::WouldBlock),
            12 => Answer::Error(ErrorKind::TimedOut),
            // Not those with which a socket ends its reads too.
            13 => Answer::Error(ErrorKind::PermissionDenied),
            14 => Answer::Error(ErrorKind::UnexpectedEof),
            _ => Answer::Error(ErrorKind::Other),
        }],
    });
    stretches.concat()
}
