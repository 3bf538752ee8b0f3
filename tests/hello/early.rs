//! Early data, which directly follows a hello.

use super::{WIDE, configs, localhost};
use pollback::rustls::ServerConfig;
use pollback::{TlsAcceptor, TlsConnector, client, hello};
use pollback_testkit::configs::{Setup, Version};
use pollback_testkit::executor;
use pollback_testkit::pipe::{End, pipe};
use std::io::Read;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const QUESTION: &[u8] = b"early question";

/// A client with a ticket, which has sent a question as early data, and the server's end.
fn asking() -> (client::TlsStream<End>, End, Arc<ServerConfig>) {
    let setup = Setup::new(Version::Tls13).early_data(1024);
    let (client, mut server) = (setup.client(), setup.server());
    server.send_half_rtt_data = true;
    let (client, server) = (Arc::new(client), Arc::new(server));
    let connector = TlsConnector::from(client).early_data(true);
    let (near, far) = pipe(WIDE);
    let acceptor = TlsAcceptor::from(Arc::clone(&server));
    executor::join(
        async {
            let mut stream = connector.connect(localhost(), near).await.unwrap();
            stream.read_u8().await.unwrap();
        },
        async {
            let mut stream = acceptor.accept(far).await.unwrap();
            stream.write_all(b".").await.unwrap();
        },
    );
    let (near, far) = pipe(WIDE);
    let mut stream = executor::block_on(connector.connect(localhost(), near)).unwrap();
    executor::block_on(stream.write_all(QUESTION)).unwrap();
    (stream, far, server)
}

#[test]
fn early_data_after_the_hello_is_answered_at_once() {
    let (_client, end, config) = asking();
    executor::block_on(async {
        let incoming = hello::peek(end).await.unwrap();
        let mut stream = incoming.accept(config).early_data(true).await.unwrap();
        let mut asked = [0; QUESTION.len()];
        stream.read_exact(&mut asked).await.unwrap();
        assert_eq!(asked, QUESTION);
        stream.write_all(b"answer").await.unwrap();
        stream.flush().await.unwrap();
        assert!(stream.get_ref().1.is_handshaking());
    });
}

#[test]
fn early_data_after_the_hello_stays_with_the_transport() {
    let (client, server) = configs(&Setup::new(Version::Tls13).early_data(1024));
    for round in 0..2 {
        let (near, far) = pipe(WIDE);
        let io = far.control();
        let (server, client) = (Arc::clone(&server), Arc::clone(&client));
        let (asked, ()) = executor::join(
            async move {
                let incoming = hello::peek(far).await.unwrap();
                assert_eq!(incoming.client_hello().records()[0], 22);
                if round == 1 {
                    assert!(io.unread() > 0, "early data has arrived and was not read");
                }
                let mut stream = incoming.accept(server).await.unwrap();
                let mut asked = String::new();
                if let Some(mut early) = stream.get_mut().1.early_data() {
                    early.read_to_string(&mut asked).unwrap();
                }
                stream.write_all(b"answer").await.unwrap();
                stream.shutdown().await.unwrap();
                stream.read_to_end(&mut Vec::new()).await.unwrap();
                asked
            },
            async move {
                let connector = TlsConnector::from(client).early_data(true);
                let mut stream = connector.connect(localhost(), near).await.unwrap();
                if round == 1 {
                    stream.write_all(b"early question").await.unwrap();
                }
                let mut answer = String::new();
                stream.read_to_string(&mut answer).await.unwrap();
                assert_eq!(answer, "answer");
                stream.shutdown().await.unwrap();
            },
        );
        if round == 1 {
            assert_eq!(asked, "early question");
        }
    }
}
