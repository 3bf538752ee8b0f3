//! Code that is generic over the side.

use crate::either_side::{echo, establish, finish, take_apart};
use crate::support::{localhost, setups, talk};
use pollback::rustls::CommonState;
use pollback::stream::{Parts, TlsConnection, TlsStream};
use pollback::{TlsAcceptor, TlsConnector};
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// State that both sides have, in the given version of rustls.
fn alpn<IO, C>(stream: &TlsStream<IO, C>) -> Option<Vec<u8>>
where
    C: TlsConnection<CommonState = CommonState>,
{
    let common = stream.get_ref().1.common_state();
    common.alpn_protocol().map(<[u8]>::to_vec)
}

#[tokio::test]
async fn one_function_serves_both_sides() {
    for setup in setups() {
        let setup = setup.alpn(&["one"]);
        let (near, far) = tokio::io::duplex(4096);
        let connector = TlsConnector::from(Arc::new(setup.client()));
        let acceptor = TlsAcceptor::from(Arc::new(setup.server()));
        let (client, server) = tokio::join!(
            establish(connector.connect(localhost(), near)),
            establish(acceptor.accept(far))
        );
        let (mut client, mut server) = (client.unwrap(), server.unwrap());
        assert_eq!(alpn(&client).as_deref(), Some(&b"one"[..]));
        assert_eq!(alpn(&server).as_deref(), Some(&b"one"[..]));
        talk(&mut client, &mut server).await;
        let (asked, echoed) = tokio::join!(
            async {
                client.write_all(b"x").await?;
                client.read_u8().await
            },
            echo(&mut server)
        );
        echoed.unwrap();
        assert_eq!(asked.unwrap(), b'x');
        let (one, other) = tokio::join!(finish(client), finish(server));
        one.and(other).unwrap();
    }
}

#[tokio::test]
async fn one_function_disassembles_both_sides() {
    for setup in setups() {
        let (near, far) = tokio::io::duplex(4096);
        let connector = TlsConnector::from(Arc::new(setup.client()));
        let acceptor = TlsAcceptor::from(Arc::new(setup.server()));
        let (client, server) = tokio::join!(
            take_apart(connector.connect(localhost(), near)),
            take_apart(acceptor.accept(far))
        );
        let mut client = pollback::client::TlsStream::from(client.unwrap());
        let mut server = pollback::server::TlsStream::from(server.unwrap());
        talk(&mut client, &mut server).await;
        let Parts { ciphertext, .. } = client.into_parts();
        assert!(ciphertext.is_empty());
    }
}

#[test]
fn debug_output_contains_no_configuration() {
    let [setup, _] = setups();
    let connector = TlsConnector::from(Arc::new(setup.client()));
    let acceptor = TlsAcceptor::from(Arc::new(setup.server()));
    for shown in [
        format!("{connector:?}"),
        format!("{acceptor:?}"),
        format!("{:?}", connector.with_alpn(vec![b"h2".to_vec()])),
    ] {
        assert!(shown.contains("Options"), "{shown}");
        assert!(!shown.contains("Config"), "{shown}");
    }
}
