//! The cost of a stream in calls of the transport and in memory, which does not depend on the
//! machine.

use pollback_testkit::configs::{Setup, Version};
use pollback_testkit::executor;
use pollback_testkit::pipe::pipe;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use crate::heap;
use crate::support::{WIDE, for_each_talk, handshake, pattern, poll_read, receive, send};
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
    for (room, most) in [(1 << 20, 20), (64 * 1024, 20), (8 * 1024, 34)] {
        for_each_talk(|mut talk| {
            let bytes = pattern(1 << 20);
            executor::block_on(send(&mut talk.peer, &bytes));
            let before = talk.subject_io.counts().read.calls;
            let mut read = Vec::new();
            while read.len() < bytes.len() {
                let mut buffer = vec![0; room];
                let count = executor::block_on(talk.subject.read(&mut buffer)).expect("a read");
                read.extend_from_slice(&buffer[..count]);
            }
            assert!(read == bytes);
            let reads = talk.subject_io.counts().read.calls - before;
            assert!(
                reads <= most,
                "{reads} reads of the transport, {room} bytes at a time"
            );
        });
    }
}

/// rustls itself keeps 4 KiB for the next record, besides keys and certificates; a processed record
/// must leave nothing.
#[test]
fn an_idle_connection_keeps_little() {
    for version in Version::ALL {
        let setup = Setup::new(version);
        // Kept until the end: otherwise the drop of a connection would also free its configuration.
        let (client_config, server_config) = (setup.client(), setup.server());
        let (mut client, mut server) =
            handshake(client_config.clone(), server_config.clone(), pipe(WIDE));
        let bytes = pattern(60_000);
        executor::join(send(&mut client, &bytes), receive(&mut server, bytes.len()));
        executor::join(send(&mut server, &bytes), receive(&mut client, bytes.len()));
        assert!(poll_read(&mut server, 1).is_pending());
        assert!(poll_read(&mut client, 1).is_pending());

        // The rest of the pipe belongs to neither.
        let _pipe = client.get_ref().0.control();
        let client = freed_by(|| drop(client));
        let server = freed_by(|| drop(server));
        for (side, kept) in [("client", client), ("server", server)] {
            assert!(
                kept > 4096,
                "{version:?} {side}: {kept} bytes, without the connection itself"
            );
            assert!(kept < 8192, "{version:?} {side}: {kept} bytes of heap");
        }
    }
}

fn freed_by(act: impl FnOnce()) -> isize {
    let before = heap::in_use();
    act();
    before - heap::in_use()
}
