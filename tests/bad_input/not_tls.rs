//! Bytes that are not TLS.

use super::{Way, alert, answer, names, visit};
use pollback::ErrorKind;
use pollback::rustls::AlertDescription;
use pollback_testkit::configs::{Setup, Version};

/// The first bytes of other protocols, and garbage.
const OTHERS: [&[u8]; 5] = [
    b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"SSH-2.0-OpenSSH_9.6\r\n",
    b"EHL",
    &[0; 64],
    // A handshake record of TLS version 120.121.
    b"\x16xyz0123456789",
];

#[tokio::test]
async fn a_server_reports_that_the_client_does_not_speak_tls() {
    for version in Version::ALL {
        for way in Way::ALL {
            for bytes in OTHERS {
                let (error, answer) = visit(Setup::new(version).server(), way, bytes).await;
                names(&error, ErrorKind::NotTls);
                assert_eq!(
                    answer,
                    alert(AlertDescription::DecodeError),
                    "{way:?} {bytes:?}"
                );
            }
        }
    }
}

#[tokio::test]
async fn a_client_reports_that_the_server_does_not_speak_tls() {
    for version in Version::ALL {
        for bytes in OTHERS {
            let (error, said) = answer(Setup::new(version).client(), bytes).await;
            names(&error, ErrorKind::NotTls);
            assert!(
                said.ends_with(&alert(AlertDescription::DecodeError)),
                "{bytes:?}: {said:?}"
            );
        }
    }
}

/// Well-formed records with invalid contents.
const NONSENSE: [(&[u8], AlertDescription); 3] = [
    // A hello that is truncated within its version.
    (
        &[22, 3, 1, 0, 5, 1, 0, 0, 1, 3],
        AlertDescription::DecodeError,
    ),
    // Application data before any handshake.
    (
        &[23, 3, 3, 0, 3, 1, 2, 3],
        AlertDescription::UnexpectedMessage,
    ),
    // A record with a length beyond the limit.
    (
        &[22, 3, 3, 255, 255, 1, 2, 3],
        AlertDescription::DecodeError,
    ),
];

#[tokio::test]
async fn a_server_reports_that_the_client_misbehaves() {
    for version in Version::ALL {
        for (bytes, description) in NONSENSE {
            let (error, answer) = visit(Setup::new(version).server(), Way::Direct, bytes).await;
            names(&error, ErrorKind::Misbehaved);
            assert_eq!(answer, alert(description), "{bytes:?}");
        }
    }
}

#[tokio::test]
async fn a_lazy_acceptor_reports_that_the_client_misbehaves() {
    for version in Version::ALL {
        for (bytes, description) in NONSENSE {
            let (error, answer) = visit(Setup::new(version).server(), Way::Lazy, bytes).await;
            names(&error, ErrorKind::Misbehaved);
            assert_eq!(answer, alert(description), "{bytes:?}");
        }
    }
}

#[tokio::test]
async fn a_client_reports_that_the_server_misbehaves() {
    for version in Version::ALL {
        for (bytes, description) in NONSENSE {
            let (error, said) = answer(Setup::new(version).client(), bytes).await;
            names(&error, ErrorKind::Misbehaved);
            assert!(said.ends_with(&alert(description)), "{bytes:?}: {said:?}");
        }
    }
}
