//! The work done through each proxy.

use std::thread;
use std::time::Duration;

use super::peer::Peer;
use super::program::Proxy;
use crate::BoxError;
use crate::client::Client;

/// A kind of work, and how many units it consists of.
pub(super) struct Work {
    pub(super) name: &'static str,
    pub(super) unit: &'static str,
    pub(super) units: u64,
    terminated: bool,
    kind: Kind,
}

enum Kind {
    /// The units are MiB, shared between these connections.
    Bulk { connections: u64 },
    /// Each unit is a request and a response of this many bytes.
    Exchanges { bytes: usize },
    /// Each unit is a connection.
    Connections,
    /// Each unit is a connection with a resumed handshake.
    Resumed,
}

/// Idle connections.
pub(super) struct Idle {
    pub(super) name: &'static str,
    terminated: bool,
}

#[rustfmt::skip]
pub(super) const WORKS: [Work; 8] = [
    Work { name: "terminate: bulk down, 1 connection", unit: "MiB", units: 256, terminated: true, kind: Kind::Bulk { connections: 1 } },
    Work { name: "terminate: bulk down, 8 connections", unit: "MiB", units: 512, terminated: true, kind: Kind::Bulk { connections: 8 } },
    Work { name: "terminate: 64 B echo", unit: "exchange", units: 5000, terminated: true, kind: Kind::Exchanges { bytes: 64 } },
    Work { name: "terminate: 16 KiB echo", unit: "exchange", units: 5000, terminated: true, kind: Kind::Exchanges { bytes: 16 * 1024 } },
    Work { name: "terminate: a full handshake", unit: "connection", units: 500, terminated: true, kind: Kind::Connections },
    Work { name: "terminate: a resumed handshake", unit: "connection", units: 500, terminated: true, kind: Kind::Resumed },
    Work { name: "pass through: bulk down, 8 connections", unit: "MiB", units: 512, terminated: false, kind: Kind::Bulk { connections: 8 } },
    Work { name: "pass through: a new connection", unit: "connection", units: 1000, terminated: false, kind: Kind::Connections },
];

pub(super) const IDLE: [Idle; 2] = [
    Idle {
        name: "terminated",
        terminated: true,
    },
    Idle {
        name: "passed through",
        terminated: false,
    },
];

fn connect(client: &Client, proxy: &Proxy, terminated: bool) -> Result<Peer, BoxError> {
    match terminated {
        true => Peer::terminated(client, proxy.terminating),
        false => Peer::passed(client, proxy.passing),
    }
}

impl Work {
    /// Makes one connection for a small exchange.
    pub(super) fn once(&self, client: &Client, proxy: &Proxy) -> Result<(), BoxError> {
        let mut peer = connect(client, proxy, self.terminated)?;
        peer.ask(64, 64)?;
        Ok(peer.close()?)
    }

    /// Makes this many connections, each of which resumes the previous session.
    fn resumed(&self, proxy: &Proxy) -> Result<(), BoxError> {
        let client = Client::resuming();
        for number in 0..=self.units {
            let mut peer = connect(&client, proxy, self.terminated)?;
            peer.ask(64, 64)?;
            if number > 0 && !peer.is_resumed() {
                return Err("a handshake was not resumed".into());
            }
            peer.close()?;
        }
        Ok(())
    }

    pub(super) fn run(&self, client: &Client, proxy: &Proxy) -> Result<(), BoxError> {
        match self.kind {
            Kind::Bulk { connections } => {
                let each = (self.units << 20) / connections;
                thread::scope(|scope| {
                    let work = || -> Result<(), BoxError> {
                        let mut peer = connect(client, proxy, self.terminated)?;
                        peer.ask(16, each)?;
                        Ok(peer.close()?)
                    };
                    let all: Vec<_> = (0..connections).map(|_| scope.spawn(work)).collect();
                    let mut ended = all.into_iter().map(|one| one.join());
                    ended.try_for_each(|one| {
                        one.unwrap_or_else(|_| Err("a client has failed".into()))
                    })
                })
            }
            Kind::Exchanges { bytes } => {
                let mut peer = connect(client, proxy, self.terminated)?;
                for _ in 0..self.units {
                    peer.ask(bytes, bytes as u64)?;
                }
                Ok(peer.close()?)
            }
            Kind::Connections => (0..self.units).try_for_each(|_| self.once(client, proxy)),
            Kind::Resumed => self.resumed(proxy),
        }
    }
}

impl Idle {
    /// The proxy's memory growth for each of a thousand connections, in bytes.
    pub(super) fn memory(&self, client: &Client, proxy: &Proxy) -> Result<usize, BoxError> {
        let open = |count| -> Result<Vec<Peer>, BoxError> {
            let open = |_| {
                let mut peer = connect(client, proxy, self.terminated)?;
                peer.ask(64, 64)?;
                Ok(peer)
            };
            (0..count).map(open).collect()
        };
        // Memory for the first ones is allocated already.
        let _first = open(200)?;
        let before = proxy.memory()?;
        let _peers = open(1000)?;
        // Memory that is released a moment later does not count.
        thread::sleep(Duration::from_secs(1));
        Ok(proxy.memory()?.saturating_sub(before) / 1000)
    }
}
