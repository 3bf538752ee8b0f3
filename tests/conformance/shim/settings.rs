//! The settings of one connection.

use std::path::PathBuf;

/// The settings of one connection, and its expected result.
///
/// Versions, groups, cipher suites and signature schemes are the numbers of TLS.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    pub(crate) server: bool,

    // What is offered.
    pub(crate) min_version: Option<u16>,
    pub(crate) max_version: Option<u16>,
    pub(crate) no_tls12: bool,
    pub(crate) no_tls13: bool,
    pub(crate) groups: Vec<u16>,
    pub(crate) host_name: Option<String>,
    pub(crate) alpn: Vec<Vec<u8>>,
    pub(crate) require_extended_master_secret: bool,
    pub(crate) early_data: bool,
    pub(crate) no_ticket: bool,
    /// The maximum plaintext in one record.
    pub(crate) largest_fragment: Option<usize>,

    // Certificates.
    /// The default credential, then those that were announced one by one.
    pub(crate) default_credential: Credential,
    pub(crate) credentials: Vec<Credential>,
    pub(crate) request_certificate: bool,
    pub(crate) require_certificate: bool,
    pub(crate) reject_certificate: bool,
    pub(crate) verify_schemes: Vec<u16>,
    pub(crate) no_ocsp: bool,

    // What is done once the connection is there.
    pub(crate) writes_first: bool,
    pub(crate) initial_write: Option<Vec<u8>>,
    pub(crate) initial_writes: usize,
    pub(crate) unfinished_write: bool,
    pub(crate) write_many_sizes: bool,
    pub(crate) read_size: Option<usize>,
    pub(crate) shuts_down: bool,
    pub(crate) check_close_notify: bool,
    pub(crate) key_update: bool,
    pub(crate) key_update_before_read: bool,
    pub(crate) export: Option<usize>,
    pub(crate) export_label: Vec<u8>,
    pub(crate) export_context: Vec<u8>,
    pub(crate) use_export_context: bool,
    /// How many seconds the clock is advanced afterwards.
    pub(crate) delay: u64,

    pub(crate) expect: Expect,
}

/// A certificate chain with its key and related settings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Credential {
    pub(crate) chain: Option<PathBuf>,
    pub(crate) key: Option<PathBuf>,
    pub(crate) ocsp: Vec<u8>,
    pub(crate) schemes: Vec<u16>,
}

/// The expected properties of an established connection. Absent values are not checked.
#[derive(Clone, Debug, Default)]
pub(crate) struct Expect {
    pub(crate) version: Option<u16>,
    pub(crate) cipher: Option<u16>,
    pub(crate) group: Option<u16>,
    pub(crate) scheme: Option<u16>,
    pub(crate) alpn: Option<Vec<u8>>,
    pub(crate) no_alpn: bool,
    pub(crate) server_name: Option<String>,
    pub(crate) no_server_name: bool,
    pub(crate) ocsp: Option<Vec<u8>>,
    pub(crate) peer_chain: Option<PathBuf>,
    pub(crate) no_peer_certificate: bool,
    pub(crate) credential: Option<i64>,
    pub(crate) retry_request: Option<bool>,
    pub(crate) session_miss: bool,
    pub(crate) no_session: bool,
    pub(crate) ticket_for_early_data: bool,
    pub(crate) early_data: Option<EarlyData>,
}

/// The expected fate of the early data that a client offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EarlyData {
    Accepted,
    Rejected,
    NotOffered,
}

impl Settings {
    pub(crate) fn new() -> Self {
        Self {
            initial_writes: 1,
            ..Self::default()
        }
    }

    /// The credential to which the next options apply.
    pub(crate) fn credential(&mut self) -> &mut Credential {
        self.credentials
            .last_mut()
            .unwrap_or(&mut self.default_credential)
    }

    /// Expects this protocol, or none if the name is empty.
    pub(crate) fn expect_alpn(&mut self, protocol: String) {
        self.expect.no_alpn = protocol.is_empty();
        self.expect.alpn = (!protocol.is_empty()).then(|| protocol.into());
    }

    /// Whether TLS `version` is offered.
    pub(crate) fn offers(&self, version: u16) -> bool {
        let switched_off = match version {
            TLS12 => self.no_tls12,
            _ => self.no_tls13,
        };
        !switched_off
            && self.min_version.is_none_or(|least| least <= version)
            && self.max_version.is_none_or(|most| version <= most)
    }
}

pub(crate) const TLS12: u16 = 0x0303;
pub(crate) const TLS13: u16 = 0x0304;
