//! Configurations of rustls-ffi with the certificates of the test kit.

use std::ffi::CStr;
use std::ptr::{NonNull, null, null_mut};

use pollback::ffi::FfiConnection;
use pollback::ffi::rustls_ffi::certificate::{
    rustls_certified_key, rustls_root_cert_store, rustls_root_cert_store_builder,
};
use pollback::ffi::rustls_ffi::client::{rustls_client_config, rustls_client_config_builder};
use pollback::ffi::rustls_ffi::crypto_provider::{
    rustls_aws_lc_rs_crypto_provider, rustls_crypto_provider, rustls_crypto_provider_free,
    rustls_crypto_provider_load_key,
};
use pollback::ffi::rustls_ffi::rustls_result;
use pollback::ffi::rustls_ffi::server::{rustls_server_config, rustls_server_config_builder};
use pollback::ffi::rustls_ffi::verifier::{
    rustls_server_cert_verifier, rustls_web_pki_server_cert_verifier_builder,
};
use pollback_testkit::certificates::Authority;
use pollback_testkit::configs::Version;

/// The configuration of a client, freed when it is dropped.
pub(crate) struct ClientConfig(*const rustls_client_config);

/// The configuration of a server, freed when it is dropped.
pub(crate) struct ServerConfig(*const rustls_server_config);

impl ClientConfig {
    /// Trusts the shared authority of the test kit.
    pub(crate) fn new(version: Version) -> Self {
        Self::trusting(version, Authority::shared())
    }

    pub(crate) fn trusting(version: Version, authority: &Authority) -> Self {
        let verifier = verifier(authority);
        let builder = out(null_mut(), |builder| {
            with_provider(|provider| {
                let versions = [number(version)];
                rustls_client_config_builder::rustls_client_config_builder_new_custom(
                    provider,
                    versions.as_ptr(),
                    versions.len(),
                    builder,
                )
            })
        });
        rustls_client_config_builder::rustls_client_config_builder_set_server_verifier(
            builder, verifier,
        );
        rustls_server_cert_verifier::rustls_server_cert_verifier_free(verifier);
        Self(out(null(), |config| {
            rustls_client_config_builder::rustls_client_config_builder_build(builder, config)
        }))
    }

    pub(crate) fn connection(&self, name: &CStr) -> FfiConnection {
        let connection = out(null_mut(), |connection| {
            rustls_client_config::rustls_client_connection_new(self.0, name.as_ptr(), connection)
        });
        let connection = NonNull::new(connection).expect("a connection");
        // SAFETY: it was created for us, and nothing is attached to it.
        unsafe { FfiConnection::client(connection) }
    }
}

impl Drop for ClientConfig {
    fn drop(&mut self) {
        rustls_client_config::rustls_client_config_free(self.0);
    }
}

impl ServerConfig {
    /// Has a certificate for `localhost`.
    pub(crate) fn new(version: Version) -> Self {
        let key = certified_key();
        let builder = out(null_mut(), |builder| {
            with_provider(|provider| {
                let versions = [number(version)];
                rustls_server_config_builder::rustls_server_config_builder_new_custom(
                    provider,
                    versions.as_ptr(),
                    versions.len(),
                    builder,
                )
            })
        });
        let keys = [key];
        let result = rustls_server_config_builder::rustls_server_config_builder_set_certified_keys(
            builder,
            keys.as_ptr(),
            keys.len(),
        );
        assert_eq!(result, rustls_result::Ok);
        rustls_certified_key::rustls_certified_key_free(key);
        Self(out(null(), |config| {
            rustls_server_config_builder::rustls_server_config_builder_build(builder, config)
        }))
    }

    pub(crate) fn as_ptr(&self) -> *const rustls_server_config {
        self.0
    }

    pub(crate) fn connection(&self) -> FfiConnection {
        let connection = out(null_mut(), |connection| {
            rustls_server_config::rustls_server_connection_new(self.0, connection)
        });
        let connection = NonNull::new(connection).expect("a connection");
        // SAFETY: it was created for us, and nothing is attached to it.
        unsafe { FfiConnection::server(connection) }
    }
}

impl Drop for ServerConfig {
    fn drop(&mut self) {
        rustls_server_config::rustls_server_config_free(self.0);
    }
}

/// Returns what a function stores in its output parameter.
fn out<T>(empty: T, make: impl FnOnce(&mut T) -> rustls_result) -> T {
    let mut made = empty;
    assert_eq!(make(&mut made), rustls_result::Ok);
    made
}

fn with_provider<T>(f: impl FnOnce(*const rustls_crypto_provider) -> T) -> T {
    let provider = rustls_aws_lc_rs_crypto_provider();
    let answer = f(provider);
    rustls_crypto_provider_free(provider);
    answer
}

fn number(version: Version) -> u16 {
    match version {
        Version::Tls12 => 0x0303,
        Version::Tls13 => 0x0304,
    }
}

fn verifier(authority: &Authority) -> *mut rustls_server_cert_verifier {
    let pem = authority.pem();
    let roots = rustls_root_cert_store_builder::rustls_root_cert_store_builder_new();
    let result = rustls_root_cert_store_builder::rustls_root_cert_store_builder_add_pem(
        roots,
        pem.as_ptr(),
        pem.len(),
        true,
    );
    assert_eq!(result, rustls_result::Ok);
    let store = out(null(), |store| {
        rustls_root_cert_store_builder::rustls_root_cert_store_builder_build(roots, store)
    });
    rustls_root_cert_store_builder::rustls_root_cert_store_builder_free(roots);
    // SAFETY: the declarations are those of `rustls.h`, and each argument is alive.
    unsafe {
        let builder = with_provider(|provider| {
            rustls_web_pki_server_cert_verifier_builder_new_with_provider(provider, store)
        });
        rustls_root_cert_store::rustls_root_cert_store_free(store);
        let verifier = out(null_mut(), |verifier| {
            rustls_web_pki_server_cert_verifier_builder_build(builder, verifier)
        });
        rustls_web_pki_server_cert_verifier_builder_free(builder);
        verifier
    }
}

// In Rust these are methods of a type that is not public.
#[allow(improper_ctypes)]
unsafe extern "C" {
    fn rustls_web_pki_server_cert_verifier_builder_new_with_provider(
        provider: *const rustls_crypto_provider,
        store: *const rustls_root_cert_store,
    ) -> *mut rustls_web_pki_server_cert_verifier_builder;

    fn rustls_web_pki_server_cert_verifier_builder_build(
        builder: *mut rustls_web_pki_server_cert_verifier_builder,
        verifier_out: *mut *mut rustls_server_cert_verifier,
    ) -> rustls_result;

    fn rustls_web_pki_server_cert_verifier_builder_free(
        builder: *mut rustls_web_pki_server_cert_verifier_builder,
    );
}

fn certified_key() -> *const rustls_certified_key {
    let identity = Authority::shared().server();
    let (chain, key) = (identity.certificate_pem(), identity.key_pem());
    let signing_key = out(null_mut(), |signing_key| {
        with_provider(|provider| {
            rustls_crypto_provider_load_key(provider, key.as_ptr(), key.len(), signing_key)
        })
    });
    out(null(), |certified| {
        rustls_certified_key::rustls_certified_key_build_with_signing_key(
            chain.as_ptr(),
            chain.len(),
            signing_key,
            certified,
        )
    })
}
