//! A peer that has the keys of an established connection and can write any records.

use pollback::TlsStream;
use pollback::rustls::crypto::cipher::{
    AeadKey, Iv, MessageEncrypter, OutboundChunks, OutboundPlainMessage,
};
use pollback::rustls::{
    ConnectionTrafficSecrets, ContentType, ProtocolVersion, SupportedCipherSuite,
};
use pollback_testkit::configs::{Setup, Version};
use pollback_testkit::pipe::{Control, End, pipe};

use crate::support::{Side, WIDE, handshake};

/// Content types of records.
pub(crate) const ALERT: ContentType = ContentType::Alert;
pub(crate) const HANDSHAKE: ContentType = ContentType::Handshake;
pub(crate) const DATA: ContentType = ContentType::ApplicationData;

/// The most plaintext that a record may hold.
pub(crate) const FULL: usize = 16 * 1024;

/// An established connection whose other end a forger controls.
pub(crate) struct Victim {
    pub(crate) subject: TlsStream<End>,
    pub(crate) io: Control,
    pub(crate) forger: Forger,
    /// The other end, which only has to stay open.
    _peer: End,
}

/// Encrypts records as the peer would.
pub(crate) struct Forger {
    encrypter: Box<dyn MessageEncrypter>,
    sequence: u64,
}

impl Victim {
    /// The side under test of a connection that was established honestly.
    pub(crate) fn new(version: Version, under_test: Side) -> Self {
        let setup = Setup::new(version);
        let (mut client_config, mut server_config) = (setup.client(), setup.server());
        client_config.enable_secret_extraction = true;
        server_config.enable_secret_extraction = true;
        let (client, server) = handshake(client_config, server_config, pipe(WIDE));
        let (subject, peer, secrets, suite) = match under_test {
            Side::Client => {
                let (end, connection) = server.into_inner();
                let suite = connection.negotiated_cipher_suite();
                let secrets = connection.dangerous_extract_secrets();
                (TlsStream::from(client), end, secrets, suite)
            }
            Side::Server => {
                let (end, connection) = client.into_inner();
                let suite = connection.negotiated_cipher_suite();
                let secrets = connection.dangerous_extract_secrets();
                (TlsStream::from(server), end, secrets, suite)
            }
        };
        let (sequence, secrets) = secrets.expect("extraction is enabled").tx;
        let mut forger = Forger {
            encrypter: encrypter(suite.expect("an established connection"), secrets),
            sequence: 0,
        };
        // An encrypter starts at the first sequence number that it is given.
        while forger.sequence < sequence {
            forger.record(DATA, &[]);
        }
        Self {
            io: subject.get_ref().0.control(),
            subject,
            forger,
            _peer: peer,
        }
    }

    /// Sends a record to the side under test.
    pub(crate) fn receives(&mut self, content_type: ContentType, payload: &[u8]) {
        self.io.inject(&self.forger.record(content_type, payload));
    }
}

/// Runs a test for each version, the client and then the server as the victim.
pub(crate) fn for_each_victim(test: impl Fn(Victim)) {
    for version in Version::ALL {
        for under_test in Side::BOTH {
            eprintln!("{version:?}, {under_test:?} under test");
            test(Victim::new(version, under_test));
        }
    }
}

impl Forger {
    /// The next record, encrypted.
    pub(crate) fn record(&mut self, content_type: ContentType, payload: &[u8]) -> Vec<u8> {
        let message = OutboundPlainMessage {
            typ: content_type,
            version: ProtocolVersion::TLSv1_2,
            payload: OutboundChunks::Single(payload),
        };
        let record = self.encrypter.encrypt(message, self.sequence);
        self.sequence += 1;
        record.expect("an encrypted record").encode()
    }
}

/// A record that is not encrypted.
pub(crate) fn plain_record(content_type: ContentType, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len()).expect("a length that a record can state");
    let mut record = vec![u8::from(content_type), 3, 3];
    record.extend(length.to_be_bytes());
    record.extend(payload);
    record
}

fn encrypter(
    suite: SupportedCipherSuite,
    secrets: ConnectionTrafficSecrets,
) -> Box<dyn MessageEncrypter> {
    let (key, iv): (AeadKey, Iv) = match secrets {
        ConnectionTrafficSecrets::Aes128Gcm { key, iv }
        | ConnectionTrafficSecrets::Aes256Gcm { key, iv }
        | ConnectionTrafficSecrets::Chacha20Poly1305 { key, iv } => (key, iv),
        _ => panic!("an unknown cipher"),
    };
    match suite {
        SupportedCipherSuite::Tls13(suite) => suite.aead_alg.encrypter(key, iv),
        SupportedCipherSuite::Tls12(suite) => {
            let fixed = suite.aead_alg.key_block_shape().fixed_iv_len;
            let (fixed, explicit) = iv.as_ref().split_at(fixed);
            suite.aead_alg.encrypter(key, fixed, explicit)
        }
    }
}
