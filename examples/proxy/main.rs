//! A TLS proxy that routes clients by server name: it terminates TLS, or passes it through untouched.
//!
//! ```sh
//! cargo run --features full --example proxy -- proxy.toml
//! ```
//!
//! `proxy.toml` in this folder explains every key of its configuration, and `--help` the rest. Each
//! connection adds a line of JSON to stdout; messages of the proxy itself go to stderr, beginning with
//! the addresses that it listens on. SIGHUP reloads its files, SIGTERM and SIGINT shut it down
//! gracefully, and a second one of these at once.

mod arguments;
mod backend;
mod counters;
mod log;
mod metrics;
mod problem;
mod receive;
mod record;
mod routes;
mod serve;
mod settings;
mod signals;
mod telemetry;
mod terminate;
mod traffic;
mod transport;

use std::env;
use std::error::Error;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use pollback::listener::{ShutdownHandle, TlsListener, WhenFull};
use pollback::rustls::crypto::aws_lc_rs::Ticketer;
use pollback::rustls::server::ProducesTickets;
use tokio::net::TcpListener;
use tokio::time::sleep;

use arguments::{HELP, Task, USAGE};
use problem::{Located, Problem};
use routes::{Routes, load};
use settings::{Address, Listen};
use signals::{Signal, Signals};
use telemetry::Telemetry;

#[tokio::main]
async fn main() -> ExitCode {
    match Task::parse(env::args_os().skip(1)) {
        Ok(Task::Run(path)) => match Telemetry::new() {
            Ok(telemetry) => start(path, Arc::new(telemetry)).await,
            Err(error) => failed(&*error),
        },
        Ok(Task::Check(path)) => match check(&path) {
            Ok(()) => {
                print(&format!("{} is valid\n", path.display()));
                ExitCode::SUCCESS
            }
            Err(error) => failed(&*error),
        },
        Ok(Task::Help) => {
            print(HELP);
            ExitCode::SUCCESS
        }
        Err(reason) => {
            eprintln!("{USAGE}{reason}");
            ExitCode::from(2)
        }
    }
}

/// Prints, and ignores that the reader may have closed its end.
fn print(text: &str) {
    let _ = io::stdout().write_all(text.as_bytes());
}

fn failed(error: &dyn Error) -> ExitCode {
    eprintln!("{error}");
    ExitCode::FAILURE
}

fn check(path: &Path) -> Result<(), Box<dyn Error>> {
    load(path, &Ticketer::new()?, None, |_| Ok(()))?;
    Ok(())
}

async fn start(path: PathBuf, telemetry: Arc<Telemetry>) -> ExitCode {
    let ended = run(path, &telemetry).await;
    if let Err(error) = &ended {
        telemetry.remarks.say(error);
    }
    telemetry.finish();
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

async fn run(path: PathBuf, telemetry: &Arc<Telemetry>) -> Result<(), Box<dyn Error>> {
    // Shared by all configurations, so that clients can resume sessions after a reload.
    let tickets = Ticketer::new()?;
    let (listen, routes) = load(&path, &tickets, None, |_| Ok(()))?;
    let routes = Arc::new(ArcSwap::from_pointee(routes));
    // Before the proxy is announced: an earlier signal would kill it.
    let signals = Signals::new()?;
    let tcp = bind(listen.address).await?;
    let remarks = &telemetry.remarks;
    remarks.say(format_args!("listening on {}", tcp.local_addr()?));
    if let Some(address) = listen.counters {
        let tcp = bind(address).await?;
        remarks.say(format_args!(
            "counters at http://{}/metrics",
            tcp.local_addr()?
        ));
        let limit = listen.counters_timeout_ms.into();
        tokio::spawn(metrics::serve(tcp, limit, Arc::clone(telemetry)));
    }
    let failures = Arc::clone(telemetry);
    let has_proxies = !listen.trusted_proxies.is_empty();
    let receive = receive::by_routes(Arc::clone(&routes));
    let mut listener = TlsListener::new(tcp, receive)
        .with_deadline(listen.handshake_timeout_ms.into())
        .with_limit(listen.handshake_limit.into(), listen.when_full.into())
        .with_connection_limit(listen.connection_limit.into(), WhenFull::Wait)
        .on_failure(move |failed| serve::report(failed, failures.clone()));
    if has_proxies {
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
        telemetry: Arc::clone(telemetry),
    };
    let ended = tokio::spawn(control.obey(signals, listener.shutdown_handle()));
    let serving = Arc::clone(telemetry);
    tokio::spawn(tick());
    // A task of its own: as the main future it would wake another thread for each connection.
    let accepting = tokio::spawn(async move {
        while let Some(client) = listener.accept().await {
            tokio::spawn(serve::serve(client, Arc::clone(&serving)));
        }
    });
    accepting.await?;
    match ended.await? {
        0 => Ok(()),
        left => Err(format!("{left} connections were aborted").into()),
    }
}

/// Always keeps a timer that is due soon: tokio wakes its driver with a system call for each new
/// timer that is due before all others, which would be the case for two timers of each connection.
async fn tick() {
    loop {
        sleep(Duration::from_secs(1)).await;
    }
}

async fn bind(Address(address): Address) -> Result<TcpListener, String> {
    let bound = TcpListener::bind(address).await;
    bound.map_err(|error| format!("cannot listen on {address}: {error}"))
}

/// Everything needed to handle signals.
struct Control {
    path: PathBuf,
    listen: Listen,
    tickets: Arc<dyn ProducesTickets>,
    routes: Arc<ArcSwap<Routes>>,
    telemetry: Arc<Telemetry>,
}

impl Control {
    /// Returns the number of connections that were aborted at the end.
    async fn obey(self, mut signals: Signals, shutdown: ShutdownHandle) -> usize {
        let Telemetry {
            counters, remarks, ..
        } = &*self.telemetry;
        while signals.next().await == Signal::Reload {
            match self.reload() {
                Ok(()) => {
                    counters.reloaded("done");
                    remarks.say("reloaded");
                }
                Err(error) => {
                    counters.reloaded("refused");
                    remarks.say(format_args!("still using the old configuration: {error}"));
                }
            }
        }
        tokio::select! {
            left = shutdown.drain(self.listen.grace_ms.into()) => left,
            () = signals.end() => shutdown.drain(Duration::ZERO).await,
        }
    }

    /// New handshakes use the new routes; established connections keep theirs.
    fn reload(&self) -> Result<(), Located> {
        let last = self.routes.load();
        let (_, routes) = load(&self.path, &self.tickets, Some(&last), |listen| {
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
