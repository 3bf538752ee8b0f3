//! The same work as the configuration of each proxy.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::Path;

use crate::serve::{CHAIN, KEY};

/// What a proxy has to do.
pub(super) struct Setup<'a> {
    /// The path of the certificate.
    pub(super) folder: &'a Path,
    pub(super) terminating: SocketAddr,
    pub(super) passing: SocketAddr,
    pub(super) to: SocketAddr,
    pub(super) workers: usize,
}

impl Setup<'_> {
    /// One port is enough, since it routes by name.
    pub(super) fn own(&self) -> String {
        let Self {
            terminating, to, ..
        } = self;
        format!(
            "[listen]\naddress = \"{terminating}\"\n\
             [[route]]\nnames = [\"localhost\"]\nbackend = \"to\"\n\
             terminate = {{ chain = \"{CHAIN}\", key = \"{KEY}\" }}\n\
             [[route]]\nnames = [\"*\"]\nbackend = \"to\"\n\
             [backend.to]\naddress = \"{to}\"\n"
        )
    }

    pub(super) fn haproxy(&self) -> io::Result<String> {
        let Self {
            folder,
            terminating,
            passing,
            to,
            workers,
        } = self;
        let file = |name| fs::read_to_string(folder.join(name));
        let both = folder.join("both.pem");
        fs::write(&both, file(CHAIN)? + &file(KEY)?)?;
        let both = both.display();
        Ok(format!(
            "global\n nbthread {workers}\n maxconn 4000\n\
             defaults\n mode tcp\n timeout client 600s\n timeout server 600s\n timeout connect 5s\n\
             frontend terminating\n bind {terminating} ssl crt {both}\n default_backend to\n\
             frontend passing\n bind {passing}\n tcp-request inspect-delay 10s\n\
             tcp-request content accept if {{ req.ssl_hello_type 1 }}\n\
             use_backend to if {{ req.ssl_sni -m found }}\n default_backend to\n\
             backend to\n server to {to}\n"
        ))
    }

    pub(super) fn nginx(&self) -> String {
        let Self {
            terminating,
            passing,
            to,
            workers,
            ..
        } = self;
        let (load, master) = (load_module(), if *workers > 1 { "on" } else { "off" });
        format!(
            "daemon off;\nmaster_process {master};\nworker_processes {workers};\n\
             error_log stderr crit;\npid nginx.pid;\n{load}\
             events {{ worker_connections 8000; }}\n\
             stream {{\n proxy_buffer_size 64k;\n\
             server {{ listen {terminating} ssl; ssl_protocols TLSv1.3; ssl_certificate {CHAIN}; \
             ssl_certificate_key {KEY}; proxy_pass {to}; }}\n\
             server {{ listen {passing}; ssl_preread on; proxy_pass {to}; }}\n}}\n"
        )
    }
}

/// Loads nginx's TCP module where it is a separate file.
pub(super) fn load_module() -> String {
    let module = Path::new("/usr/lib/nginx/modules/ngx_stream_module.so");
    match module.is_file() {
        true => format!("load_module {};\n", module.display()),
        false => String::new(),
    }
}
