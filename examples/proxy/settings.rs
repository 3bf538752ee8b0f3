//! The configuration as written. `proxy.toml` explains each key.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::num::NonZero;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use pollback::listener;
use serde::Deserialize;
use toml::Spanned;

/// A whole file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    pub(crate) listen: Spanned<Listen>,
    pub(crate) route: Spanned<Vec<Route>>,
    pub(crate) backend: BTreeMap<String, Backend>,
}

#[derive(Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub(crate) struct Listen {
    pub(crate) address: Address,
    pub(crate) counters: Option<Address>,
    #[serde(default = "five_seconds")]
    pub(crate) counters_timeout_ms: Milliseconds,
    #[serde(default)]
    pub(crate) trusted_proxies: Vec<Network>,
    #[serde(default = "ten_seconds")]
    pub(crate) handshake_timeout_ms: Milliseconds,
    #[serde(default = "ten_thousand")]
    pub(crate) handshake_limit: Count,
    #[serde(default = "hundred_thousand")]
    pub(crate) connection_limit: Count,
    #[serde(default)]
    pub(crate) when_full: WhenFull,
    #[serde(default = "ten_seconds")]
    pub(crate) grace_ms: Milliseconds,
}

#[derive(Clone, Copy, Deserialize, PartialEq)]
#[serde(try_from = "String")]
pub(crate) struct Address(pub(crate) SocketAddr);

#[derive(Clone, Copy, Deserialize, PartialEq)]
#[serde(try_from = "String")]
pub(crate) struct Network(pub(crate) IpNet);

#[derive(Clone, Copy, Default, Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum WhenFull {
    #[default]
    Wait,
    Refuse,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Route {
    pub(crate) names: Spanned<Vec<Spanned<String>>>,
    pub(crate) backend: Spanned<String>,
    pub(crate) terminate: Option<Terminate>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Terminate {
    pub(crate) chain: Spanned<PathBuf>,
    pub(crate) key: Spanned<PathBuf>,
    #[serde(default)]
    pub(crate) alpn: Vec<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Backend {
    pub(crate) address: Spanned<String>,
    pub(crate) tls: Option<Spanned<Tls>>,
    pub(crate) proxy_protocol: Option<ProxyProtocol>,
    #[serde(default = "five_seconds")]
    pub(crate) connect_timeout_ms: Milliseconds,
    #[serde(default = "ten_minutes")]
    pub(crate) idle_timeout_ms: Milliseconds,
    pub(crate) time_limit_ms: Option<Milliseconds>,
    pub(crate) byte_limit: Option<NonZero<u64>>,
    pub(crate) connection_limit: Option<Count>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tls {
    pub(crate) name: Option<Spanned<String>>,
    pub(crate) roots: Option<Spanned<PathBuf>>,
}

/// The version of the PROXY protocol sent to a backend.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ProxyProtocol {
    V1,
    V2,
}

#[derive(Clone, Copy, Deserialize, PartialEq)]
#[serde(transparent)]
pub(crate) struct Milliseconds(NonZero<u32>);

/// How many there may be.
#[derive(Clone, Copy, Deserialize, PartialEq)]
#[serde(transparent)]
pub(crate) struct Count(NonZero<u32>);

impl TryFrom<String> for Address {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
            .map(Self)
            .map_err(|_| "expected an address like \"127.0.0.1:443\" or \"[::]:443\"")
    }
}

impl TryFrom<String> for Network {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let address = || text.parse::<IpAddr>().map(IpNet::from);
        text.parse()
            .or_else(|_| address())
            .map(Self)
            .map_err(|_| "expected a network like \"192.0.2.0/24\", or an IP address")
    }
}

impl From<Milliseconds> for Duration {
    fn from(count: Milliseconds) -> Self {
        Self::from_millis(count.0.get().into())
    }
}

impl From<Count> for usize {
    fn from(count: Count) -> Self {
        // A 16-bit platform cannot have more than `usize::MAX` anyway.
        count.0.get().try_into().unwrap_or(Self::MAX)
    }
}

impl From<WhenFull> for listener::WhenFull {
    fn from(when_full: WhenFull) -> Self {
        match when_full {
            WhenFull::Wait => Self::Wait,
            WhenFull::Refuse => Self::Close,
        }
    }
}

const fn milliseconds(count: u32) -> Milliseconds {
    Milliseconds(NonZero::new(count).expect("not zero"))
}

fn five_seconds() -> Milliseconds {
    milliseconds(5_000)
}

fn ten_seconds() -> Milliseconds {
    milliseconds(10_000)
}

fn ten_minutes() -> Milliseconds {
    milliseconds(600_000)
}

fn ten_thousand() -> Count {
    Count(const { NonZero::new(10_000).expect("not zero") })
}

fn hundred_thousand() -> Count {
    Count(const { NonZero::new(100_000).expect("not zero") })
}
