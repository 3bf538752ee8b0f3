//! A transport whose flush is pending after all of its writes were ready.

use pollback_testkit::configs::{Setup, Version};
use pollback_testkit::executor::Executor;
use pollback_testkit::pipe::{Answer, Operation, pipe};
use pollback_testkit::watched::Watched;
use tokio::io::AsyncWriteExt;

use crate::support::{
    Side, Talk, WIDE, acceptor, connector, for_each_talk, localhost, receive, receive_all, send,
};

/// How often a flush is pending before it completes.
const PENDING: usize = 5;

#[test]
fn in_the_handshake() {
    for version in Version::ALL {
        for under_test in Side::BOTH {
            for buffered in [false, true] {
                eprintln!("{version:?}, {under_test:?} under test, buffered: {buffered}");
                let setup = Setup::new(version);
                let (client_end, server_end) = pipe(WIDE);
                let (client_io, server_io) = (client_end.control(), server_end.control());
                let io = match under_test {
                    Side::Client => &client_io,
                    Side::Server => &server_io,
                };
                if buffered {
                    io.buffer(WIDE);
                }
                io.script(Operation::Flush, [Answer::Pending; PENDING]);
                let (watch_client, watch_server) = ([&client_io], [&server_io]);
                let mut executor = Executor::new();
                let client = executor.spawn(
                    "client",
                    Watched::new(
                        connector(setup.client()).connect(localhost(), client_end),
                        &watch_client,
                    ),
                );
                let server = executor.spawn(
                    "server",
                    Watched::new(acceptor(setup.server()).accept(server_end), &watch_server),
                );
                executor.run();
                let mut client = client.take().expect("a handshake");
                let mut server = server.take().expect("a handshake");
                assert!(io.counts().flush.pending > 0, "no flush was pending");
                let mut executor = Executor::new();
                executor.spawn("client writes", send(&mut client, b"hello"));
                let received = executor.spawn("server reads", receive(&mut server, 5));
                executor.run();
                assert_eq!(received.take(), b"hello");
            }
        }
    }
}

#[test]
fn in_the_shutdown() {
    for buffered in [false, true] {
        for_each_talk(
            |Talk {
                 mut subject,
                 subject_io,
                 mut peer,
                 ..
             }| {
                if buffered {
                    subject_io.buffer(WIDE);
                }
                let before = subject_io.counts().flush.pending;
                subject_io.script(Operation::Flush, [Answer::Pending; PENDING]);
                let watch = [&subject_io];
                let mut executor = Executor::new();
                let leaver = async {
                    subject.write_all(b"the last").await.expect("a write");
                    subject.shutdown().await.expect("a shutdown");
                };
                executor.spawn("leaver", Watched::new(leaver, &watch));
                let rest = executor.spawn("peer", receive_all(&mut peer));
                executor.run();
                assert_eq!(rest.take().expect("a clean end"), b"the last");
                assert_eq!(subject_io.counts().flush.pending - before, PENDING);
                assert!(subject_io.is_closed());
            },
        );
    }
}

#[cfg(feature = "early-data")]
#[test]
fn in_early_data() {
    use std::io::Read;

    let setup = Setup::new(Version::Tls13).early_data(4096);
    let (client_config, server_config) = (setup.client(), setup.server());
    for buffered in [false, true] {
        let (mut client, mut server) =
            crate::support::handshake(client_config.clone(), server_config.clone(), pipe(WIDE));
        pollback_testkit::executor::join(send(&mut server, b"ticket"), receive(&mut client, 6));

        let (client_end, server_end) = pipe(WIDE);
        let io = client_end.control();
        if buffered {
            io.buffer(WIDE);
        }
        io.script(Operation::Flush, [Answer::Pending; PENDING]);
        let watch = [&io];
        let connect = connector(client_config.clone()).early_data(true);
        let client = async {
            let mut stream = connect
                .connect(localhost(), client_end)
                .await
                .expect("a stream");
            send(&mut stream, b"early").await;
            receive(&mut stream, 6).await
        };
        let mut executor = Executor::new();
        let client = executor.spawn("client", Watched::new(client, &watch));
        let accept = acceptor(server_config.clone()).accept(server_end);
        let server = executor.spawn("server", async {
            let mut stream = accept.await.expect("a handshake");
            let mut early = Vec::new();
            let mut data = stream.get_mut().1.early_data().expect("early data");
            data.read_to_end(&mut early).expect("bytes in memory");
            send(&mut stream, b"answer").await;
            (stream, early)
        });
        executor.run();
        assert_eq!(client.take(), b"answer");
        assert_eq!(server.take().1, b"early");
        assert_eq!(io.counts().flush.pending, PENDING);
    }
}
