//! 10. Two tasks, one reading and one writing through a split, never take each other's wakeup.

use pollback_testkit::configs::Version;
use pollback_testkit::executor::{self, Executor, Handle};
use pollback_testkit::pipe::{Operation, pipe};
use tokio::io::AsyncWriteExt;

use super::halves::{ReadHalf, WriteHalf, split};
use crate::support::{
    Side, Talk, WIDE, for_each_talk, for_each_talk_and_shape, pattern, poll_once, receive,
    request_key_update, send,
};

/// Runs a test over a wide pipe, and over one whose subject buffers until a flush.
fn for_each_buffering(test: impl Fn(Talk)) {
    for buffer in [None, Some(8 * 1024)] {
        for_each_talk(|talk| {
            if let Some(limit) = buffer {
                eprintln!("buffering {limit} bytes");
                talk.subject_io.buffer(limit);
            }
            test(talk);
        });
    }
}

/// The fate of a task that has replaced the waker of the other one.
#[derive(Clone, Copy, Debug)]
enum Fate {
    GoesOn,
    IsDropped,
    IsNeverPolledAgain,
}

impl Fate {
    const ALL: [Self; 3] = [Self::GoesOn, Self::IsDropped, Self::IsNeverPolledAgain];

    fn strike<T>(self, executor: &mut Executor<'_>, task: &Handle<T>) {
        match self {
            Self::GoesOn => {}
            Self::IsDropped => executor.cancel(task),
            Self::IsNeverPolledAgain => executor.pause(task),
        }
    }
}

#[test]
fn both_directions_flow_at_once_over_every_transport() {
    for_each_talk_and_shape(|talk| {
        let bytes = &pattern(5000);
        let (mut subject_reads, mut subject_writes) = split(talk.subject);
        let (mut peer_reads, mut peer_writes) = split(talk.peer);
        let mut executor = Executor::new();
        executor.spawn("subject writes", async move {
            send(&mut subject_writes, bytes).await
        });
        executor.spawn(
            "peer writes",
            async move { send(&mut peer_writes, bytes).await },
        );
        let to_subject = executor.spawn("subject reads", async move {
            receive(&mut subject_reads, bytes.len()).await
        });
        let to_peer = executor.spawn("peer reads", async move {
            receive(&mut peer_reads, bytes.len()).await
        });
        executor.run();
        assert!(to_subject.take() == *bytes && to_peer.take() == *bytes);
    });
}

#[test]
fn a_reader_that_responds_does_not_take_the_wakeup_of_the_writer() {
    for fate in Fate::ALL {
        for (under_test, buffering) in Side::BOTH
            .into_iter()
            .zip([false, true])
            .chain(Side::BOTH.into_iter().zip([true, false]))
        {
            eprintln!("{under_test:?} under test, buffering {buffering}, the reader {fate:?}");
            let Talk {
                subject,
                subject_io,
                mut peer,
                ..
            } = under_test.talk(Version::Tls13, pipe(WIDE));
            if buffering {
                subject_io.buffer(8 * 1024);
            }
            let bytes = pattern(300_000);
            let mut executor = Executor::new();
            let (reads, writes) = split(subject);
            let reader = executor.spawn("reader", read_five(reads));
            subject_io.block(Operation::Write);
            let writer = executor.spawn("writer", write(writes, &bytes));
            assert!(!executor.run_until_stalled());

            // The reader now has a pending response, and waits for the transport to accept it.
            request_key_update(&mut peer);
            assert!(poll_once(peer.flush()).is_ready());
            assert!(!executor.run_until_stalled());
            fate.strike(&mut executor, &reader);

            subject_io.unblock(Operation::Write);
            executor.run_until_stalled();
            assert!(writer.is_finished(), "the writer was not woken");
            assert!(executor::block_on(receive(&mut peer, bytes.len())) == bytes);
        }
    }
}

/// A shutdown reads, too.
#[test]
fn a_writer_that_stops_does_not_take_the_wakeup_of_the_reader() {
    for shuts_down in [false, true] {
        for fate in Fate::ALL {
            for_each_buffering(
                |Talk {
                     subject,
                     subject_io,
                     mut peer,
                     ..
                 }| {
                    eprintln!("the writer {fate:?}, shutting down: {shuts_down}");
                    let bytes = pattern(300_000);
                    let mut executor = Executor::new();
                    let (reads, mut writes) = split(subject);
                    let reader = executor.spawn("reader", read_five(reads));
                    assert!(!executor.run_until_stalled());
                    subject_io.block(Operation::Write);
                    let writer = executor.spawn("writer", async move {
                        match shuts_down {
                            true => writes.shutdown().await.expect("a shutdown"),
                            false => send(&mut writes, &bytes).await,
                        }
                    });
                    assert!(!executor.run_until_stalled());
                    assert!(!writer.is_finished(), "the transport is blocked");
                    fate.strike(&mut executor, &writer);

                    assert!(poll_once(send(&mut peer, b"hello")).is_ready());
                    executor.run_until_stalled();
                    assert!(reader.is_finished(), "the reader was not woken");
                },
            );
        }
    }
}

/// The operation of the writer before it is never polled again.
async fn leave_a_request(mut half: WriteHalf, end: Operation) {
    half.write_all(b"request").await.expect("a write");
    match end {
        Operation::Flush => half.flush().await.expect("a flush"),
        Operation::Shutdown => half.shutdown().await.expect("a shutdown"),
        _ => {}
    }
    std::future::pending::<()>().await;
}

#[test]
fn data_of_a_stopped_writer_is_flushed_by_the_waiting_reader() {
    for end in [Operation::Write, Operation::Flush, Operation::Shutdown] {
        for blocked in [Operation::Write, Operation::Flush] {
            for fate in Fate::ALL {
                for_each_buffering(
                    |Talk {
                         subject,
                         subject_io,
                         mut peer,
                         ..
                     }| {
                        eprintln!("{end:?} cancelled, {blocked:?} blocked, the writer {fate:?}");
                        let mut executor = Executor::new();
                        let (reads, writes) = split(subject);
                        let reader = executor.spawn("reader", read_five(reads));
                        assert!(!executor.run_until_stalled());
                        subject_io.block(blocked);
                        let writer = executor.spawn("writer", leave_a_request(writes, end));
                        assert!(!executor.run_until_stalled());
                        fate.strike(&mut executor, &writer);

                        subject_io.unblock(blocked);
                        executor.run_until_stalled();
                        let received = executor::block_on(receive(&mut peer, 7));
                        assert_eq!(received, b"request");
                        assert!(poll_once(send(&mut peer, b"hello")).is_ready());
                        executor.run_until_stalled();
                        assert!(reader.is_finished(), "the reader was not woken");
                    },
                );
            }
        }
    }
}

#[test]
fn the_writer_continues_without_the_reader() {
    for_each_talk_and_shape(
        |Talk {
             subject, mut peer, ..
         }| {
            let bytes = pattern(5000);
            let mut executor = Executor::new();
            let (reads, writes) = split(subject);
            let reader = executor.spawn("reader", read_five(reads));
            executor.spawn("writer", write(writes, &bytes));
            executor.run_until_stalled();
            executor.cancel(&reader);
            let received = executor.spawn("peer", receive(&mut peer, bytes.len()));
            executor.run();
            assert!(received.take() == bytes);
        },
    );
}

async fn read_five(mut half: ReadHalf) -> Vec<u8> {
    receive(&mut half, 5).await
}

async fn write(mut half: WriteHalf, bytes: &[u8]) {
    send(&mut half, bytes).await;
}
