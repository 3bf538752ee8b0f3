//! Certificates that are replaced under traffic.

use std::thread;
use std::time::Duration;

use crate::BoxError;
use crate::client::identity;
use crate::generator::Load;
use crate::serve::Kind;
use crate::server::{Folder, Server};

/// Far longer than any handshake takes.
const DEADLINE: Duration = Duration::from_secs(60);

/// Chosen such that reloads continue for as long as every load.
const PAUSE: Duration = Duration::from_millis(8);

/// Runs every load against one server while it reloads one certificate after another.
pub(crate) fn run(folder: &Folder, reloads: usize) -> Result<(), BoxError> {
    let mut server = Server::start(Kind::Listener, folder, DEADLINE)?;
    let address = server.address();
    let server = &mut server;
    println!("| load | requests | failed |");
    println!("|---|---|---|");
    thread::scope(|scope| {
        let reloading = scope.spawn(move || -> Result<(), BoxError> {
            let identities = [identity(), identity()];
            for identity in identities.iter().cycle().take(reloads) {
                folder.put(identity)?;
                server.reload()?;
                thread::sleep(PAUSE);
            }
            Ok(())
        });
        for (number, load) in Load::ALL.iter().cycle().enumerate() {
            if number >= Load::ALL.len() && reloading.is_finished() {
                break;
            }
            let outcome = load.put_on(address)?;
            println!(
                "| {} | {} | {} |",
                load.name(),
                outcome.requests,
                outcome.failed
            );
        }
        let reloaded = reloading.join().map_err(|_| "the reloads have panicked")?;
        reloaded?;
        println!("\n{reloads} reloads meanwhile.\n");
        Ok(())
    })
}
