//! The command line.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;

use pollback::rustls::{SupportedProtocolVersion, version};

pub(crate) const USAGE: &str =
    "usage: server [--listen ADDRESS] [--cert FILE --key FILE | --write-root FILE]
              [--client-roots FILE] [--tickets] [--early-data] [--tls12] [--tls13]
              [--next] [--count CONNECTIONS]";

pub(crate) const HELP: &str = "\
Says hello over HTTPS. The first line on stdout is the address that the server listens on.

  --listen ADDRESS     by default 127.0.0.1:4433; port 0 chooses one
  --cert FILE          the certificate chain, with
  --key FILE           its private key; both are PEM files. Without them a certificate for localhost
                       is created
  --write-root FILE    writes the created certificate to this file, for clients to trust
  --client-roots FILE  requires a client certificate that one of these roots has issued
  --tickets            keeps sessions in tickets instead of in memory
  --early-data         accepts early data (0-RTT), and responds to it at once
  --tls12, --tls13     accepts this version only
  --next               uses a pre-release of rustls 0.24 (feature `next`)
  --count CONNECTIONS  exits after this many connections
  --help               prints this

It exits with 0 after Ctrl-C or --count, with 1 if it cannot start, and with 2 for wrong arguments.
";

pub(crate) struct Options {
    pub(crate) listen: SocketAddr,
    /// Certificate chain and key. Created if not given.
    pub(crate) given: Option<(PathBuf, PathBuf)>,
    /// Where to write the created certificate.
    pub(crate) write_root: Option<PathBuf>,
    /// The roots for client certificates, which are then required.
    pub(crate) client_roots: Option<PathBuf>,
    /// Whether sessions are stored in tickets instead of in memory.
    pub(crate) tickets: bool,
    /// Whether a client that resumes a session may send its request as early data.
    pub(crate) early_data: bool,
    pub(crate) versions: Vec<&'static SupportedProtocolVersion>,
    /// Whether to use rustls 0.24.
    pub(crate) next: bool,
    /// How many connections to serve before exiting.
    pub(crate) count: u64,
}

impl Options {
    /// Returns `None` for invalid arguments.
    pub(crate) fn parse(mut arguments: impl Iterator<Item = OsString>) -> Option<Self> {
        let (mut certificate, mut key) = (None, None);
        let mut options = Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 4433)),
            given: None,
            write_root: None,
            client_roots: None,
            tickets: false,
            early_data: false,
            versions: Vec::new(),
            next: false,
            count: u64::MAX,
        };
        while let Some(argument) = arguments.next() {
            match argument.to_str()? {
                "--listen" => options.listen = arguments.next()?.to_str()?.parse().ok()?,
                "--cert" => certificate = Some(arguments.next()?.into()),
                "--key" => key = Some(arguments.next()?.into()),
                "--write-root" => options.write_root = Some(arguments.next()?.into()),
                "--client-roots" => options.client_roots = Some(arguments.next()?.into()),
                "--tickets" => options.tickets = true,
                "--early-data" => options.early_data = true,
                "--tls12" => options.versions.push(&version::TLS12),
                "--tls13" => options.versions.push(&version::TLS13),
                "--next" => options.next = true,
                "--count" => options.count = arguments.next()?.to_str()?.parse().ok()?,
                _ => return None,
            }
        }
        options.given = match (certificate, key) {
            (Some(certificate), Some(key)) => Some((certificate, key)),
            (None, None) => None,
            _ => return None,
        };
        if options.given.is_some() && options.write_root.is_some() {
            return None;
        }
        Some(options)
    }
}
