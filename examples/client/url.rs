//! The parts of a URL that an HTTPS client needs.

use std::str::FromStr;

use pollback::rustls::pki_types::ServerName;

/// `https://HOST[:PORT][/PATH][?QUERY]`
#[derive(Clone, Debug)]
pub(crate) struct Url {
    name: ServerName<'static>,
    authority: String,
    host: String,
    port: u16,
    target: String,
}

impl Url {
    /// The name that the server's certificate must be valid for.
    pub(crate) fn name(&self) -> ServerName<'static> {
        self.name.clone()
    }

    /// The host, an IPv6 address without its brackets.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The value of the `Host` header.
    pub(crate) fn authority(&self) -> &str {
        &self.authority
    }

    /// Path and query, as sent in the request line.
    pub(crate) fn target(&self) -> &str {
        &self.target
    }
}

impl FromStr for Url {
    type Err = String;

    fn from_str(url: &str) -> Result<Self, String> {
        if !url.bytes().all(|byte| byte.is_ascii_graphic()) {
            // An unescaped line break would end the request line.
            return Err(
                "bad URL: spaces and non-ASCII characters have to be percent-encoded".into(),
            );
        }
        let rest = url
            .strip_prefix("https://")
            .ok_or("bad URL: it does not start with https://")?;
        let rest = rest.split('#').next().unwrap_or_default();
        let (authority, target) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        let (host, port) = split_port(authority);
        let port = match port {
            None => 443,
            Some(port) => port
                .parse()
                .map_err(|e| format!("bad URL: port {port:?}: {e}"))?,
        };
        let host = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'))
            .unwrap_or(host);
        Ok(Self {
            name: ServerName::try_from(host.to_owned())
                .map_err(|e| format!("bad URL: host {host:?}: {e}"))?,
            authority: authority.to_owned(),
            host: host.to_owned(),
            port,
            target: if target.starts_with('/') {
                target.to_owned()
            } else {
                format!("/{target}")
            },
        })
    }
}

/// Splits at the last colon that is not inside the brackets of an IPv6 address.
fn split_port(authority: &str) -> (&str, Option<&str>) {
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (authority, None),
    }
}
