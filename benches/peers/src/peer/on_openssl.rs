//! The peer on OpenSSL.

use std::io;
use std::pin::Pin;

use openssl::pkey::PKey;
use openssl::ssl::{Ssl, SslAcceptor, SslConnector, SslContextBuilder, SslMethod, SslVersion};
use openssl::x509::X509;
use pollback_testkit::certificates::Authority;
use tokio_openssl::SslStream;

use super::{Peer, Stream};

/// tokio-openssl.
#[derive(Clone)]
pub struct TokioOpenssl {
    connector: SslConnector,
    acceptor: SslAcceptor,
}

impl Default for TokioOpenssl {
    fn default() -> Self {
        let authority = Authority::shared();
        let identity = authority.server();
        let root = X509::from_der(&authority.certificate()).expect("a root certificate");
        let certificate = X509::from_pem(identity.certificate_pem().as_bytes());
        let key = PKey::private_key_from_pem(identity.key_pem().as_bytes());

        let mut client = SslConnector::builder(SslMethod::tls_client()).expect("a connector");
        choose_cryptography(&mut client);
        client.cert_store_mut().add_cert(root).expect("a root");

        let method = SslMethod::tls_server();
        let mut server = SslAcceptor::mozilla_modern_v5(method).expect("an acceptor");
        choose_cryptography(&mut server);
        server
            .set_certificate(&certificate.expect("a certificate"))
            .expect("a usable certificate");
        server
            .set_private_key(&key.expect("a key"))
            .expect("a usable key");
        Self {
            connector: client.build(),
            acceptor: server.build(),
        }
    }
}

fn choose_cryptography(context: &mut SslContextBuilder) {
    let version = Some(SslVersion::TLS1_3);
    context.set_min_proto_version(version).expect("TLS 1.3");
    context
        .set_ciphersuites("TLS_AES_256_GCM_SHA384")
        .expect("a known cipher suite");
    context.set_groups_list("X25519").expect("a known group");
}

impl Peer for TokioOpenssl {
    const ALLOCATES_IN_RUST: bool = false;

    type Client<T: Stream> = SslStream<T>;
    type Server<T: Stream> = SslStream<T>;

    async fn connect<T: Stream>(&self, transport: T) -> io::Result<SslStream<T>> {
        let ssl = self.connector.configure()?.into_ssl("localhost")?;
        let mut stream = SslStream::new(ssl, transport)?;
        Pin::new(&mut stream)
            .connect()
            .await
            .map_err(io::Error::other)?;
        Ok(stream)
    }

    async fn accept<T: Stream>(&self, transport: T) -> io::Result<SslStream<T>> {
        let mut stream = SslStream::new(Ssl::new(self.acceptor.context())?, transport)?;
        Pin::new(&mut stream)
            .accept()
            .await
            .map_err(io::Error::other)?;
        Ok(stream)
    }
}
