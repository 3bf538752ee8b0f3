//! The injected results of a transport.

use std::io::ErrorKind;

use pollback_testkit::pipe;

use super::input::Input;

/// One result of a transport, which is a pipe or consists of closures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Honest,
    /// Pending, and the task is woken at once.
    Pending,
    /// Success without effect.
    Nothing,
    Error(ErrorKind),
    /// Success, for one byte more than was offered.
    TooMuch,
}

impl Answer {
    /// Whether a stream may respond to this with anything but waiting.
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

/// A list of results: runs of unaffected ones, with faults between them.
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
            // Except those after which a socket also ends its reads.
            13 => Answer::Error(ErrorKind::PermissionDenied),
            14 => Answer::Error(ErrorKind::UnexpectedEof),
            _ => Answer::Error(ErrorKind::Other),
        }],
    });
    stretches.concat()
}
