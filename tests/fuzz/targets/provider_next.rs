//! The cryptography of the targets, for rustls 0.24.

use std::borrow::Cow;
use std::sync::{Arc, LazyLock};

use pollback::next::{aws_lc_rs, rustls};
use rustls::crypto::cipher::{
    AeadKey, EncryptBuffer, InboundOpaque, Iv, KeyBlockShape, OutboundPlain, Record,
    RecordDecrypter, RecordEncrypter, Tls12AeadAlgorithm, Tls13AeadAlgorithm,
    UnsupportedOperationError,
};
use rustls::crypto::kx::{
    ActiveKeyExchange, KeyExchangeAlgorithm, NamedGroup, SharedSecret, StartedKeyExchange,
    SupportedKxGroup,
};
use rustls::crypto::tls12::PrfUsingHmac;
use rustls::crypto::tls13::HkdfUsingHmac;
use rustls::crypto::{
    CipherSuite, CryptoProvider, GetRandomFailed, SecureRandom, SignatureScheme, hmac,
};
use rustls::enums::ContentType;
use rustls::error::PeerMisbehaved;
use rustls::version::{TLS12_VERSION, TLS13_VERSION};
use rustls::{
    CipherSuiteCommon, ConnectionTrafficSecrets, Error, Tls12CipherSuite, Tls13CipherSuite,
};

use super::cryptography::{BYTE, CHECKSUM, Checksum, Cipher, Constant, KEY, Open, RECORD, Records};
use super::version::Tls;

/// The provider of both sides, which also determines the versions.
pub(super) fn provider(records: Records, tls: Tls) -> Arc<CryptoProvider> {
    static PROVIDERS: LazyLock<[CryptoProvider; 2]> =
        LazyLock::new(|| [Records::Marked, Records::Unmarked].map(assemble));
    let mut provider = PROVIDERS[records as usize].clone();
    match tls {
        Tls::V13 => provider.tls12_cipher_suites = Cow::Borrowed(&[]),
        Tls::V12 => provider.tls13_cipher_suites = Cow::Borrowed(&[]),
        Tls::Any => {}
    }
    Arc::new(provider)
}

fn assemble(records: Records) -> CryptoProvider {
    let open: &Open = Box::leak(Box::new(Open(records)));
    let real = aws_lc_rs::DEFAULT_TLS13_CIPHER_SUITES.iter();
    let mut real = real.map(|suite| &suite.common);
    let sha256 = real
        .find(|common| common.suite == CipherSuite::TLS13_AES_128_GCM_SHA256)
        .expect("a mandatory suite");
    let common = |suite| CipherSuiteCommon {
        suite,
        hash_provider: sha256.hash_provider,
        confidentiality_limit: u64::MAX,
    };
    let tls13 = Tls13CipherSuite {
        common: common(CipherSuite::TLS13_AES_128_GCM_SHA256),
        protocol_version: TLS13_VERSION,
        hkdf_provider: Box::leak(Box::new(HkdfUsingHmac(open))),
        aead_alg: open,
        quic: None,
    };
    let tls12 = Tls12CipherSuite {
        common: common(CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256),
        protocol_version: TLS12_VERSION,
        prf_provider: Box::leak(Box::new(PrfUsingHmac(open))),
        kx: KeyExchangeAlgorithm::ECDHE,
        sign: &[
            SignatureScheme::ED25519,
            SignatureScheme::ECDSA_NISTP256_SHA256,
        ],
        aead_alg: open,
    };
    let (tls12, tls13): (&_, &_) = (Box::leak(Box::new(tls12)), Box::leak(Box::new(tls13)));
    CryptoProvider {
        tls12_cipher_suites: Cow::Owned(vec![tls12]),
        tls13_cipher_suites: Cow::Owned(vec![tls13]),
        kx_groups: Cow::Borrowed(&[&Constant]),
        secure_random: &Constant,
        ..aws_lc_rs::DEFAULT_PROVIDER
    }
}

impl SecureRandom for Constant {
    fn fill(&self, buf: &mut [u8]) -> Result<(), GetRandomFailed> {
        buf.fill(BYTE);
        Ok(())
    }
}

impl SupportedKxGroup for Constant {
    fn start(&self) -> Result<StartedKeyExchange, Error> {
        Ok(StartedKeyExchange::Single(Box::new(Self)))
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
    fn encrypter(&self, key: AeadKey, _: Iv) -> Box<dyn RecordEncrypter> {
        self.cipher(true, key.as_ref())
    }

    fn decrypter(&self, key: AeadKey, _: Iv) -> Box<dyn RecordDecrypter> {
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
    fn encrypter(&self, key: AeadKey, _: &[u8], _: &[u8]) -> Box<dyn RecordEncrypter> {
        self.cipher(false, key.as_ref())
    }

    fn decrypter(&self, key: AeadKey, _: &[u8]) -> Box<dyn RecordDecrypter> {
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

impl RecordEncrypter for Cipher {
    fn encrypt<'a>(
        &mut self,
        record: Record<OutboundPlain<'_>>,
        sequence: u64,
        out: &'a mut [u8],
    ) -> Result<Record<&'a [u8]>, Error> {
        let mut text = EncryptBuffer::new(out, self.length(record.payload.len()))?;
        text.extend_from_chunks(&record.payload);
        let mut content_type = record.typ;
        if self.is_tls13 {
            text.extend_from_slice(&[u8::from(content_type)]);
            content_type = ContentType::ApplicationData;
        }
        text.extend_from_slice(&self.mark(sequence));
        Ok(Record::new(
            content_type,
            record.version,
            text.into_written(),
        ))
    }

    fn encrypted_payload_len(&self, length: usize) -> usize {
        self.length(length)
    }
}

impl RecordDecrypter for Cipher {
    fn decrypt<'a>(
        &mut self,
        mut record: Record<InboundOpaque<'a>>,
        sequence: u64,
    ) -> Result<Record<&'a [u8]>, Error> {
        let Some(length) = self.text(record.payload.as_ref(), sequence) else {
            return Err(Error::DecryptError);
        };
        record.payload.truncate(length);
        match self.is_tls13 {
            true => record.into_tls13_unpadded_record(),
            false if length > RECORD => Err(Error::PeerSentOversizedRecord),
            false => Ok(record.into_plain_record()),
        }
    }
}
