//! Fatal alerts that the peer sends.

use super::{Way, alert, answer, names, visit};
use pollback::ErrorKind;
use pollback::rustls::AlertDescription;
use pollback_testkit::configs::{Setup, Version};

const DESCRIPTIONS: [AlertDescription; 3] = [
    AlertDescription::HandshakeFailure,
    AlertDescription::UnrecognisedName,
    AlertDescription::InternalError,
];

#[tokio::test]
async fn a_client_says_which_alert_the_server_sent() {
    for version in Version::ALL {
        for description in DESCRIPTIONS {
            let (error, said) = answer(Setup::new(version).client(), &alert(description)).await;
            names(&error, ErrorKind::Alert(description));
            assert_eq!(said[0], 22, "the hello");
            let length = usize::from(u16::from_be_bytes([said[3], said[4]]));
            assert_eq!(said.len(), 5 + length, "an alert is not answered");
        }
    }
}

#[tokio::test]
async fn a_server_says_which_alert_the_client_sent() {
    for version in Version::ALL {
        for way in Way::ALL {
            for description in DESCRIPTIONS {
                let config = Setup::new(version).server();
                let (error, answer) = visit(config, way, &alert(description)).await;
                names(&error, ErrorKind::Alert(description));
                assert!(answer.is_empty(), "an alert is not answered: {answer:?}");
            }
        }
    }
}
