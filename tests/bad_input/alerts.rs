//! Fatal alerts that the peer sends.

use super::{Way, alert, answer, localhost, names, visit};
use pollback::ErrorKind;
use pollback::rustls::{AlertDescription, ClientConfig, ClientConnection};
use pollback_testkit::configs::{Setup, Version};
use std::sync::Arc;

const DESCRIPTIONS: [AlertDescription; 3] = [
    AlertDescription::HandshakeFailure,
    AlertDescription::UnrecognisedName,
    AlertDescription::InternalError,
];

#[tokio::test]
async fn a_client_reports_the_alert_of_the_server() {
    for version in Version::ALL {
        for description in DESCRIPTIONS {
            let (error, said) = answer(Setup::new(version).client(), &alert(description)).await;
            names(&error, ErrorKind::Alert(description));
            assert_eq!(said[0], 22, "the hello");
            let length = usize::from(u16::from_be_bytes([said[3], said[4]]));
            assert_eq!(said.len(), 5 + length, "there is no response to an alert");
        }
    }
}

/// The first bytes of a client.
fn hello(config: ClientConfig) -> Vec<u8> {
    let mut connection = ClientConnection::new(Arc::new(config), localhost()).unwrap();
    let mut hello = Vec::new();
    connection.write_tls(&mut hello).unwrap();
    hello
}

#[tokio::test]
async fn a_server_reports_the_alert_of_the_client() {
    for version in Version::ALL {
        for way in Way::ALL {
            for description in DESCRIPTIONS {
                let setup = Setup::new(version);
                let mut bytes = hello(setup.client());
                bytes.extend(alert(description));
                let (error, answer) = visit(setup.server(), way, &bytes).await;
                names(&error, ErrorKind::Alert(description));
                assert_eq!(answer[0], 22, "the hello of the server came first");
            }
        }
    }
}

#[test]
fn alerts_are_printed_with_the_names_of_the_rfcs() {
    for (description, name) in [
        (AlertDescription::CloseNotify, "close_notify"),
        (AlertDescription::UnknownCA, "unknown_ca"),
        (AlertDescription::UnrecognisedName, "unrecognized_name"),
        (AlertDescription::UnknownPSKIdentity, "unknown_psk_identity"),
        (
            AlertDescription::EncryptedClientHelloRequired,
            "ech_required",
        ),
        (AlertDescription::Unknown(99), "99"),
    ] {
        let text = ErrorKind::Alert(description).to_string();
        assert_eq!(text, format!("the peer sent the alert {name}"));
    }
}
