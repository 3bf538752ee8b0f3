//! ALPN protocol names that cannot be sent: a name has 1 to 255 bytes.

use super::{Way, localhost, names};
use pollback::rustls::{ClientConfig, ServerConfig};
use pollback::{Error, ErrorKind, TlsAcceptor, TlsConnector, client};
use pollback_testkit::configs::{Setup, Version};
use std::sync::Arc;
use tokio::io::{AsyncReadExt, DuplexStream};

/// Lists of which one name is empty or too long.
fn bad_lists() -> [Vec<Vec<u8>>; 3] {
    [
        vec![Vec::new()],
        vec![b"h2".to_vec(), Vec::new()],
        vec![vec![b'x'; 256], b"h2".to_vec()],
    ]
}

/// Checks that a future fails at once, returns its transport and has written nothing.
async fn refuses(connect: client::FallibleConnect<DuplexStream>, mut peer: DuplexStream) {
    let (error, transport) = connect.await.expect_err("the names are not valid");
    names(&error, ErrorKind::InvalidAlpn);
    drop(transport);
    let mut sent = Vec::new();
    peer.read_to_end(&mut sent).await.unwrap();
    assert!(sent.is_empty(), "{} bytes were sent", sent.len());
}

#[tokio::test]
async fn in_the_configuration_of_a_client() {
    for version in Version::ALL {
        for list in bad_lists() {
            let mut config: ClientConfig = Setup::new(version).client();
            config.alpn_protocols = list;
            let connector = TlsConnector::from(Arc::new(config));
            let (near, far) = tokio::io::duplex(4096);
            refuses(connector.connect(localhost(), near).into_fallible(), far).await;
            let (near, far) = tokio::io::duplex(4096);
            let connect = connector.connect_with(localhost(), near, |_| ());
            refuses(connect.into_fallible(), far).await;
        }
    }
}

#[tokio::test]
async fn in_with_alpn() {
    for version in Version::ALL {
        let connector = TlsConnector::from(Arc::new(Setup::new(version).client()));
        for list in bad_lists() {
            let (near, far) = tokio::io::duplex(4096);
            let connect = connector.with_alpn(list.clone()).connect(localhost(), near);
            refuses(connect.into_fallible(), far).await;
            let (near, far) = tokio::io::duplex(4096);
            let connect = connector
                .with_alpn(list)
                .connect_with(localhost(), near, |_| ());
            refuses(connect.into_fallible(), far).await;
        }
    }
}

#[tokio::test]
async fn with_alpn_overrides_an_invalid_configuration() {
    let mut config = Setup::new(Version::Tls13).client();
    config.alpn_protocols = vec![Vec::new()];
    let connector = TlsConnector::from(Arc::new(config));
    let (near, far) = tokio::io::duplex(4096);
    let server = Arc::new(Setup::new(Version::Tls13).alpn(&["h2"]).server());
    let connect = connector
        .with_alpn(vec![b"h2".to_vec()])
        .connect(localhost(), near);
    let (client, server) = tokio::join!(connect, Way::Direct.accept(server, far));
    client.unwrap();
    assert_eq!(
        server.unwrap().get_ref().1.alpn_protocol(),
        Some(&b"h2"[..])
    );
}

#[tokio::test]
async fn in_the_configuration_of_a_server() {
    for version in Version::ALL {
        for list in bad_lists() {
            let mut config: ServerConfig = Setup::new(version).server();
            config.alpn_protocols = list;
            let acceptor = TlsAcceptor::from(Arc::new(config));
            for with in [false, true] {
                let (near, far) = tokio::io::duplex(4096);
                let accept = if with {
                    acceptor.accept_with(far, |_| ())
                } else {
                    acceptor.accept(far)
                };
                let (error, far) = accept.into_fallible().await.unwrap_err();
                names(&error, ErrorKind::InvalidAlpn);
                drop((near, far));
            }
        }
    }
}

#[tokio::test]
async fn in_a_configuration_chosen_by_the_client_hello() {
    for version in Version::ALL {
        for list in bad_lists() {
            let mut config = Setup::new(version).server();
            config.alpn_protocols = list;
            let client = Setup::new(version).alpn(&["h2"]).client();
            let connector = TlsConnector::from(Arc::new(client));
            let (near, far) = tokio::io::duplex(4096);
            let (client, server) = tokio::join!(
                connector.connect(localhost(), near),
                Way::Lazy.accept(Arc::new(config), far),
            );
            names(&server.unwrap_err(), ErrorKind::InvalidAlpn);
            assert!(
                Error::find(&client.unwrap_err()).is_some(),
                "the client is not left waiting"
            );
        }
    }
}

#[tokio::test]
async fn names_of_one_and_of_255_bytes_are_valid() {
    for version in Version::ALL {
        for way in Way::ALL {
            for name in ["x".to_owned(), "x".repeat(255)] {
                let setup = Setup::new(version).alpn(&[&name]);
                let connector = TlsConnector::from(Arc::new(setup.client()));
                let (near, far) = tokio::io::duplex(4096);
                let (client, server) = tokio::join!(
                    connector.connect(localhost(), near),
                    way.accept(Arc::new(setup.server()), far),
                );
                let (client, server) = (client.unwrap(), server.unwrap());
                assert_eq!(client.get_ref().1.alpn_protocol(), Some(name.as_bytes()));
                assert_eq!(server.get_ref().1.alpn_protocol(), Some(name.as_bytes()));
            }
        }
    }
}
