//! 13. One poll does bounded work, in bytes and in records.

#[cfg(feature = "early-data")]
use std::pin::pin;
use std::task::Poll;

use crate::engine::Setup;
use pollback::callback::{CallbackIo, Callbacks, Polled};
use pollback_testkit::configs::Version;
use pollback_testkit::executor;
use pollback_testkit::pipe::pipe;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

#[cfg(feature = "early-data")]
use crate::resumption::Acquaintances;
#[cfg(feature = "early-data")]
use crate::support::localhost;
use crate::support::{acceptor, for_each_talk, handshake, poll_once, poll_read, receive, send};

/// The most tiny records that one poll may process.
const RECORDS: usize = 2048;

#[test]
fn a_read_of_tiny_records_is_bounded() {
    for version in Version::ALL {
        let setup = Setup::new(version);
        let (mut client, mut server) = handshake(setup.client(), setup.server(), pipe(8 << 20));
        const SENT: usize = 20_000;
        executor::block_on(async {
            for _ in 0..SENT {
                send(&mut client, b"x").await;
            }
        });
        let mut received = 0;
        while received < SENT {
            match poll_read(&mut server, 1 << 20) {
                Poll::Ready(read) => {
                    let read = read.expect("plaintext");
                    assert!(read.len() <= RECORDS, "{} records in one poll", read.len());
                    received += read.len();
                }
                Poll::Pending => panic!("there is more"),
            }
        }
    }
}

/// Also over transports that are not charged to the budget, like those in memory.
#[tokio::test]
async fn reads_of_tiny_records_let_other_tasks_run() {
    for version in Version::ALL {
        let setup = Setup::new(version);
        let (mut client, mut server) = handshake(setup.client(), setup.server(), pipe(8 << 20));
        const SENT: usize = 20_000;
        for _ in 0..SENT {
            send(&mut client, b"x").await;
        }
        let other = tokio::spawn(async {});
        let mut received = 0;
        let mut buffer = [0; 100];
        while !other.is_finished() {
            received += server.read(&mut buffer).await.expect("plaintext");
            assert!(received < SENT, "no other task has run");
        }
    }
}

#[test]
fn the_input_discarded_after_a_failure_is_bounded() {
    let taken = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&taken);
    let endless = Callbacks::new(
        move |buf: &mut [u8]| {
            counter.fetch_add(buf.len(), Ordering::Relaxed);
            buf.fill(b'G');
            Ok(buf.len())
        },
        |buf: &[u8]| Ok(buf.len()),
    );
    let setup = Setup::new(Version::Tls13);
    let accept = acceptor(setup.server()).accept(CallbackIo::new(endless, Polled));
    assert!(poll_once(accept).is_ready());
    assert!(taken.load(Ordering::Relaxed) <= 256 * 1024);
}

#[test]
fn the_input_read_by_a_shutdown_is_bounded() {
    for_each_talk(|mut talk| {
        executor::block_on(async {
            for _ in 0..64 {
                talk.peer.write_all(&[7; 16 * 1024]).await.expect("a write");
            }
            talk.peer.flush().await.expect("a flush");
        });
        let before = talk.subject_io.unread();
        executor::block_on(talk.subject.shutdown()).expect("a shutdown");
        assert!(before - talk.subject_io.unread() <= 64 * 1024);
        // And none of it is lost.
        assert_eq!(
            executor::block_on(receive(&mut talk.subject, 1 << 20)),
            vec![7; 1 << 20]
        );
    });
}

/// A timeout around reads that never wait.
#[tokio::test(start_paused = true)]
async fn callbacks_that_always_succeed_let_other_tasks_run() {
    let mut io = CallbackIo::new(
        Callbacks::new(|buf: &mut [u8]| Ok(buf.len()), |buf: &[u8]| Ok(buf.len())),
        Polled,
    );
    let other = tokio::spawn(async {});
    let mut reads = 0_u32;
    while !other.is_finished() {
        let read = io.read(&mut [0; 64]).await.expect("a read");
        assert_eq!(read, 64);
        reads += 1;
        assert!(reads < 10_000, "no other task has run");
        let written = io.write(&[0; 64]).await.expect("a write");
        assert_eq!(written, 64);
    }
}

/// A server processes early data before the client's Finished.
#[cfg(feature = "early-data")]
#[test]
fn the_records_of_early_data_in_a_handshake_are_bounded() {
    const SENT: usize = 20_000;
    let acquaintances = Acquaintances::with_limit(1 << 20);
    let (near, far) = pipe(8 << 20);
    let io = far.control();
    executor::block_on(async {
        let connect = acquaintances.connector().connect(localhost(), near);
        let mut client = connect.await.expect("early data");
        for _ in 0..SENT {
            client.write_all(b"x").await.expect("room");
        }
        let before = io.unread();
        assert!(before > SENT * 20);
        let mut accept = pin!(acquaintances.acceptor().accept(far));
        assert!(poll_once(accept.as_mut()).is_pending());
        let read = before - io.unread();
        assert!(read < before / 2, "{read} of {before} bytes in one poll");
    });
}
