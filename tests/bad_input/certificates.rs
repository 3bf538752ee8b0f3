//! Certificates that the other side rejects.

use super::{Way, clash, clash_by_name, names};
use pollback::ErrorKind;
use pollback::rustls::{AlertDescription, ClientConfig};
use pollback_testkit::certificates::{Authority, Identity};
use pollback_testkit::configs::{Setup, Version, provider};

#[tokio::test]
async fn a_certificate_for_another_name() {
    for version in Version::ALL {
        for way in Way::ALL {
            let setup = Setup::new(version);
            let name = "other.example".try_into().unwrap();
            let (client, server) = clash_by_name(setup.client(), setup.server(), way, name).await;
            names(&client, ErrorKind::WrongName);
            names(&server, ErrorKind::Alert(AlertDescription::BadCertificate));
        }
    }
}

#[tokio::test]
async fn a_certificate_from_an_unknown_root() {
    for version in Version::ALL {
        for way in Way::ALL {
            let setup = Setup::new(version);
            let distrustful = setup.client_trusting(&Authority::new());
            let (client, server) = clash(distrustful, setup.server(), way).await;
            names(&client, ErrorKind::UnknownIssuer);
            names(&server, ErrorKind::Alert(AlertDescription::UnknownCA));
        }
    }
}

#[tokio::test]
async fn an_expired_certificate() {
    for version in Version::ALL {
        for way in Way::ALL {
            let setup = Setup::new(version);
            let expired = setup.server_with(&Authority::shared().expired_server());
            let (client, server) = clash(setup.client(), expired, way).await;
            names(&client, ErrorKind::Expired);
            names(
                &server,
                ErrorKind::Alert(AlertDescription::CertificateExpired),
            );
        }
    }
}

fn client_with(version: Version, identity: &Identity) -> ClientConfig {
    ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[version.supported()])
        .unwrap()
        .with_root_certificates(Authority::shared().roots())
        .with_client_auth_cert(identity.chain(), identity.key())
        .unwrap()
}

#[tokio::test]
async fn a_client_certificate_from_an_unknown_root() {
    for version in Version::ALL {
        for way in Way::ALL {
            let demanding = Setup::new(version).client_auth().server();
            let stranger = client_with(version, &Authority::new().client("stranger"));
            let (client, server) = clash(stranger, demanding, way).await;
            names(&server, ErrorKind::UnknownIssuer);
            names(&client, ErrorKind::Alert(AlertDescription::UnknownCA));
        }
    }
}

#[tokio::test]
async fn a_server_certificate_presented_by_a_client() {
    for version in Version::ALL {
        for way in Way::ALL {
            let demanding = Setup::new(version).client_auth().server();
            let unsuitable = client_with(version, &Authority::shared().server());
            let (client, server) = clash(unsuitable, demanding, way).await;
            names(&server, ErrorKind::Certificate);
            names(
                &client,
                ErrorKind::Alert(AlertDescription::UnsupportedCertificate),
            );
        }
    }
}

#[tokio::test]
async fn a_missing_client_certificate() {
    for version in Version::ALL {
        for way in Way::ALL {
            let setup = Setup::new(version);
            let demanding = setup.clone().client_auth().server();
            let (client, server) = clash(setup.client(), demanding, way).await;
            names(&server, ErrorKind::Certificate);
            names(
                &client,
                ErrorKind::Alert(AlertDescription::CertificateRequired),
            );
        }
    }
}
