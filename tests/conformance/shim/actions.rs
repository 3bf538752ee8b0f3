//! The actions of the runner's options.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::backend::Backend;
use crate::options::Options;
use crate::settings::{Credential, EarlyData, Settings};
use crate::transport::Variant;

/// The action of an option.
pub(crate) enum Action {
    /// Ignored: it concerns an interface of other implementations.
    Ignore,
    IgnoreValue,
    Flag(fn(&mut Settings)),
    Text(fn(&mut Settings, String)),
    /// A value in base64.
    Bytes(fn(&mut Settings, Vec<u8>)),
    Number(fn(&mut Settings, i64)),
    /// A 16-bit number of TLS.
    Code(fn(&mut Settings, u16)),
    /// It concerns the process, not a connection.
    Process(fn(&mut Options)),
    ProcessValue(fn(&mut Options, &str) -> Option<()>),
}

use Action::{Bytes, Code, Flag, Ignore, IgnoreValue, Number, Process, ProcessValue, Text};

#[rustfmt::skip]
pub(crate) static ACTIONS: LazyLock<HashMap<&str, Action>> = LazyLock::new(|| {
    HashMap::from([
        // The process.
        ("-port", ProcessValue(|o, value| value.parse().ok().map(|port| o.port = port))),
        ("-shim-id", ProcessValue(|o, value| value.parse().ok().map(|id| o.shim_id = id))),
        ("-resume-count", ProcessValue(|o, value| value.parse().ok().map(|count| o.resumptions = count))),
        ("-backend", ProcessValue(|o, value| Backend::named(value).map(|backend| o.backend = backend))),
        ("-variant", ProcessValue(|o, value| Variant::named(value).map(|variant| o.variant = variant))),
        ("-ipv6", Process(|o| o.ipv6 = true)),
        ("-is-handshaker-supported", Process(|o| o.asks_for_handshaker = true)),
        // What is offered.
        ("-server", Flag(|s| s.server = true)),
        ("-min-version", Code(|s, version| s.min_version = Some(version))),
        ("-max-version", Code(|s, version| s.max_version = Some(version))),
        ("-no-tls1", Ignore),
        ("-no-tls11", Ignore),
        ("-no-tls12", Flag(|s| s.no_tls12 = true)),
        ("-no-tls13", Flag(|s| s.no_tls13 = true)),
        ("-curves", Code(|s, group| s.groups.push(group))),
        ("-host-name", Text(|s, name| s.host_name = Some(name))),
        ("-advertise-alpn", Text(|s, list| s.alpn = protocols(list.as_bytes()))),
        ("-select-alpn", Text(|s, protocol| {
            s.alpn = Vec::from_iter((!protocol.is_empty()).then(|| protocol.clone().into()));
            s.expect_alpn(protocol);
        })),
        ("-decline-alpn", Flag(|s| s.expect.no_alpn = true)),
        ("-expect-extended-master-secret", Flag(|s| s.require_extended_master_secret = true)),
        ("-enable-early-data", Flag(|s| s.early_data = true)),
        ("-no-ticket", Flag(|s| s.no_ticket = true)),
        ("-max-send-fragment", Number(|s, size| s.largest_fragment = size.try_into().ok())),
        // Certificates.
        ("-new-x509-credential", Flag(|s| s.credentials.push(Credential::default()))),
        ("-cert-file", Text(|s, path| s.credential().chain = Some(path.into()))),
        ("-key-file", Text(|s, path| s.credential().key = Some(path.into()))),
        ("-ocsp-response", Bytes(|s, response| s.credential().ocsp = response)),
        ("-signing-prefs", Code(|s, scheme| s.credential().schemes.push(scheme))),
        ("-verify-peer", Flag(|s| s.request_certificate = true)),
        ("-require-any-client-certificate", Flag(|s| s.require_certificate = true)),
        ("-verify-fail", Flag(|s| s.reject_certificate = true)),
        ("-verify-prefs", Code(|s, scheme| s.verify_schemes.push(scheme))),
        ("-decline-ocsp-callback", Flag(|s| s.no_ocsp = true)),
        // What is done.
        ("-shim-writes-first", Flag(|s| s.writes_first = true)),
        ("-shim-initial-write", Text(|s, text| s.initial_write = Some(text.into()))),
        ("-repeat-shim-initial-write", Number(|s, count| s.initial_writes = count.max(0) as usize)),
        ("-read-with-unfinished-write", Flag(|s| s.unfinished_write = true)),
        ("-write-different-record-sizes", Flag(|s| s.write_many_sizes = true)),
        ("-read-size", Number(|s, size| s.read_size = size.try_into().ok())),
        ("-shim-shuts-down", Flag(|s| s.shuts_down = true)),
        ("-check-close-notify", Flag(|s| s.check_close_notify = true)),
        ("-key-update", Flag(|s| s.key_update = true)),
        ("-key-update-before-read", Flag(|s| s.key_update_before_read = true)),
        ("-export-keying-material", Number(|s, length| s.export = length.try_into().ok())),
        ("-export-label", Text(|s, label| s.export_label = label.into())),
        ("-export-context", Text(|s, context| s.export_context = context.into())),
        ("-use-export-context", Flag(|s| s.use_export_context = true)),
        ("-resumption-delay", Number(|s, seconds| s.delay = seconds.max(0) as u64)),
        // What is expected.
        ("-expect-version", Code(|s, version| s.expect.version = Some(version))),
        ("-expect-cipher", Code(|s, suite| s.expect.cipher = Some(suite))),
        ("-expect-curve-id", Code(|s, group| s.expect.group = Some(group))),
        ("-expect-peer-signature-algorithm", Code(|s, scheme| s.expect.scheme = Some(scheme))),
        ("-expect-alpn", Text(|s, protocol| s.expect_alpn(protocol))),
        ("-expect-server-name", Text(|s, name| s.expect.server_name = Some(name))),
        ("-expect-no-server-name", Flag(|s| s.expect.no_server_name = true)),
        ("-expect-ocsp-response", Bytes(|s, response| s.expect.ocsp = Some(response))),
        ("-expect-peer-cert-file", Text(|s, path| s.expect.peer_chain = Some(path.into()))),
        ("-expect-no-peer-cert", Flag(|s| s.expect.no_peer_certificate = true)),
        ("-expect-selected-credential", Number(|s, index| s.expect.credential = Some(index))),
        ("-expect-hrr", Flag(|s| s.expect.retry_request = Some(true))),
        ("-expect-no-hrr", Flag(|s| s.expect.retry_request = Some(false))),
        ("-expect-session-miss", Flag(|s| s.expect.session_miss = true)),
        ("-expect-no-session", Flag(|s| s.expect.no_session = true)),
        ("-expect-ticket-supports-early-data", Flag(|s| s.expect.ticket_for_early_data = true)),
        ("-expect-accept-early-data", Flag(|s| s.expect.early_data = Some(EarlyData::Accepted))),
        ("-expect-reject-early-data", Flag(|s| s.expect.early_data = Some(EarlyData::Rejected))),
        ("-expect-no-offer-early-data", Flag(|s| s.expect.early_data = Some(EarlyData::NotOffered))),
        // Our verifier accepts every chain, whatever its root.
        ("-trust-cert", IgnoreValue),
        ("-expect-early-data-reason", IgnoreValue),
        // Options for interfaces that rustls does not have, or has in another form: calls that may
        // have to be repeated, callbacks, and results that can be queried twice.
        ("-async", Ignore),
        ("-implicit-handshake", Ignore),
        ("-handshake-twice", Ignore),
        ("-no-op-extra-handshake", Ignore),
        ("-use-early-callback", Ignore),
        ("-use-old-client-cert-callback", Ignore),
        ("-use-custom-verify-callback", Ignore),
        ("-use-ocsp-callback", Ignore),
        ("-set-ocsp-in-callback", Ignore),
        ("-install-ddos-callback", Ignore),
        ("-expect-verify-result", Ignore),
        ("-peek-then-read", Ignore),
        ("-partial-write", Ignore),
        ("-enable-ocsp-stapling", Ignore),
        ("-enable-grease", Ignore),
        ("-permute-extensions", Ignore),
        ("-expect-secure-renegotiation", Ignore),
        ("-expect-no-secure-renegotiation", Ignore),
    ])
});

/// The protocols of an ALPN extension, each preceded by its length.
fn protocols(mut list: &[u8]) -> Vec<Vec<u8>> {
    let mut protocols = Vec::new();
    while let Some((&length, rest)) = list.split_first() {
        let (protocol, rest) = rest.split_at(rest.len().min(length.into()));
        protocols.push(protocol.to_owned());
        list = rest;
    }
    protocols
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn protocols_are_divided_by_their_lengths() {
        assert_eq!(protocols(b"\x03foo\x01a"), [&b"foo"[..], b"a"]);
        assert_eq!(protocols(b"\x09foo"), [b"foo"]);
    }
}
