//! All bytes arrive over every kind of transport.

use pollback_testkit::executor::Executor;
use pollback_testkit::pipe::SHAPES;
use tokio::io::{AsyncReadExt, AsyncWriteExt, split};

use crate::pairs::{Pair, ended, hear, moved, pattern, say, spawn};

#[test]
fn both_directions_are_flooded_at_once() {
    for shape in &SHAPES {
        eprintln!("over {}", shape.name);
        let pair = Pair::of_shape(shape);
        let near = [&pair.near_client, &pair.near_backend];
        let (there, back) = (pattern(200_000, 1), pattern(150_000, 2));
        let mut executor = Executor::new();
        let (client_reader, client_writer) = split(pair.client);
        let (backend_reader, backend_writer) = split(pair.backend);
        for (mut writer, bytes) in [(client_writer, &there), (backend_writer, &back)] {
            executor.spawn("a writer", async move {
                say(&mut writer, bytes).await;
                writer.shutdown().await.expect("a shutdown");
            });
        }
        for (mut reader, bytes) in [(backend_reader, &there), (client_reader, &back)] {
            executor.spawn("a reader", async move {
                hear(&mut reader, bytes).await;
                ended(&mut reader).await;
            });
        }
        let relay = spawn(&mut executor, pair.relay, &near);
        executor.run();
        let counts = moved(relay.take().expect("both have ended"));
        assert_eq!(counts, (200_000, 150_000));
        assert!(!pair.client_aborted.get() && !pair.backend_aborted.get());
    }
}

#[test]
fn bytes_are_flushed_when_the_source_pauses() {
    for shape in &SHAPES {
        eprintln!("over {}", shape.name);
        let mut pair = Pair::of_shape(shape);
        let near = [&pair.near_client, &pair.near_backend];
        let mut executor = Executor::new();
        let relay = spawn(&mut executor, pair.relay, &near);
        let rounds = executor.spawn("both sides", async move {
            for length in [1, 10, 1000, 100_000] {
                let (question, answer) = (pattern(length, 3), pattern(length, 4));
                // Each waits for the other: a byte that stays buffered causes a hang.
                let (mut reader, mut writer) = split(&mut pair.client);
                tokio::join!(
                    say(&mut writer, &question),
                    hear(&mut pair.backend, &question)
                );
                tokio::join!(say(&mut pair.backend, &answer), hear(&mut reader, &answer));
            }
            (pair.client, pair.backend)
        });
        executor.run_until_stalled();
        assert!(rounds.is_finished(), "stalled");
        drop(rounds.take());
        executor.run();
        assert_eq!(moved(relay.take().expect("an end")), (101_011, 101_011));
    }
}

#[test]
fn a_peer_that_accepts_nothing_delays_only_its_source() {
    let mut pair = Pair::over(1000);
    let near = [&pair.near_client, &pair.near_backend];
    let (flood, answer) = (pattern(1 << 20, 5), pattern(100_000, 6));
    let (mut client_reader, mut client_writer) = split(&mut pair.client);
    let (mut backend_reader, mut backend_writer) = split(&mut pair.backend);
    let mut executor = Executor::new();
    let relay = spawn(&mut executor, pair.relay, &near);
    let writer = executor.spawn("a flood that the backend does not read", async {
        let mut taken = 0;
        while let Ok(count @ 1..) = client_writer.write(&flood[taken..]).await {
            taken += count;
            if taken == flood.len() {
                break;
            }
        }
    });
    executor.run_until_stalled();
    assert!(!writer.is_finished());
    // Two pipes and one buffer of 128 KiB: the rest has never left the client.
    let left = pair.near_backend.written().len() + pair.near_client.unread();
    assert_eq!(pair.near_backend.written().len(), 1000);
    let read = pair.near_client.counts().read.bytes;
    assert!(read <= 128 * 1024 + 1000, "{read} bytes were read");
    assert!(left <= 2000, "{left}");
    // The other direction continues.
    let answered = executor.spawn("an answer", async {
        tokio::join!(
            say(&mut backend_writer, &answer),
            hear(&mut client_reader, &answer)
        );
    });
    executor.run_until_stalled();
    assert!(answered.is_finished());
    // And once the backend reads, all arrives.
    let heard = executor.spawn("the backend reads", async {
        let mut heard = vec![0; flood.len()];
        backend_reader.read_exact(&mut heard).await.expect("bytes");
        heard
    });
    executor.run_until_stalled();
    assert!(heard.take() == flood);
    assert!(!relay.is_finished());
}
