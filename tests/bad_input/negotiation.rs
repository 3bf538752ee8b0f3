//! Two sides with nothing in common.

use super::{Way, clash, names};
use pollback::rustls::crypto::CryptoProvider;
use pollback::rustls::{
    self, AlertDescription, CipherSuite, ClientConfig, PeerIncompatible, ServerConfig,
};
use pollback::{Error, ErrorKind};
use pollback_testkit::certificates::Authority;
use pollback_testkit::configs::{Setup, Version, provider};
use std::sync::Arc;

#[tokio::test]
async fn no_common_version() {
    let [older, newer] = Version::ALL;
    for (offered, wanted) in [(older, newer), (newer, older)] {
        for way in Way::ALL {
            let (client, server) = clash(
                Setup::new(offered).client(),
                Setup::new(wanted).server(),
                way,
            )
            .await;
            names(&server, ErrorKind::NoCommonVersion);
            names(&client, ErrorKind::Alert(AlertDescription::ProtocolVersion));
        }
    }
}

#[tokio::test]
async fn no_common_alpn() {
    for version in Version::ALL {
        for way in Way::ALL {
            let client = Setup::new(version).alpn(&["h2", "http/1.1"]).client();
            let server = Setup::new(version).alpn(&["smtp"]).server();
            let (client, server) = clash(client, server, way).await;
            names(&server, ErrorKind::NoCommonAlpn);
            names(
                &client,
                ErrorKind::Alert(AlertDescription::NoApplicationProtocol),
            );
        }
    }
}

/// A client that offers one cipher suite, and a provider that lacks it.
fn only(suite: CipherSuite, version: Version) -> (ClientConfig, Arc<CryptoProvider>) {
    let split = |keep: bool| {
        let mut part = provider().as_ref().clone();
        part.cipher_suites
            .retain(|known| (known.suite() == suite) == keep);
        Arc::new(part)
    };
    let client = ClientConfig::builder_with_provider(split(true))
        .with_protocol_versions(&[version.supported()])
        .unwrap()
        .with_root_certificates(Authority::shared().roots())
        .with_no_client_auth();
    (client, split(false))
}

#[tokio::test]
async fn no_common_cipher_suite() {
    let suites = [
        CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
        CipherSuite::TLS13_AES_128_GCM_SHA256,
    ];
    for (version, suite) in Version::ALL.into_iter().zip(suites) {
        for way in Way::ALL {
            let (client, others) = only(suite, version);
            let identity = Authority::shared().server();
            let server = ServerConfig::builder_with_provider(others)
                .with_protocol_versions(&[version.supported()])
                .unwrap()
                .with_no_client_auth()
                .with_single_cert(identity.chain(), identity.key())
                .unwrap();
            let (client, server) = clash(client, server, way).await;
            names(&server, ErrorKind::NoCommonParameters);
            names(
                &client,
                ErrorKind::Alert(AlertDescription::HandshakeFailure),
            );
        }
    }
}

#[test]
fn an_extension_that_the_peer_lacks_is_not_a_parameter_in_common() {
    for (reason, kind) in [
        (
            PeerIncompatible::ExtendedMasterSecretExtensionRequired,
            ErrorKind::Incompatible,
        ),
        (
            PeerIncompatible::NoKxGroupsInCommon,
            ErrorKind::NoCommonParameters,
        ),
    ] {
        let found = Error::find(&rustls::Error::PeerIncompatible(reason));
        assert_eq!(found.unwrap().kind(), kind);
    }
}
