//! Checks that a connection is what the runner expects.

use std::fmt::Debug;
use std::path::Path;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::backend::{Failure, Negotiated};
use crate::settings::{EarlyData, Settings, TLS13};
use crate::setup::Observed;

/// Checks a connection after its handshake.
pub(crate) fn check(
    settings: &Settings,
    resumes: bool,
    negotiated: Negotiated,
    observed: &Observed,
) -> Result<(), Failure> {
    let expect = &settings.expect;
    let resumed = resumes && !expect.session_miss;
    same("resumed", &Some(resumed), &negotiated.resumed)?;
    same_if("version", &expect.version, &negotiated.version)?;
    same_if("cipher suite", &expect.cipher, &negotiated.cipher)?;
    same_if("ALPN protocol", &expect.alpn, &negotiated.alpn)?;
    same_if("server name", &expect.server_name, &negotiated.server_name)?;
    if expect.no_alpn {
        same("ALPN protocol", &Some(None), &negotiated.alpn)?;
    }
    if expect.no_server_name {
        same("server name", &Some(None), &negotiated.server_name)?;
    }
    if expect.no_peer_certificate {
        same("chain", &Some(Vec::new()), &negotiated.peer_chain)?;
    }
    if let Some(path) = &expect.peer_chain {
        same("chain", &Some(chain(path)?), &negotiated.peer_chain)?;
    }
    if !resumed {
        // rustls does not report these for a resumed session.
        same_if("group", &expect.group, &negotiated.group)?;
        same_if("signature scheme", &expect.scheme, &observed.scheme)?;
        same_if("credential", &expect.credential, &observed.credential)?;
        same(
            "hello retry request",
            &expect.retry_request,
            &negotiated.retry_request,
        )?;
        same("OCSP response", &expect.ocsp, &observed.ocsp)?;
    }
    if expect.early_data == Some(EarlyData::Accepted) && !settings.server {
        same(
            "early data accepted",
            &Some(Some(true)),
            &negotiated.early_data_accepted,
        )?;
    }
    Ok(())
}

/// Checks a connection of a client whose early data should have been rejected.
pub(crate) fn check_rejected(negotiated: Negotiated) -> Result<(), Failure> {
    same(
        "early data accepted",
        &Some(Some(false)),
        &negotiated.early_data_accepted,
    )
}

/// Checks the tickets that a client has received.
pub(crate) fn check_tickets(
    settings: &Settings,
    version: Option<u16>,
    observed: &Observed,
) -> Result<(), Failure> {
    if settings.server || version != Some(TLS13) {
        return Ok(());
    }
    let expect = &settings.expect;
    let expected = !expect.no_session && !settings.shuts_down;
    same("ticket", &Some(expected), &!observed.tickets.is_empty())?;
    let Some(early_data) = observed.tickets.last() else {
        return Ok(());
    };
    let good = *early_data > 0;
    same(
        "ticket valid for early data",
        &Some(expect.ticket_for_early_data),
        &good,
    )
}

fn chain(path: &Path) -> Result<Vec<Vec<u8>>, Failure> {
    let unreadable = |error| Failure::Unexpected(format!("{}: {error}", path.display()));
    let chain = CertificateDer::pem_file_iter(path).map_err(unreadable)?;
    let chain = chain.map(|certificate| Ok(certificate.map_err(unreadable)?.to_vec()));
    chain.collect()
}

/// Fails if something is expected and something else was found.
fn same<T: Debug + PartialEq>(what: &str, expected: &Option<T>, found: &T) -> Result<(), Failure> {
    match expected {
        Some(expected) if expected != found => {
            let text = format!("{what}: {found:?} instead of {expected:?}");
            Err(Failure::Unexpected(text))
        }
        _ => Ok(()),
    }
}

/// The same for an optional value, which must be present if it is expected.
fn same_if<T: Debug + PartialEq>(
    what: &str,
    expected: &Option<T>,
    found: &Option<T>,
) -> Result<(), Failure> {
    match expected {
        Some(_) if expected != found => {
            let text = format!("{what}: {found:?} instead of {expected:?}");
            Err(Failure::Unexpected(text))
        }
        _ => Ok(()),
    }
}
