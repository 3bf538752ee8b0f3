//! The cryptography of the targets, for rustls 0.23.

use std::sync::{Arc, LazyLock};

use pollback::rustls;
use rustls::crypto::cipher::{
    AeadKey, InboundOpaqueMessage, InboundPlainMessage, Iv, KeyBlockShape, MessageDecrypter,
    MessageEncrypter, OutboundOpaqueMessage, OutboundPlainMessage, PrefixedPayload,
    Tls12AeadAlgorithm, Tls13AeadAlgorithm, UnsupportedOperationError,
};
use rustls::crypto::tls12::PrfUsingHmac;
use rustls::crypto::tls13::HkdfUsingHmac;
use rustls::crypto::{
    ActiveKeyExchange, CryptoProvider, GetRandomFailed, KeyExchangeAlgorithm, SecureRandom,
    SharedSecret, SupportedKxGroup, aws_lc_rs, hmac,
};
use rustls::{
    CipherSuite, CipherSuiteCommon, ConnectionTrafficSecrets, ContentType, Error, NamedGroup,
    PeerMisbehaved, ProtocolVersion, SignatureScheme, SupportedCipherSuite, Tls12CipherSuite,
    Tls13CipherSuite,
};

use super::cryptography::{BYTE, CHECKSUM, Checksum, Cipher, Constant, KEY, Open, RECORD, Records};

/// The provider of both sides.
pub(super) fn provider(records: Records) -> Arc<CryptoProvider> {
    static PROVIDERS: LazyLock<[Arc<CryptoProvider>; 2]> =
        LazyLock::new(|| [Records::Marked, Records::Unmarked].map(assemble));
    Arc::clone(&PROVIDERS[records as usize])
}

fn assemble(records: Records) -> Arc<CryptoProvider> {
    let open: &Open = Box::leak(Box::new(Open(records)));
    let common = |suite| CipherSuiteCommon {
        suite,
        hash_provider: match aws_lc_rs::cipher_suite::TLS13_AES_128_GCM_SHA256 {
            SupportedCipherSuite::Tls13(real) => real.common.hash_provider,
            SupportedCipherSuite::Tls12(real) => real.common.hash_provider,
        },
        confidentiality_limit: u64::MAX,
    };
    let tls13 = Tls13CipherSuite {
        common: common(CipherSuite::TLS13_AES_128_GCM_SHA256),
        hkdf_provider: Box::leak(Box::new(HkdfUsingHmac(open))),
        aead_alg: open,
        quic: None,
    };
    let tls12 = Tls12CipherSuite {
        common: common(CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256),
        prf_provider: Box::leak(Box::new(PrfUsingHmac(open))),
        kx: KeyExchangeAlgorithm::ECDHE,
        sign: &[
            SignatureScheme::ED25519,
            SignatureScheme::ECDSA_NISTP256_SHA256,
        ],
        aead_alg: open,
    };
    Arc::new(CryptoProvider {
        cipher_suites: vec![
            SupportedCipherSuite::Tls13(Box::leak(Box::new(tls13))),
            SupportedCipherSuite::Tls12(Box::leak(Box::new(tls12))),
        ],
        kx_groups: vec![&Constant],
        secure_random: &Constant,
        ..aws_lc_rs::default_provider()
    })
}

impl SecureRandom for Constant {
    fn fill(&self, buf: &mut [u8]) -> Result<(), GetRandomFailed> {
        buf.fill(BYTE);
        Ok(())
    }
}

impl SupportedKxGroup for Constant {
    fn start(&self) -> Result<Box<dyn ActiveKeyExchange>, Error> {
        Ok(Box::new(Self))
    }

    fn name(&self) -> NamedGroup {
        NamedGroup::X25519
    }
}

impl ActiveKeyExchange for Constant {
    fn complete(self: Box<Self>, peer: &[u8]) -> Result<SharedSecret, Error> {
        match peer.len() {
            32 => Ok(SharedSecret::from(&[BYTE; 32][..])),
            _ => Err(PeerMisbehaved::InvalidKeyShare.into()),
        }
    }

    fn pub_key(&self) -> &[u8] {
        &[BYTE; 32]
    }

    fn group(&self) -> NamedGroup {
        NamedGroup::X25519
    }
}

impl hmac::Hmac for Open {
    fn with_key(&self, key: &[u8]) -> Box<dyn hmac::Key> {
        Box::new(Checksum(self.0, key.to_vec()))
    }

    fn hash_output_len(&self) -> usize {
        CHECKSUM
    }
}

impl hmac::Key for Checksum {
    fn sign_concat(&self, first: &[u8], middle: &[&[u8]], last: &[u8]) -> hmac::Tag {
        hmac::Tag::new(&self.of(first, middle, last))
    }

    fn tag_len(&self) -> usize {
        CHECKSUM
    }
}

impl Tls13AeadAlgorithm for Open {
    fn encrypter(&self, key: AeadKey, _: Iv) -> Box<dyn MessageEncrypter> {
        self.cipher(true, key.as_ref())
    }

    fn decrypter(&self, key: AeadKey, _: Iv) -> Box<dyn MessageDecrypter> {
        self.cipher(true, key.as_ref())
    }

    fn key_len(&self) -> usize {
        KEY
    }

    fn extract_keys(
        &self,
        _: AeadKey,
        _: Iv,
    ) -> Result<ConnectionTrafficSecrets, UnsupportedOperationError> {
        Err(UnsupportedOperationError)
    }
}

impl Tls12AeadAlgorithm for Open {
    fn encrypter(&self, key: AeadKey, _: &[u8], _: &[u8]) -> Box<dyn MessageEncrypter> {
        self.cipher(false, key.as_ref())
    }

    fn decrypter(&self, key: AeadKey, _: &[u8]) -> Box<dyn MessageDecrypter> {
        self.cipher(false, key.as_ref())
    }

    fn key_block_shape(&self) -> KeyBlockShape {
        KeyBlockShape {
            enc_key_len: KEY,
            fixed_iv_len: 4,
            explicit_nonce_len: 8,
        }
    }

    fn extract_keys(
        &self,
        _: AeadKey,
        _: &[u8],
        _: &[u8],
    ) -> Result<ConnectionTrafficSecrets, UnsupportedOperationError> {
        Err(UnsupportedOperationError)
    }
}

impl MessageEncrypter for Cipher {
    fn encrypt(
        &mut self,
        message: OutboundPlainMessage<'_>,
        sequence: u64,
    ) -> Result<OutboundOpaqueMessage, Error> {
        let mut text = PrefixedPayload::with_capacity(message.payload.len() + 9);
        text.extend_from_chunks(&message.payload);
        let mut content_type = message.typ;
        if self.is_tls13 {
            text.extend_from_slice(&[u8::from(content_type)]);
            content_type = ContentType::ApplicationData;
        }
        text.extend_from_slice(&self.mark(sequence));
        // This is also the version in a record of TLS 1.3.
        let version = ProtocolVersion::TLSv1_2;
        Ok(OutboundOpaqueMessage::new(content_type, version, text))
    }

    fn encrypted_payload_len(&self, length: usize) -> usize {
        self.length(length)
    }
}

impl MessageDecrypter for Cipher {
    fn decrypt<'a>(
        &mut self,
        mut message: InboundOpaqueMessage<'a>,
        sequence: u64,
    ) -> Result<InboundPlainMessage<'a>, Error> {
        let Some(length) = self.text(&message.payload, sequence) else {
            return Err(Error::DecryptError);
        };
        message.payload.truncate(length);
        match self.is_tls13 {
            true => message.into_tls13_unpadded_message(),
            false if length > RECORD => Err(Error::PeerSentOversizedRecord),
            false => Ok(message.into_plain_message()),
        }
    }
}
