//! Both sides write in bulk at once, over a pipe that holds little.

use pollback_testkit::configs::Version;
use pollback_testkit::executor::Executor;
use pollback_testkit::pipe::pipe;
use tokio::io::{AsyncWriteExt, split};

use crate::support::{Side, pattern, receive, receive_all, send};

const MUCH: usize = 300_000;

#[test]
fn two_tasks_on_each_side_carry_both_directions() {
    for version in Version::ALL {
        for capacity in [1, 7, 100, 4096] {
            eprintln!("{version:?} over {capacity} bytes");
            let length = if capacity < 10 { MUCH / 10 } else { MUCH };
            let talk = Side::Client.talk(version, pipe(capacity));
            let (there, back) = (&pattern(length), &pattern(length + 1)[1..]);
            let mut executor = Executor::new();
            let (mut reads, mut writes) = split(talk.subject);
            executor.spawn("subject writes", async move {
                send(&mut writes, there).await;
                writes.shutdown().await.expect("a shutdown");
            });
            let to_subject =
                executor.spawn(
                    "subject reads",
                    async move { receive_all(&mut reads).await },
                );
            let (mut reads, mut writes) = split(talk.peer);
            executor.spawn("peer writes", async move {
                send(&mut writes, back).await;
                writes.shutdown().await.expect("a shutdown");
            });
            let to_peer =
                executor.spawn("peer reads", async move { receive_all(&mut reads).await });
            executor.run();
            assert!(to_peer.take().expect("a clean end") == *there);
            assert!(to_subject.take().expect("a clean end") == *back);
        }
    }
}

#[test]
fn a_task_that_writes_first_completes_if_the_peer_reads() {
    for version in Version::ALL {
        for under_test in Side::BOTH {
            let mut talk = under_test.talk(version, pipe(100));
            let bytes = &pattern(MUCH);
            let mut executor = Executor::new();
            // The subject reads nothing until its own bytes are gone.
            let to_subject = executor.spawn("subject", async {
                send(&mut talk.subject, bytes).await;
                receive(&mut talk.subject, bytes.len()).await
            });
            let (mut reads, mut writes) = split(talk.peer);
            executor.spawn("peer writes", async move { send(&mut writes, bytes).await });
            let to_peer = executor.spawn("peer reads", async move {
                receive(&mut reads, bytes.len()).await
            });
            executor.run();
            assert!(to_peer.take() == *bytes && to_subject.take() == *bytes);
        }
    }
}
