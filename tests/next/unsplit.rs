//! Reunited owned halves.

use pollback_testkit::configs::Version;
use pollback_testkit::executor;
use pollback_testkit::pipe::{End, Operation};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::engine::{AlertDescription, Error};
use crate::splits::{FORGED, Halves, for_each_version, halves};
use crate::support::{assert_alert, pattern, receive, receive_all, send, tls_error};

#[test]
fn halves_of_one_stream_can_be_reunited() {
    for_each_version(|version| {
        let Halves {
            mut reader,
            mut writer,
            io,
            mut client,
        } = halves(version);
        // In the middle of a record that is read, and with something to send.
        let bytes = pattern(40_000);
        executor::block_on(send(&mut client, &bytes));
        let first = executor::block_on(receive(&mut reader, 10_000));
        io.block(Operation::Write);
        executor::block_on(writer.write_all(b"request")).expect("room for it");
        let united = reader.unsplit_with(writer, tokio::io::ReadHalf::unsplit);
        let mut server = united.expect("both of one stream");
        io.unblock(Operation::Write);
        let rest = executor::block_on(receive(&mut server, 30_000));
        assert!([first, rest].concat() == bytes);
        executor::block_on(async {
            server.shutdown().await.expect("a shutdown");
            let received = receive_all(&mut client).await.expect("a clean end");
            assert_eq!(received, b"request");
            client.shutdown().await.expect("a shutdown");
            let rest = receive_all(&mut server).await.expect("a clean end");
            assert!(rest.is_empty());
        });
    });
}

#[test]
fn a_failure_of_either_half_is_one_of_the_stream() {
    for_each_version(|version| {
        for is_returned in [false, true] {
            let Halves {
                mut reader,
                writer,
                io,
                mut client,
            } = halves(version);
            executor::block_on(send(&mut client, b"hello"));
            io.inject(&FORGED);
            let mut room = [0; 64];
            let read = executor::block_on(reader.read(&mut room));
            assert_eq!(read.expect("the earlier data"), 5);
            if is_returned {
                let error = executor::block_on(reader.read(&mut room)).expect_err("a bad record");
                assert_eq!(tls_error(&error), &Error::DecryptError);
            }
            let united = reader.unsplit_with(writer, tokio::io::ReadHalf::unsplit);
            let mut server = united.expect("both of one stream");
            let error = executor::block_on(server.read(&mut room)).expect_err("a bad record");
            assert_eq!(tls_error(&error), &Error::DecryptError);
            let error = executor::block_on(server.write(b"more")).expect_err("no connection");
            assert_eq!(tls_error(&error), &Error::DecryptError);
            let error = executor::block_on(client.read_u8()).expect_err("an alert");
            assert_alert(&error, AlertDescription::BadRecordMac);
        }
    });
}

#[test]
fn halves_of_two_streams_cannot_be_reunited() {
    let (one, other) = (halves(Version::Tls13), halves(Version::Tls13));
    let refused = one.reader.unsplit_with(other.writer, |_, _| -> End {
        unreachable!("another stream")
    });
    let (mut reader, mut writer) = refused.map(drop).expect_err("two streams");
    let (mut client, mut other_client) = (one.client, other.client);
    executor::block_on(async {
        send(&mut client, b"hello").await;
        assert_eq!(receive(&mut reader, 5).await, b"hello");
        send(&mut writer, b"there").await;
        assert_eq!(receive(&mut other_client, 5).await, b"there");
    });
}
