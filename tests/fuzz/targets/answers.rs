//! What a transport answers when it is not honest.

use std::io::ErrorKind;

use pollback_testkit::pipe::Answer;

use super::input::Input;

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
            13 => Answer::Error(ErrorKind::BrokenPipe),
            14 => Answer::Error(ErrorKind::UnexpectedEof),
            _ => Answer::Error(ErrorKind::ConnectionReset),
        }],
    });
    stretches.concat()
}

/// Whether a stream may answer this with anything but patience.
pub(super) fn is_fault(answer: &Answer) -> bool {
    match answer {
        Answer::Honest | Answer::AtMost(_) | Answer::Spurious => false,
        Answer::Pending | Answer::Delayed(_) => false,
        Answer::Error(kind) => *kind != ErrorKind::Interrupted,
        Answer::Nothing | Answer::TooMuch => true,
        Answer::EndOfStream | Answer::Reset | Answer::Panic => true,
    }
}
