//! What is asked for on the command line.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;

use pollback::rustls::{SupportedProtocolVersion, version};

pub(crate) const USAGE: &str =
    "usage: server [--listen ADDRESS] [--cert FILE --key FILE | --write-root FILE]
              [--client-roots FILE] [--tickets] [--early-data] [--tls12] [--tls13]
              [--next] [--count CONNECTIONS]";

pub(crate) struct Options {
    pub(crate) listen: SocketAddr,
    /// Certificate chain and key; without them they are made.
    pub(crate) given: Option<(PathBuf, PathBuf)>,
    /// Where the root of the made certificate goes.
    pub(crate) write_root: Option<PathBuf>,
    /// Who vouches for clients; with it, none may come without a certificate.
    pub(crate) client_roots: Option<PathBuf>,
    /// Whether clients keep their sessions themselves, as tickets, instead of this server.
    pub(crate) tickets: bool,
    /// Whether a request may come with the ClientHello of a client that was here before.
    pub(crate) early_data: bool,
    pub(crate) versions: Vec<&'static SupportedProtocolVersion>,
    /// Whether it is to be done by rustls 0.24.
    pub(crate) next: bool,
    /// How many connections to serve before the end.
    pub(crate) count: u64,
}

impl Options {
    /// `None` where the arguments make no sense.
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
