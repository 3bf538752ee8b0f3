//! Runs published crates that use tokio-rustls, over loopback.
//!
//! Each scenario starts a server by other authors with another TLS library, connects one crate to
//! it, and prints the results: digests, counts, versions and the texts of errors, and nothing that
//! changes from run to run. So the output of a program that was built on tokio-rustls can be
//! compared with that of one that was built on pollback. `.ci/graph` does that.
//!
//! ```sh
//! graph FOLDER [SCENARIO...]    # FOLDER gets the files of the servers, and `times`
//! ```

mod fetch;
mod grpc;
mod http_clients;
mod http_servers;
mod ldap;
mod mail;
mod mariadb;
mod mqtt;
mod nats;
mod place;
mod postgres;
mod process;
mod redis;
mod relay;
mod report;
mod websocket;

use std::error::Error;
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::pin::Pin;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use place::Place;
use report::chain;

type Outcome = Result<(), Box<dyn Error + Send + Sync>>;
type Scenario = for<'a> fn(&'a Place) -> Pin<Box<dyn Future<Output = Outcome> + 'a>>;

macro_rules! scenarios {
    ($($name:literal => $scenario:path,)*) => {
        &[$(($name, |place| Box::pin($scenario(place)))),*]
    };
}

const SCENARIOS: &[(&str, Scenario)] = scenarios! {
    "async-nats" => nats::run,
    "axum-server" => http_servers::axum_server,
    "hyper-rustls" => http_clients::hyper_rustls,
    "ldap3" => ldap::run,
    "lettre" => mail::run,
    "mysql_async" => mariadb::run,
    "poem" => http_servers::poem,
    "redis" => redis::run,
    "reqwest" => http_clients::reqwest,
    "rumqttc" => mqtt::run,
    "tls-listener" => http_servers::tls_listener,
    "tokio-postgres-rustls" => postgres::run,
    "tokio-tungstenite" => websocket::run,
    "tonic" => grpc::run,
};

/// How long a scenario may take, including the start of its server.
const LIMIT: Duration = Duration::from_secs(300);

#[tokio::main]
async fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let Some(folder) = arguments.next() else {
        eprintln!("usage: graph FOLDER [SCENARIO...]");
        return ExitCode::FAILURE;
    };
    let chosen: Vec<_> = arguments.collect();
    rustls::crypto::aws_lc_rs::default_provider()
        .install_default()
        .expect("no other provider");

    let mut failed = false;
    let mut times = String::new();
    for (name, scenario) in SCENARIOS {
        if !chosen.is_empty() && !chosen.iter().any(|chosen| chosen == name) {
            continue;
        }
        let place = Place::new(&Path::new(&folder).join(name));
        let started = Instant::now();
        let outcome = tokio::time::timeout(LIMIT, scenario(&place)).await;
        let _ = writeln!(times, "{name} {:.1}", started.elapsed().as_secs_f64());
        if let Err(error) = outcome.unwrap_or_else(|elapsed| Err(elapsed.into())) {
            println!("{name}: failed: {}", chain(&*error));
            place.show_logs();
            failed = true;
        }
    }
    fs::write(Path::new(&folder).join("times"), times).expect("the folder can be written");
    ExitCode::from(u8::from(failed))
}
