//! The proxy of `examples/proxy` as a process, between clients and backends.

mod alpn;
mod arguments;
#[path = "../interop/bounded.rs"]
mod bounded;
#[path = "../interop/built.rs"]
mod built;
mod configuration;
mod counters;
mod cuts;
mod ends;
#[path = "../interop/files.rs"]
mod files;
mod headers;
mod limits;
mod log;
mod names;
mod pass;
mod peers;
mod process;
#[cfg(unix)]
mod signals;
mod terminate;

use files::Files;
use pollback_testkit::certificates::Authority;

/// Terminates TLS with the certificate that [`files`] writes.
const TERMINATE: &str = "terminate = { chain = \"certificate.pem\", key = \"key.pem\" }";

/// A folder with a certificate for these names, which the clients trust.
fn files(test: &str, names: &[&str]) -> Files {
    let files = Files::of(test);
    files.identity(&Authority::shared().server_for(names));
    files
}
