//! A TLS proxy that routes clients by the name of the server that they ask for: it terminates TLS,
//! or passes it through untouched.
//!
//! ```sh
//! cargo run --features full --example proxy -- proxy.toml
//! ```
//!
//! `proxy.toml` in this folder has every key of its configuration. Each connection leaves a line of
//! JSON on stdout; what the proxy itself has to say, the addresses that it listens on first, is on
//! stderr. SIGHUP makes it read its files again, SIGTERM and SIGINT end it in peace, and a second
//! one of these at once.

mod backend;
mod counters;
mod problem;
mod receive;
mod record;
mod relay;
mod routes;
mod serve;
mod settings;
mod signals;
mod traffic;
mod transport;

use std::env;
use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use pollback::listener::{ShutdownHandle, TlsListener};
use pollback::rustls::crypto::aws_lc_rs::Ticketer;
use pollback::rustls::server::ProducesTickets;
use tokio::net::TcpListener;

use counters::Counters;
use problem::{Located, Problem};
use routes::{Routes, load};
use settings::{Address, Listen};
use signals::{Signal, Signals};

#[tokio::main]
async fn main() -> ExitCode {
    let mut arguments = env::args_os().skip(1);
    let (Some(path), None) = (arguments.next(), arguments.next()) else {
        eprintln!("usage: proxy CONFIGURATION");
        return ExitCode::from(2);
    };
    match run(path.into()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(path: PathBuf) -> Result<(), Box<dyn Error>> {
    // One for all configurations: a client can resume what an earlier one has begun.
    let tickets = Ticketer::new()?;
    let (listen, routes) = load(&path, &tickets, |_| Ok(()))?;
    let routes = Arc::new(ArcSwap::from_pointee(routes));
    let counters = Counters::new()?;
    // Before anybody can know that there is a proxy: an early signal would end it.
    let signals = Signals::new()?;
    let tcp = bind(listen.address).await?;
    eprintln!("listening on {}", tcp.local_addr()?);
    if let Some(address) = listen.counters {
        let tcp = bind(address).await?;
        eprintln!("counters at http://{}/metrics", tcp.local_addr()?);
        tokio::spawn(counters.clone().serve(tcp));
    }
    let failures = counters.clone();
    let mut listener = TlsListener::new(tcp, receive::by_routes(Arc::clone(&routes)))
        .with_deadline(listen.handshake_timeout_ms.into())
        .with_limit(listen.handshake_limit.get(), listen.when_full.into())
        .on_failure(move |failed| serve::report(failed, failures.clone()));
    if !listen.trusted_proxies.is_empty() {
        let trusted = listen.trusted_proxies.clone();
        listener = listener.with_proxy_protocol(move |peer| {
            let address = peer.ip().to_canonical();
            trusted.iter().any(|network| network.0.contains(&address))
        });
    }
    let control = Control {
        path,
        listen,
        tickets,
        routes,
        counters: counters.clone(),
    };
    let ended = tokio::spawn(control.obey(signals, listener.shutdown_handle()));
    while let Some(client) = listener.accept().await {
        tokio::spawn(serve::serve(client, counters.clone()));
    }
    match ended.await? {
        0 => Ok(()),
        left => Err(format!("{left} connections were cut off").into()),
    }
}

async fn bind(Address(address): Address) -> Result<TcpListener, String> {
    let bound = TcpListener::bind(address).await;
    bound.map_err(|error| format!("cannot listen on {address}: {error}"))
}

/// What it takes to do as signals say.
struct Control {
    path: PathBuf,
    listen: Listen,
    tickets: Arc<dyn ProducesTickets>,
    routes: Arc<ArcSwap<Routes>>,
    counters: Counters,
}

impl Control {
    /// Gives the number of connections that were cut off in the end.
    async fn obey(self, mut signals: Signals, shutdown: ShutdownHandle) -> usize {
        while signals.next().await == Signal::Reload {
            match self.reload() {
                Ok(()) => {
                    self.counters.reloaded("done");
                    eprintln!("reloaded");
                }
                Err(error) => {
                    self.counters.reloaded("refused");
                    eprintln!("still under the old configuration: {error}");
                }
            }
        }
        tokio::select! {
            left = shutdown.drain(self.listen.grace_ms.into()) => left,
            () = signals.end() => shutdown.drain(Duration::ZERO).await,
        }
    }

    /// Handshakes from now on are made under the new routes; connections keep the ones they have.
    fn reload(&self) -> Result<(), Located> {
        let (_, routes) = load(&self.path, &self.tickets, |listen| {
            match *listen.get_ref() == self.listen {
                true => Ok(()),
                false => Err(Problem::at(
                    listen.span(),
                    "`listen` cannot be changed while the proxy runs",
                )),
            }
        })?;
        self.routes.store(Arc::new(routes));
        Ok(())
    }
}
