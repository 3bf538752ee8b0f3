//! What a stream costs, in calls to the transport and in memory: numbers that do not depend on the machine.

use pollback_testkit::executor;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::support::{for_each_talk, pattern, read_what_is_there, receive, send};
use pollback::{TlsStream, client, server};

#[test]
fn a_stream_is_small() {
    assert!(size_of::<client::TlsStream<TcpStream>>() <= 256);
    assert!(size_of::<server::TlsStream<TcpStream>>() <= 256);
    assert!(size_of::<TlsStream<TcpStream>>() <= 256);
}

#[test]
fn a_lone_record_takes_two_reads() {
    for_each_talk(|mut talk| {
        let bytes = pattern(16 * 1024);
        executor::block_on(send(&mut talk.peer, &bytes));
        let before = talk.subject_io.counts().read.calls;
        assert!(executor::block_on(receive(&mut talk.subject, bytes.len())) == bytes);
        let reads = talk.subject_io.counts().read.calls - before;
        assert!(reads <= 2, "{reads} reads of the transport for one record");
    });
}

#[test]
fn a_mebibyte_takes_few_reads() {
    for_each_talk(|mut talk| {
        let bytes = pattern(1 << 20);
        executor::block_on(send(&mut talk.peer, &bytes));
        let before = talk.subject_io.counts().read.calls;
        assert!(executor::block_on(receive(&mut talk.subject, bytes.len())) == bytes);
        let reads = talk.subject_io.counts().read.calls - before;
        assert!(reads <= 40, "{reads} reads of the transport");
    });
}

#[test]
fn a_mebibyte_takes_few_writes() {
    for_each_talk(|mut talk| {
        let bytes = pattern(1 << 20);
        let before = talk.subject_io.counts().writes();
        executor::block_on(send(&mut talk.subject, &bytes));
        let writes = talk.subject_io.counts().writes() - before;
        assert!(writes <= 64, "{writes} writes to the transport");
        assert!(read_what_is_there(&mut talk.peer) == bytes);
    });
}

#[test]
fn small_writes_are_joined_until_the_flush() {
    for_each_talk(|mut talk| {
        let bytes = pattern(100_000);
        let before = talk.subject_io.counts().writes();
        executor::block_on(async {
            for chunk in bytes.chunks(100) {
                talk.subject.write_all(chunk).await.expect("a write");
            }
            talk.subject.flush().await.expect("a flush");
        });
        let writes = talk.subject_io.counts().writes() - before;
        assert!(
            writes <= 20,
            "{writes} writes to the transport for 1000 to the stream"
        );
        assert!(read_what_is_there(&mut talk.peer) == bytes);
    });
}
