//! The example proxy with many connections, idle and busy; with backends that hang and that reset;
//! and with its configuration reloaded under traffic.

mod backends;
mod clients;
mod proxy;

use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::BoxError;
use crate::server::Folder;
use backends::Backends;
use clients::Clients;
use proxy::Proxy;

/// The idle timeout of relays whose backend hangs.
const IDLE: Duration = Duration::from_secs(3);

/// How many connections are busy at once, or have a failing backend.
const MANY: usize = 1000;

/// How long something is observed.
const TIME: Duration = Duration::from_secs(4);

/// `own` is the binary of the example proxy.
pub(crate) fn run(
    folder: &Folder,
    own: &Path,
    idle: usize,
    reloads: usize,
) -> Result<(), BoxError> {
    if !own.is_file() {
        let build = "cargo build --release --features full --example proxy";
        return Err(format!("there is no {}, which `{build}` builds", own.display()).into());
    }
    let backends = Backends::start()?;
    let mut proxy = Proxy::start(own, folder, &backends)?;
    let clients = Clients::new(proxy.address)?;
    clients.usual()?;
    let usual = clients.usual()?;
    println!("A new connection, with one exchange: {}.\n", millis(usual));
    println!("| load | what the proxy does | a new connection meanwhile |\n|---|---|---|");
    idle_relays(&proxy, &clients, idle)?;
    busy_relays(&proxy, &clients)?;
    backend_that_hangs(&proxy, &clients)?;
    backend_that_resets(&proxy, &clients)?;
    reloads_under_traffic(&mut proxy, &clients, reloads)?;
    println!();
    Ok(())
}

fn idle_relays(proxy: &Proxy, clients: &Clients, count: usize) -> Result<(), BoxError> {
    let before = proxy.usage().memory()?;
    let open = clients.open("localhost", count)?;
    let each = proxy.usage().memory()?.saturating_sub(before) / count;
    let ran = proxy.processor_time()?;
    sleep(TIME);
    let ran = (proxy.processor_time()? - ran).as_secs_f64() / TIME.as_secs_f64();
    let meanwhile = clients.usual()?;
    let relays = proxy.relays()?;
    drop(open);
    println!(
        "| {relays} idle relays | {each} bytes each; {:.2} % of a processor | {} |",
        ran * 100.0,
        millis(meanwhile),
    );
    gone(proxy)
}

fn busy_relays(proxy: &Proxy, clients: &Clients) -> Result<(), BoxError> {
    let open = clients.open("localhost", MANY)?;
    let ran = proxy.processor_time()?;
    let (busy, meanwhile) = clients.busy(open, TIME)?;
    let ran = proxy.processor_time()? - ran;
    println!(
        "| {MANY} busy relays | {:.0} exchanges/s, {:.1} µs each; {} to {} for one connection; \
         {} failed | {} |",
        busy.total as f64 / TIME.as_secs_f64(),
        ran.as_secs_f64() * 1e6 / busy.total as f64,
        busy.least,
        busy.most,
        busy.failed,
        millis(meanwhile),
    );
    gone(proxy)
}

fn backend_that_hangs(proxy: &Proxy, clients: &Clients) -> Result<(), BoxError> {
    let begun = Instant::now();
    let open = clients.handshakes("hangs.example", MANY)?;
    let opened = begun.elapsed();
    let meanwhile = clients.usual()?;
    let ends = clients.ends(open, begun)?;
    println!(
        "| {MANY} relays to a backend that hangs, idle timeout {} s | the first aborted after \
         {:.2} s, the last {:.2} s after it was opened; {} looked complete | {} |",
        IDLE.as_secs(),
        ends.first.as_secs_f64(),
        (ends.last - opened).as_secs_f64(),
        ends.in_order,
        millis(meanwhile),
    );
    gone(proxy)
}

fn backend_that_resets(proxy: &Proxy, clients: &Clients) -> Result<(), BoxError> {
    let begun = Instant::now();
    let open = clients.handshakes("resets.example", MANY)?;
    let meanwhile = clients.usual()?;
    let ends = clients.ends(open, begun)?;
    println!(
        "| {MANY} relays to a backend that resets | all truncated; {} looked complete | {} |",
        ends.in_order,
        millis(meanwhile),
    );
    gone(proxy)
}

fn reloads_under_traffic(
    proxy: &mut Proxy,
    clients: &Clients,
    reloads: usize,
) -> Result<(), BoxError> {
    let open = clients.open("localhost", 50)?;
    let (busy, meanwhile) = std::thread::scope(|scope| -> Result<_, BoxError> {
        let traffic = scope.spawn(|| clients.busy(open, TIME));
        for _ in 0..reloads {
            proxy.reload()?;
        }
        traffic.join().map_err(|_| "the traffic has failed")?
    })?;
    println!(
        "| {reloads} reloads, 50 busy relays | {:.0} exchanges/s; {} failed | {} |",
        busy.total as f64 / TIME.as_secs_f64(),
        busy.failed,
        millis(meanwhile),
    );
    gone(proxy)
}

/// Waits until no relay and none of their sockets remains.
fn gone(proxy: &Proxy) -> Result<(), BoxError> {
    for _ in 0..600 {
        if proxy.relays()? == 0 && proxy.usage().descriptors()? < 50 {
            return Ok(());
        }
        sleep(Duration::from_millis(50));
    }
    Err("relays remain that have no client".into())
}

fn millis(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1e3)
}
