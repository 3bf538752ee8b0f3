//! Early data through the listener.

use super::{localhost, pipes};
use pollback::TlsConnector;
use pollback::listener::{ConfigsByName, Handshaker, SharedConfig, TlsListener};
use pollback::rustls::{ClientConfig, HandshakeKind, ServerConfig};
use pollback_testkit::configs::{Setup, Version};
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

/// Configurations of two sides that have met, so that the client has a ticket.
fn configs() -> (Arc<ClientConfig>, ServerConfig) {
    let setup = Setup::new(Version::Tls13).early_data(1024);
    let mut server = setup.server();
    server.send_half_rtt_data = true;
    (Arc::new(setup.client()), server)
}

async fn is_answered_early<H>(client: Arc<ClientConfig>, handshaker: H)
where
    H: Handshaker<
            DuplexStream,
            Stream = pollback::server::TlsStream<DuplexStream>,
            HandshakeData = pollback::listener::HandshakeData,
        >,
{
    let (door, pipes) = pipes();
    let mut listener = TlsListener::new(pipes, handshaker);
    let connector = TlsConnector::from(client).early_data(true);
    for round in 0..2 {
        let (near, far) = duplex(64 * 1024);
        door.send(Ok((far, round))).expect("the listener is there");
        let connect = connector.connect(localhost(), near);
        let (client, connection) = tokio::join!(
            async {
                let mut stream = connect.await.expect("the client connects");
                if round == 1 {
                    stream.write_all(b"early").await.expect("early data");
                }
                stream
            },
            listener.accept()
        );
        let (mut client, mut connection) = (client, connection.expect("a connection"));
        if round == 1 {
            let kind = connection.peer().handshake_data.kind;
            assert_eq!(kind, Some(HandshakeKind::Resumed));
            let mut asked = [0; 5];
            connection.read_exact(&mut asked).await.expect("early data");
            assert_eq!(&asked, b"early");
            assert_eq!(connection.get_ref().early_data_read(), 5);
            assert!(connection.get_ref().get_ref().1.is_handshaking());
        }
        connection.write_all(b"answer").await.expect("an answer");
        connection.flush().await.expect("a flush");
        let mut answer = [0; 6];
        client.read_exact(&mut answer).await.expect("an answer");
        assert_eq!(&answer, b"answer");
    }
}

#[tokio::test]
async fn a_shared_configuration_can_allow_early_responses() {
    let (client, server) = configs();
    is_answered_early(client, SharedConfig::new(server).early_data(true)).await;
}

#[tokio::test]
async fn a_configuration_chosen_by_name_can_allow_early_responses() {
    let (client, server) = configs();
    let config = SharedConfig::new(server).early_data(true);
    let configs = ConfigsByName::new().with_name("localhost", config);
    is_answered_early(client, configs.expect("a name")).await;
}
