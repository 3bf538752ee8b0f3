//! Handshake messages that are too long, and unexpected ones.

use std::io;
use std::sync::Arc;

use pollback::rustls::{AlertDescription, Error, InvalidMessage};
use pollback::{ErrorKind, TlsConnector};
use pollback_testkit::configs::{Setup, Version};
use pollback_testkit::executor;
use pollback_testkit::hellos::records;
use pollback_testkit::pipe::{Control, End, pipe};

use super::{Way, alert, localhost};

const CLIENT_HELLO: u8 = 1;
const SERVER_HELLO: u8 = 2;
const CERTIFICATE: u8 = 11;

/// The largest message that rustls accepts, including its header.
const LIMIT: usize = 65_535;

/// The places where the first message of the peer can arrive.
#[derive(Clone, Copy, Debug)]
enum Entrance {
    Server(Way),
    Client,
}

impl Entrance {
    fn all() -> impl Iterator<Item = Self> {
        let servers = Way::ALL.into_iter().map(Self::Server);
        servers.chain([Self::Client])
    }

    /// The message that this side expects first.
    fn expected(self) -> u8 {
        match self {
            Self::Server(_) => CLIENT_HELLO,
            Self::Client => SERVER_HELLO,
        }
    }

    /// Connects this side to a peer that sends these bytes, and returns its error and the last
    /// record that it sends.
    fn meets(self, version: Version, bytes: &[u8]) -> (io::Error, Vec<u8>) {
        let (error, io) = self.fails(version, bytes);
        let said = io.written();
        let last = said[said.len().saturating_sub(7)..].to_vec();
        (error, last)
    }

    /// The same, and returns its end of the pipe.
    fn fails(self, version: Version, bytes: &[u8]) -> (io::Error, Control) {
        let setup = Setup::new(version);
        let (end, _peer) = pipe(4 << 20);
        let io: Control = end.control();
        io.inject(bytes);
        let error = executor::block_on(async {
            match self {
                Self::Server(way) => way.accept(Arc::new(setup.server()), end).await.err(),
                Self::Client => {
                    let connector = TlsConnector::from(Arc::new(setup.client()));
                    connector.connect::<End>(localhost(), end).await.err()
                }
            }
        });
        (error.expect("no handshake"), io)
    }
}

fn message(message_type: u8, length: usize) -> Vec<u8> {
    let [_, high, middle, low] = u32::try_from(length).expect("24 bits").to_be_bytes();
    let mut message = vec![message_type, high, middle, low];
    message.resize(4 + length, 0);
    message
}

/// The error has a type, and the peer receives an alert.
#[test]
fn a_message_just_over_the_limit_is_an_error_and_an_alert() {
    for version in Version::ALL {
        for entrance in Entrance::all() {
            for length in [LIMIT + 1, LIMIT + 2, 1 << 20] {
                for size in [1, 1000, 16_384] {
                    let long = message(entrance.expected(), length);
                    let (error, last) = entrance.meets(version, &records(&long, size));
                    let case = format!("{version:?} {entrance:?} {length} {size}: {error:?}");
                    assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{case}");
                    assert_eq!(last, alert(AlertDescription::DecodeError), "{case}");
                    // `peek` accepts one byte more than rustls, and there is no connection to fail.
                    let own = matches!(entrance, Entrance::Server(Way::Peek)) && length > LIMIT + 1;
                    let too_large = InvalidMessage::HandshakePayloadTooLarge;
                    let expected = (!own).then_some(Error::InvalidMessage(too_large));
                    let found = error.get_ref().and_then(|error| error.downcast_ref());
                    assert_eq!(found, expected.as_ref(), "{case}");
                    let kind = pollback::Error::find(&error).expect("ours").kind();
                    assert_eq!(kind == ErrorKind::TooLong, own, "{case}");
                }
            }
        }
    }
}

#[test]
fn a_message_out_of_place_is_an_error_and_an_alert() {
    for version in Version::ALL {
        for entrance in Entrance::all() {
            let wrong = message(CERTIFICATE, 3);
            let (error, last) = entrance.meets(version, &records(&wrong, 16_384));
            let case = format!("{version:?} {entrance:?}: {error:?}");
            assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{case}");
            assert!(pollback::Error::find(&error).is_some(), "{case}");
            assert_eq!(last, alert(AlertDescription::UnexpectedMessage), "{case}");
        }
    }
}

/// Closing a socket with unread bytes causes a reset, which can overtake the alert.
#[test]
fn what_a_refused_peer_goes_on_to_send_is_read() {
    for version in Version::ALL {
        for entrance in Entrance::all() {
            let mut bytes = b"GET / HTTP/1.1\r\n".to_vec();
            bytes.resize(100_000, b'x');
            let (_, io) = entrance.fails(version, &bytes);
            assert_eq!(io.unread(), 0, "{version:?} {entrance:?}");
        }
    }
}
