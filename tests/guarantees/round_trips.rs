//! The number of one-way trips between the ClientHello and the first byte of the response.

use pollback_testkit::configs::Version;
use pollback_testkit::executor::Executor;
use pollback_testkit::pipe::{Control, pipe};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::engine::Setup;
use crate::resumption::{Acquaintances, LIMIT};
use crate::support::{WIDE, localhost, send};

/// Two pipes, whose far ends are connected by a slow link.
struct Link {
    near: Control,
    far: Control,
    trips: usize,
}

impl Link {
    /// Carries bytes in transit to the other end; returns whether there were any.
    fn carry(&mut self) -> bool {
        let (there, back) = (
            self.near.take_unread_by_peer(),
            self.far.take_unread_by_peer(),
        );
        self.far.inject(&there);
        self.near.inject(&back);
        self.trips += 1;
        !(there.is_empty() && back.is_empty())
    }
}

/// The number of trips between the first byte of the hello and the response to a request.
fn trips(both: &Acquaintances, early: bool) -> usize {
    let (client_end, near) = pipe(WIDE);
    let (server_end, far) = pipe(WIDE);
    let mut link = Link {
        near: client_end.control(),
        far: server_end.control(),
        trips: 0,
    };
    let (connector, acceptor) = (both.connector(), both.acceptor().early_data(early));
    let mut executor = Executor::new();
    let client = executor.spawn("client", async move {
        let connected = connector.connect(localhost(), client_end).await;
        let mut stream = connected.expect("the client connects");
        stream.write_all(b"GET /").await.expect("a request");
        let mut first = [0];
        stream.read_exact(&mut first).await.expect("an answer");
        assert_eq!(first, *b"2");
        stream
    });
    let server = executor.spawn("server", async move {
        let accepted = acceptor.accept(server_end).await;
        let mut stream = accepted.expect("the server accepts");
        let mut request = [0; 5];
        stream.read_exact(&mut request).await.expect("a request");
        send(&mut stream, b"200").await;
        stream
    });
    loop {
        executor.run_until_stalled();
        if client.is_finished() {
            break;
        }
        assert!(link.carry(), "nothing is in transit");
    }
    drop((client.take(), near, far));
    drop(server);
    link.trips
}

#[test]
fn early_data_saves_a_round_trip() {
    let strangers = |version| {
        let setup = Setup::new(version).early_data(LIMIT);
        Acquaintances {
            client: setup.client(),
            server: setup.server(),
        }
    };
    let mut resuming = Acquaintances::new();
    resuming.client.enable_early_data = false;
    assert_eq!(trips(&strangers(Version::Tls12), true), 6);
    assert_eq!(trips(&strangers(Version::Tls13), true), 4);
    assert_eq!(trips(&resuming, true), 4);
    // Accepted, but the server waits for the client's Finished.
    assert_eq!(trips(&Acquaintances::new(), false), 4);
    assert_eq!(trips(&Acquaintances::new(), true), 4);
    assert_eq!(trips(&Acquaintances::new().with_half_rtt(), true), 2);
}
