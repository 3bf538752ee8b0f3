//! Routing by the ClientHello.

use super::{assert_echo, connect, echo, pipes, reports, setup};
use futures_util::future::Either;
use pollback::hello::{Incoming, Rewind};
use pollback::listener::{Stage, TlsListener, handshake_fn};
use pollback::rustls::{AlertDescription, ServerConfig};
use pollback::{Error, ErrorKind, TlsAcceptor, TlsConnector, server};
use std::io;
use std::sync::Arc;
use tokio::io::{DuplexStream, duplex};

/// Terminates TLS for one name, passes another on, and refuses the rest.
async fn choose(
    config: Arc<ServerConfig>,
    incoming: Incoming<DuplexStream>,
) -> io::Result<(Routed, Option<String>)> {
    let name = incoming.client_hello().server_name().map(String::from);
    let routed = match name.as_deref() {
        Some("localhost") => Either::Left(incoming.accept(config).await?),
        Some("passed.example") => Either::Right(incoming.into_rewind()),
        _ => {
            incoming.refuse(AlertDescription::UnrecognisedName).await;
            return Err(io::Error::other("no such name"));
        }
    };
    Ok((routed, name))
}

type Routed = Either<server::TlsStream<DuplexStream>, Rewind<DuplexStream>>;

#[tokio::test]
async fn one_name_is_terminated_another_passed_on_and_the_rest_refused() {
    let setup = setup();
    let (door, pipes) = pipes();
    let (report, mut reported) = reports();
    let config = Arc::new(setup.server());
    let ours = Arc::clone(&config);
    let mut listener = TlsListener::new(
        pipes,
        handshake_fn(move |hello| choose(Arc::clone(&ours), hello)),
    )
    .on_failure(report);
    let knock = || {
        let (near, far) = duplex(64 * 1024);
        door.send(Ok((far, 1))).unwrap();
        near
    };

    let client = tokio::spawn(connect(&setup, knock()));
    let connection = listener.accept().await.unwrap();
    assert_eq!(
        connection.peer().handshake_data.as_deref(),
        Some("localhost")
    );
    let (stream, _) = connection.into_parts();
    let Either::Left(stream) = stream else {
        panic!("passed on");
    };
    tokio::spawn(echo(stream));
    assert_echo(&mut client.await.unwrap().unwrap()).await;

    // Another server has the certificate.
    let connector = TlsConnector::from(Arc::new(setup.client()));
    let name = "passed.example".try_into().unwrap();
    let client = tokio::spawn(connector.connect(name, knock()));
    let (stream, peer) = listener.accept().await.unwrap().into_parts();
    assert_eq!(peer.handshake_data.as_deref(), Some("passed.example"));
    let Either::Right(rewind) = stream else {
        panic!("terminated here");
    };
    let passed = TlsAcceptor::from(config).accept(rewind);
    passed.await.expect_err("a certificate for another name");
    let error = client.await.unwrap().expect_err("another name");
    let kind = Error::find(&error).map(|error| error.kind());
    assert_eq!(kind, Some(ErrorKind::WrongName));

    let name = "unknown.example".try_into().unwrap();
    let client = tokio::spawn(connector.connect(name, knock()));
    drop(door);
    assert!(listener.accept().await.is_none());
    let error = client.await.unwrap().expect_err("refused");
    let kind = Error::find(&error).map(|error| error.kind());
    let alert = AlertDescription::UnrecognisedName;
    assert_eq!(kind, Some(ErrorKind::Alert(alert)));
    let failed = reported.recv().await.unwrap();
    assert_eq!(failed.stage, Stage::Handshake);
    assert_eq!(failed.error.to_string(), "no such name");
}
