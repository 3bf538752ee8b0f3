//! Random plans: whatever the transports do, each byte is moved once and in order, or returned.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

use pollback_testkit::executor::Executor;
use pollback_testkit::pipe::{Control, End};
use pollback_testkit::plan::{Hostility, Manner, Plan, plans};
use pollback_testkit::proptest::prelude::*;
use pollback_testkit::proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use pollback_testkit::watched::Watched;
use tokio::io::{AsyncReadExt, AsyncWriteExt, split};

use crate::pairs::{Pair, moved, pattern, say};

/// Sends everything and ends, and returns what it receives meanwhile.
async fn talk(end: End, said: &[u8]) -> Vec<u8> {
    let (mut reader, mut writer) = split(end);
    let speak = async {
        say(&mut writer, said).await;
        writer.shutdown().await.expect("a shutdown");
    };
    let mut heard = Vec::new();
    let (_, read) = tokio::join!(speak, reader.read_to_end(&mut heard));
    read.expect("a clean end");
    heard
}

/// Relays these numbers of bytes, or disassembles the relay after as many polls.
fn check(plans: [Plan; 2], lengths: (usize, usize), mut polls: usize) {
    let [client, backend] = plans.map(|plan| {
        // The far ends are honest.
        let left = Manner::default();
        Plan { left, ..plan }.open()
    });
    let mut pair = Pair::of(client, backend);
    let near = [&pair.near_client, &pair.near_backend];
    let (there, back) = (pattern(lengths.0, 1), pattern(lengths.1, 2));
    let relay = poll_fn(|cx| {
        polls -= 1;
        match Pin::new(&mut pair.relay).poll(cx) {
            Poll::Pending if polls == 0 => Poll::Ready(None),
            ended => ended.map(Some),
        }
    });
    let mut executor = Executor::new();
    executor.between_rounds(|| near.iter().fold(false, |more, near| near.step() | more));
    let relay = executor.spawn("the relay", Watched::new(relay, &near));
    let client = executor.spawn("the client", talk(pair.client, &there));
    let backend = executor.spawn("the backend", talk(pair.backend, &back));
    executor.run_until_stalled();
    if let Some(ended) = relay.take() {
        assert_eq!(
            moved(ended.expect("no failure")),
            (lengths.0 as u64, lengths.1 as u64)
        );
        assert!(client.take() == back && backend.take() == there);
    }
    drop(executor);
    let read = near.map(|near| near.counts().read.bytes);
    let [mut to_client, mut to_backend] = near.map(Control::written);
    let parts = pair.relay.into_parts();
    assert_eq!(
        moved(parts.moved),
        (to_backend.len() as u64, to_client.len() as u64)
    );
    to_backend.extend(parts.to_backend);
    to_client.extend(parts.to_client);
    assert!(to_backend == there[..read[0]] && to_client == back[..read[1]]);
}

#[test]
fn every_byte_is_moved_or_returned_whatever_the_transports_do() {
    let config = Config {
        cases: 100,
        failure_persistence: None,
        ..Config::default()
    };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let length = || prop_oneof![0..2_usize, 0..2000_usize, 0..200_000_usize];
    let polls = prop_oneof![Just(usize::MAX), 1..40_usize];
    let slow = || plans(Hostility::Slow);
    let cases = ([slow(), slow()], (length(), length()), polls);
    let ran = TestRunner::new_with_rng(config, rng).run(&cases, |(plans, lengths, polls)| {
        check(plans, lengths, polls);
        Ok(())
    });
    ran.expect("a plan that works");
}
