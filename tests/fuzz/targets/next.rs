//! rustls 0.24, with configurations like those of 0.23 in `current.rs`. Streams are whole, or in
//! owned halves.

use std::hash::Hasher;
use std::sync::Arc;
use std::time::Duration;

use pollback::next::{
    LazyConfigAcceptor, ReadHalf, Side, TlsAcceptor, TlsConnector, TlsStream, WriteHalf, rustls,
};
use rustls::client::danger::{
    HandshakeSignatureValid, ServerIdentity, ServerVerifier, SignatureVerificationInput,
};
use rustls::crypto::{
    Credentials, Identity, SelectedCredential, SignatureScheme, Signer, SigningKey,
    VerifiedIdentity,
};
use rustls::error::PeerIncompatible;
use rustls::pki_types::{CertificateDer, SubjectPublicKeyInfoDer, UnixTime};
use rustls::server::{
    ClientHello, NoServerSessionStorage, ServerCredentialResolver, ServerHandshake,
};
use rustls::time_provider::TimeProvider;
use rustls::{
    ClientConfig, ClientSide, Connection, Error, MessageHandler, ServerConfig, ServerSide,
    SideData, Tcp, VecInput,
};
use tokio::io::{self, Join};

use super::attack::ends_in_an_alert;
use super::cryptography::Records;
use super::current::localhost;
use super::provider_next::provider;
use super::streams::{Begin, Stream, Transport};
use super::version::{Handling, Tls, Verdict, Version};

pub(super) struct Next;

impl Version for Next {
    type ClientConfig = ClientConfig;
    type ServerConfig = ServerConfig;
    type Error = Error;

    fn client(records: Records, tls: Tls) -> ClientConfig {
        ClientConfig::builder_with_details(provider(records, tls), Arc::new(Standstill))
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Anyone))
            .with_no_client_auth()
            .expect("suites for each version")
    }

    fn server(records: Records, tls: Tls) -> ServerConfig {
        ServerConfig::builder_with_details(provider(records, tls), Arc::new(Standstill))
            .with_no_client_auth()
            .with_server_credential_resolver(Arc::new(Anyone))
            .expect("suites for each version")
    }

    fn allow_early_data(client: &mut ClientConfig, server: &mut ServerConfig, most: u32) {
        client.enable_early_data = true;
        server.max_early_data_size = most;
    }

    fn forget(server: &mut ServerConfig) {
        server.session_storage = Arc::new(NoServerSessionStorage {});
    }

    fn connect(config: ClientConfig, early: bool, handling: Handling) -> Begin {
        let connector = TlsConnector::from(Arc::new(config)).early_data(early);
        let connector = connector.with_options(handling.options);
        Box::new(move |io| {
            Box::pin(async move {
                let stream = connector.connect(localhost(), io).await?;
                Ok(handled(stream, handling))
            })
        })
    }

    fn accept(config: ServerConfig, handling: Handling) -> Begin {
        let acceptor = TlsAcceptor::from(Arc::new(config)).with_options(handling.options);
        Box::new(move |io| {
            Box::pin(async move {
                let stream = acceptor.accept(io).await?;
                Ok(handled(stream, handling))
            })
        })
    }

    fn accept_lazily(config: ServerConfig, handling: Handling) -> Begin {
        Box::new(move |io| {
            Box::pin(async move {
                let start = LazyConfigAcceptor::new(io).await?;
                let accept = start.into_stream(Arc::new(config));
                let stream = accept.with_options(handling.options).await?;
                Ok(handled(stream, handling))
            })
        })
    }

    fn verdict_of_client(config: ClientConfig, bytes: &[u8]) -> Verdict<Error> {
        let mut output = Vec::new();
        let connection = Arc::new(config).connect(localhost()).build(&mut output);
        verdict(connection, output, bytes)
    }

    fn verdict_of_server(config: ServerConfig, lazy: bool, bytes: &[u8]) -> Verdict<Error> {
        if lazy {
            match hello(bytes) {
                // From here on it is a connection like any other.
                Ok(true) => {}
                Ok(false) => return Verdict::sound(),
                Err(error) => {
                    return Verdict {
                        alert: !is_alert_of_peer(&error),
                        error: Some(error),
                    };
                }
            }
        }
        let connection = Connection::<ServerSide, Tcp>::new(Arc::new(config));
        verdict(connection, Vec::new(), bytes)
    }
}

/// Whether the bytes begin with a ClientHello that rustls accepts without a configuration.
fn hello(mut bytes: &[u8]) -> Result<bool, Error> {
    let (mut input, mut handshake) = (VecInput::default(), ServerHandshake::start());
    while let Ok(1..) = input.read(&mut bytes) {
        match handshake.process(&mut input, &mut Vec::new())? {
            ServerHandshake::NeedsInput(next) => handshake = next,
            _ => return Ok(true),
        }
    }
    Ok(false)
}

fn verdict<S: Plaintext>(
    connection: Result<Connection<S, Tcp>, Error>,
    mut sent: Vec<u8>,
    mut bytes: &[u8],
) -> Verdict<Error> {
    let mut connection = connection.expect("a usable configuration");
    let mut input = VecInput::default();
    while let Ok(1..) = input.read(&mut bytes) {
        let handler = connection.read_tls(&mut input, &mut sent);
        if let Err(error) = S::discard(handler) {
            let alert = !is_alert_of_peer(&error) && ends_in_an_alert(&sent);
            return Verdict {
                error: Some(error),
                alert,
            };
        }
    }
    Verdict::sound()
}

/// Discards the received plaintext, in the way of each side.
trait Plaintext: SideData {
    fn discard(handler: MessageHandler<'_, '_, Self>) -> Result<(), Error>;
}

impl Plaintext for ClientSide {
    fn discard(handler: MessageHandler<'_, '_, Self>) -> Result<(), Error> {
        handler.handle_all(&mut Vec::new()).map(drop)
    }
}

impl Plaintext for ServerSide {
    fn discard(mut handler: MessageHandler<'_, '_, Self>) -> Result<(), Error> {
        while let Some(payload) = handler.next_early_data() {
            payload?;
        }
        handler.handle_all(&mut Vec::new()).map(drop)
    }
}

/// A peer that has sent an alert need not receive one.
fn is_alert_of_peer(error: &Error) -> bool {
    matches!(error, Error::AlertReceived(_))
}

type Io = Box<dyn Transport>;

/// Splits the stream only if the handshake is over.
fn handled<S: Side>(stream: TlsStream<Io, S>, handling: Handling) -> Box<dyn Stream> {
    if !handling.in_halves {
        return Box::new(stream);
    }
    match stream.into_split_with(io::split) {
        Ok((reader, writer)) => Box::new(io::join(reader, writer)),
        Err(stream) => Box::new(stream),
    }
}

impl<S: Side> Stream for TlsStream<Io, S> {
    fn ask_for_new_keys(&mut self) {
        let _ = self.get_mut().1.refresh_traffic_keys();
    }
}

type Halves<S> =
    Join<ReadHalf<io::ReadHalf<Io>, io::WriteHalf<Io>, S>, WriteHalf<io::WriteHalf<Io>, S>>;

impl<S: Side> Stream for Halves<S> {
    fn ask_for_new_keys(&mut self) {
        let _ = self.writer_mut().refresh_traffic_keys();
    }
}

#[derive(Debug)]
struct Standstill;

impl TimeProvider for Standstill {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(Duration::from_secs(1 << 30)))
    }
}

/// Has a certificate for every name, signs without a key, and accepts every peer.
#[derive(Debug)]
struct Anyone;

impl ServerCredentialResolver for Anyone {
    fn resolve(&self, hello: &ClientHello<'_>) -> Result<SelectedCredential, Error> {
        let certificate = CertificateDer::from(&b"certificate"[..]);
        let identity = Identity::from_cert_chain(vec![certificate])?;
        Credentials::new_unchecked(Arc::new(identity), Box::new(Self))
            .signer(hello.signature_schemes())
            .ok_or_else(|| PeerIncompatible::NoSignatureSchemesInCommon.into())
    }
}

impl SigningKey for Anyone {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        let known = offered.contains(&SignatureScheme::ED25519);
        known.then(|| Box::new(Self) as Box<dyn Signer>)
    }

    fn public_key(&self) -> Option<SubjectPublicKeyInfoDer<'_>> {
        None
    }
}

impl Signer for Anyone {
    fn sign(self: Box<Self>, _: &[u8]) -> Result<Vec<u8>, Error> {
        Ok(b"signature".to_vec())
    }

    fn scheme(&self) -> SignatureScheme {
        SignatureScheme::ED25519
    }
}

impl ServerVerifier for Anyone {
    fn verify_identity<'a>(
        &self,
        presented: &ServerIdentity<'a, '_>,
    ) -> Result<VerifiedIdentity<'a>, Error> {
        Ok(VerifiedIdentity::assertion(presented.identity.clone()))
    }

    fn verify_tls12_signature(
        &self,
        _: &SignatureVerificationInput<'_>,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &SignatureVerificationInput<'_>,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![
            SignatureScheme::ED25519,
            SignatureScheme::ECDSA_NISTP256_SHA256,
        ]
    }

    fn request_ocsp_response(&self) -> bool {
        false
    }

    fn hash_config(&self, _: &mut dyn Hasher) {}
}
