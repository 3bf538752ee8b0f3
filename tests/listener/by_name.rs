//! Several certificates on one listener.

use super::{Door, pipes, reports, shared};
use pollback::listener::{ConfigsByName, Stage, TlsListener};
use pollback::rustls::{AlertDescription, ServerConfig};
use pollback::{Error, ErrorKind, TlsConnector};
use pollback_testkit::certificates::{Authority, Identity};
use pollback_testkit::configs::{Setup, Version};
use std::io;
use std::sync::Arc;
use tokio::io::DuplexStream;

fn identity(name: &str) -> Identity {
    Authority::shared().server_for(&[name])
}

/// Returns the certificate that a client receives for `name`.
async fn ask(door: &Door, name: &str) -> io::Result<Vec<u8>> {
    let connector = TlsConnector::from(Arc::new(door.setup.client()));
    let name = name.to_owned().try_into().expect("a valid name");
    let client: pollback::client::TlsStream<DuplexStream> =
        connector.connect(name, door.knock(1)).await?;
    let chain = client.get_ref().1.peer_certificates().expect("a chain");
    Ok(chain[0].to_vec())
}

fn config(setup: &Setup, identity: &Identity) -> Arc<ServerConfig> {
    Arc::new(setup.server_with(identity))
}

#[tokio::test]
async fn each_name_has_its_certificate_which_can_be_replaced_separately() {
    let setup = Setup::new(Version::Tls13);
    let [one, any, deep] = ["one.example", "*.one.example", "www.one.example"].map(identity);
    let shared_any = shared(setup.server_with(&any));
    let configs = ConfigsByName::new()
        .with_name("One.example", config(&setup, &one))
        .and_then(|configs| configs.with_name("*.ONE.example", shared_any.clone()))
        .and_then(|configs| configs.with_name("www.one.example", config(&setup, &deep)))
        .unwrap();
    let (sender, pipes) = pipes();
    let (report, mut reported) = reports();
    let mut listener = TlsListener::new(pipes, configs).on_failure(report);
    tokio::spawn(async move { while listener.accept().await.is_some() {} });
    let door = Door {
        setup: setup.clone(),
        sender,
    };
    let leaf = |identity: &Identity| identity.chain()[0].to_vec();
    assert_eq!(ask(&door, "one.example").await.unwrap(), leaf(&one));
    assert_eq!(ask(&door, "www.one.example").await.unwrap(), leaf(&deep));
    assert_eq!(ask(&door, "x.one.example").await.unwrap(), leaf(&any));

    let fresh = identity("*.one.example");
    shared_any.replace(setup.server_with(&fresh));
    assert_eq!(ask(&door, "x.one.example").await.unwrap(), leaf(&fresh));
    assert_eq!(ask(&door, "one.example").await.unwrap(), leaf(&one));

    // A wildcard stands for one label, and there is no default.
    for name in ["a.x.one.example", "two.example", "example"] {
        let error = ask(&door, name).await.expect_err(name);
        let kind = Error::find(&error).map(|error| error.kind());
        assert_eq!(
            kind,
            Some(ErrorKind::Alert(AlertDescription::UnrecognisedName))
        );
        let failed = reported.recv().await.unwrap();
        assert_eq!((failed.peer, failed.stage), (Some(1), Stage::Handshake));
        assert_eq!(failed.error.kind(), io::ErrorKind::NotFound);
        assert!(failed.error.to_string().contains(name), "{failed}");
    }
}

#[test]
fn the_default_is_for_all_others() {
    let setup = Setup::new(Version::Tls13);
    let [named, other] = [(); 2].map(|()| shared(setup.server()));
    let configs = ConfigsByName::new()
        .with_default(other.clone())
        .with_name("*.one.example", named.clone())
        .unwrap();
    let is = |name: Option<&str>, config: &pollback::listener::SharedConfig| {
        Arc::ptr_eq(&configs.find(name).unwrap().load(), &config.load())
    };
    assert!(is(Some("X.one.EXAMPLE"), &named));
    for name in [None, Some("one.example"), Some("a.x.one.example"), Some("")] {
        assert!(is(name, &other), "{name:?}");
    }
    assert!(ConfigsByName::new().find(Some("one.example")).is_none());
}

#[test]
fn an_invalid_name_is_an_error() {
    let config = shared(Setup::new(Version::Tls13).server());
    for name in [
        "",
        "*",
        "*.",
        "*.*.example",
        "a *.example",
        "-",
        "über.example",
        "127.0.0.1",
    ] {
        let result = ConfigsByName::new().with_name(name, config.clone());
        assert!(result.is_err(), "{name:?}");
    }
}

#[test]
fn clones_share_configurations() {
    let config = shared(Setup::new(Version::Tls13).server());
    let one = ConfigsByName::new().with_default(config.clone());
    let other = one.clone();
    config.replace(Setup::new(Version::Tls13).server());
    let load = |configs: &ConfigsByName| configs.find(None).unwrap().load();
    assert!(Arc::ptr_eq(&load(&one), &load(&other)));
}
