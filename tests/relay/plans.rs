//! Random transports: whatever they do, each byte is moved once and in order, or returned.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

use pollback_testkit::executor::Executor;
use pollback_testkit::pipe::{Answer, Control, Operation, pipe};
use pollback_testkit::watched::Watched;

use crate::pairs::{Pair, moved, pattern};

struct Random(u64);

impl Random {
    /// A number below one of these.
    fn below(&mut self, ends: &[usize]) -> usize {
        let mut next = || {
            self.0 = self.0.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
            (self.0 >> 33) as usize
        };
        let end = ends[next() % ends.len()];
        next() % end
    }
}

/// Plans partial transfers and delays.
fn hinder(near: &Control, random: &mut Random) {
    use Operation::{Flush, Read, Shutdown, Write};
    for operation in [Read, Write, Flush, Shutdown] {
        near.at_most(operation, 200 + random.below(&[100, 40_000]));
        for _ in 0..random.below(&[12]) {
            let answer = match random.below(&[4]) {
                0 => Answer::Pending,
                1 => Answer::Delayed(random.below(&[4])),
                2 => Answer::AtMost(1 + random.below(&[40])),
                _ => Answer::Spurious,
            };
            near.script(operation, vec![Answer::Honest; random.below(&[4])]);
            near.script(operation, [answer]);
        }
    }
    near.buffer(1 + random.below(&[1, 20_000]));
}

/// Lets a far end send, end and read. Returns whether anything is left to do.
fn step(near: &Control, left: &mut Vec<u8>, heard: &mut Vec<u8>, random: &mut Random) -> bool {
    let is_done = left.is_empty() && near.unread_by_peer() == 0 && near.is_closed();
    if random.below(&[2]) == 0 {
        let count = random.below(&[300, 150_000]).min(left.len());
        near.inject(&left.drain(..count).collect::<Vec<_>>());
        if left.is_empty() {
            near.end_of_stream();
        }
        heard.extend(near.take_unread_by_peer());
    }
    near.step() | !is_done
}

#[test]
fn every_byte_is_moved_or_returned_whatever_the_transports_do() {
    for seed in 0..100 {
        eprintln!("seed {seed}");
        let mut random = Random(seed);
        let mut open = || pipe(300 + random.below(&[100, 70_000, 1 << 20]));
        let mut pair = Pair::of(open(), open());
        let near = [&pair.near_client, &pair.near_backend];
        near.iter().for_each(|near| hinder(near, &mut random));
        let said = [1, 2].map(|seed| pattern(random.below(&[2, 2000, 200_000]), seed));
        let (mut left, mut heard) = (said.clone(), [Vec::new(), Vec::new()]);
        // Some relays are disassembled after as many polls.
        let mut polls = 1 + random.below(&[40, 1_000_000]);
        let relay = poll_fn(|cx| {
            polls -= 1;
            match Pin::new(&mut pair.relay).poll(cx) {
                Poll::Pending if polls == 0 => Poll::Ready(false),
                polled => polled.map(|ended| ended.is_ok()),
            }
        });
        let (mut executor, mut rounds) = (Executor::new(), 0..10_000);
        let has_ended = executor.spawn("the relay", Watched::new(relay, &near));
        executor.between_rounds(|| {
            let sides = near.iter().zip(&mut left).zip(&mut heard);
            let more = sides.map(|((near, left), heard)| step(near, left, heard, &mut random));
            more.fold(false, |any, more| any | more) && rounds.next().is_some()
        });
        executor.run();
        drop(executor);
        assert!(has_ended.take() || polls == 0);
        let read = near.map(|near| near.counts().read.bytes);
        let [mut to_client, mut to_backend] = near.map(Control::written);
        assert!(to_client.starts_with(&heard[0]) && to_backend.starts_with(&heard[1]));
        let parts = pair.relay.into_parts();
        let counts = (to_backend.len() as u64, to_client.len() as u64);
        assert_eq!(moved(parts.moved), counts);
        to_client.extend(parts.to_client);
        to_backend.extend(parts.to_backend);
        assert!(to_client == said[1][..read[1]] && to_backend == said[0][..read[0]]);
        assert!(polls == 0 || (to_backend == said[0] && to_client == said[1]));
    }
}
