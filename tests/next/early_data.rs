//! Early data: what a server reads first, and what a client sends again.

use std::sync::Arc;

use pollback::next::rustls::server::ServerSessionMemoryCache;
use pollback_testkit::configs::Version;
use pollback_testkit::executor;
use pollback_testkit::pipe::{End, SHAPES, Shape, pipe};
use tokio::io::AsyncWriteExt;

use crate::engine::{ClientConfig, ServerConfig, Setup, TlsAcceptor, TlsConnector, client, lazy};
use crate::support::{WIDE, acceptor, connector, handshake, localhost, pattern, receive, send};

const LIMIT: u32 = 2000;

/// A client and a server of which the client has a ticket.
struct Acquaintances {
    client: ClientConfig,
    server: ServerConfig,
}

impl Acquaintances {
    fn new() -> Self {
        let setup = Setup::new(Version::Tls13).early_data(LIMIT);
        let (client, server) = (setup.client(), setup.server());
        let (mut client_stream, mut server_stream) =
            handshake(client.clone(), server.clone(), pipe(WIDE));
        executor::join(
            send(&mut server_stream, b"."),
            receive(&mut client_stream, 1),
        );
        Self { client, server }
    }

    /// The server has lost its tickets, and so rejects early data.
    fn with_a_forgetful_server(mut self) -> Self {
        self.server.session_storage = ServerSessionMemoryCache::new(16);
        // It skips what it rejects, up to its limit.
        self.server.max_early_data_size = 1 << 24;
        self
    }

    fn connector(&self) -> TlsConnector {
        connector(self.client.clone()).early_data(true)
    }

    fn acceptor(&self) -> TlsAcceptor {
        acceptor(self.server.clone())
    }
}

fn for_each_shape(test: impl Fn(Acquaintances, &Shape)) {
    for shape in &SHAPES {
        eprintln!("over {}", shape.name);
        test(Acquaintances::new(), shape);
    }
}

async fn connect(connector: TlsConnector, end: End) -> client::TlsStream<End> {
    let connect = connector.connect(localhost(), end);
    connect.await.expect("the client connects")
}

#[test]
fn a_server_reads_it_first_and_in_order() {
    for_each_shape(|both, shape| {
        let bytes = pattern(3 * LIMIT as usize);
        let (client_end, server_end) = shape.open();
        let client = async {
            let mut stream = connect(both.connector(), client_end).await;
            stream.write_all(&bytes[..600]).await.expect("early data");
            send(&mut stream, &bytes[600..]).await;
            receive(&mut stream, 6).await;
            assert!(stream.get_ref().1.side().is_early_data_accepted());
        };
        let server = async {
            let accept = both.acceptor().accept(server_end);
            let mut stream = accept.await.expect("the server accepts");
            let received = receive(&mut stream, bytes.len()).await;
            send(&mut stream, b"answer").await;
            received
        };
        assert!(executor::join(client, server).1 == bytes);
    });
}

#[test]
fn a_server_that_looks_at_the_hello_first_reads_it_too() {
    for_each_shape(|both, shape| {
        let bytes = pattern(1000);
        let (client_end, server_end) = shape.open();
        let client = async {
            let mut stream = connect(both.connector(), client_end).await;
            send(&mut stream, &bytes).await;
            receive(&mut stream, 6).await;
            assert!(stream.get_ref().1.side().is_early_data_accepted());
        };
        let server = async {
            let start = lazy(server_end).await.expect("a hello");
            let accept = start.into_stream(Arc::new(both.server.clone()));
            let mut stream = accept.await.expect("the server accepts");
            let received = receive(&mut stream, bytes.len()).await;
            send(&mut stream, b"answer").await;
            received
        };
        assert!(executor::join(client, server).1 == bytes);
    });
}

#[test]
fn what_a_server_rejects_is_sent_again() {
    for_each_shape(|both, shape| {
        let both = both.with_a_forgetful_server();
        let bytes = pattern(1000);
        let (client_end, server_end) = shape.open();
        let client = async {
            let mut stream = connect(both.connector(), client_end).await;
            for chunk in bytes.chunks(100) {
                stream.write_all(chunk).await.expect("early data");
            }
            stream.flush().await.expect("a flush");
            receive(&mut stream, 6).await;
            assert!(!stream.get_ref().1.side().is_early_data_accepted());
        };
        let server = async {
            let accept = both.acceptor().accept(server_end);
            let mut stream = accept.await.expect("the server accepts");
            let received = receive(&mut stream, bytes.len()).await;
            send(&mut stream, b"answer").await;
            received
        };
        assert!(executor::join(client, server).1 == bytes);
    });
}

#[test]
fn a_client_is_not_split_before_it_is_known_to_be_accepted() {
    let both = Acquaintances::new();
    let (client_end, server_end) = pipe(WIDE);
    let client = async {
        let mut stream = connect(both.connector(), client_end).await;
        stream.write_all(b"early").await.expect("early data");
        let refused = stream.into_split_with(tokio::io::split);
        let mut stream = refused.map(drop).expect_err("a handshake that goes on");
        assert_eq!(receive(&mut stream, 6).await, b"answer");
        let halves = stream.into_split_with(tokio::io::split);
        let (_reader, mut writer) = halves.expect("a handshake that is over");
        send(&mut writer, b"later").await;
    };
    let server = async {
        let accept = both.acceptor().accept(server_end);
        let mut stream = accept.await.expect("the server accepts");
        assert_eq!(receive(&mut stream, 5).await, b"early");
        send(&mut stream, b"answer").await;
        receive(&mut stream, 5).await
    };
    assert_eq!(executor::join(client, server).1, b"later");
}

#[test]
fn a_server_of_0_24_reads_that_of_a_client_of_0_23() {
    use pollback_testkit::configs::Setup as OtherSetup;

    let client = OtherSetup::new(Version::Tls13).early_data(LIMIT).client();
    let server = Setup::new(Version::Tls13).early_data(LIMIT).server();
    let connector = pollback::TlsConnector::from(Arc::new(client));
    #[cfg(feature = "early-data")]
    let connector = connector.early_data(true);
    let acceptor = acceptor(server);
    for is_known in [false, true] {
        let (client_end, server_end) = pipe(WIDE);
        let client = async {
            let connect = connector.connect(localhost(), client_end);
            let mut stream = connect.await.expect("the client connects");
            send(&mut stream, b"request").await;
            receive(&mut stream, 6).await;
            let is_early = is_known && cfg!(feature = "early-data");
            assert_eq!(stream.get_ref().1.is_early_data_accepted(), is_early);
        };
        let server = async {
            let accept = acceptor.accept(server_end);
            let mut stream = accept.await.expect("the server accepts");
            assert_eq!(receive(&mut stream, 7).await, b"request");
            send(&mut stream, b"answer").await;
        };
        executor::join(client, server);
    }
}
