//! A listener that stands: TLS on whatever accepts transports (feature `listener`).
//!
//! ```no_run
//! use pollback::listener::{PemFiles, SharedConfig, TlsListener};
//! use pollback::rustls::ServerConfig;
//! use std::time::Duration;
//! use tokio::net::TcpListener;
//!
//! # async fn interrupted() {}
//! # async fn serve() -> Result<(), Box<dyn std::error::Error>> {
//! let files = PemFiles::new("server.pem", "server.key", |chain, key| {
//!     ServerConfig::builder()
//!         .with_no_client_auth()
//!         .with_single_cert(chain, key)
//! });
//! let tcp = TcpListener::bind("0.0.0.0:443").await?;
//! let mut listener = TlsListener::new(tcp, SharedConfig::new(files.load()?))
//!     .with_deadline(Duration::from_secs(5))
//!     .on_failure(|failed| eprintln!("{:?}: {failed}", failed.peer));
//!
//! let ending = listener.ending();
//! let drained = tokio::spawn(async move {
//!     interrupted().await;
//!     ending.drain(Duration::from_secs(30)).await
//! });
//! while let Some(connection) = listener.accept().await {
//!     tokio::spawn(async move {
//!         let peer = connection.peer();
//!         println!("{} speaks {:?}", peer.address, peer.facts.version);
//!         // Serve the connection.
//!     });
//! }
//! drained.await?;
//! # Ok(())
//! # }
//! ```
//!
//! # What it takes care of
//!
//! - **Handshakes never hold up the accept loop**, nor each other, nor are they held up by a program
//!   that is slow to come back to [`TlsListener::accept`]: each is a task of its own. So they use
//!   every core that the runtime has, and stalled ones cost a timer and little memory, since almost
//!   nothing is kept for a client before its ClientHello is there. Had the listener polled them
//!   itself, all of them would share one core with the accept loop, and none would move, nor meet
//!   its deadline, while nobody waits in `accept`.
//! - **One deadline** covers everything from accepting the transport to the end of the handshake:
//!   the header of the PROXY protocol, the ClientHello, and choosing by it.
//! - **A limit** on the handshakes in flight, beyond which connections wait in the kernel's queue or
//!   are closed at once ([`WhenFull`]).
//! - **Failures end nothing.** A failed handshake is reported with its peer, error and stage. When
//!   accepting fails for want of file descriptors or memory, the listener tries again after a pause
//!   that grows from 5 milliseconds to 1 second.
//! - **Configurations are replaced while they are in use**: [`SharedConfig`], [`PemFiles`].
//! - **It ends in peace**: [`Ending`].
//!
//! # Handshakes and the rest of the program
//!
//! The signature of a handshake keeps a core busy for 0.05 milliseconds (ECDSA) to about 1
//! millisecond (RSA), during which the worker thread runs no other task. Where many clients come at
//! once and requests in progress must not feel it, give the handshakes a runtime of their own with
//! [`TlsListener::on_runtime`]: the operating system then shares the cores out fairly.

mod accepting;
#[cfg(feature = "axum-08")]
mod axum;
mod backoff;
mod config;
mod connection;
mod ending;
mod facts;
mod failed;
mod files;
mod handshaker;
mod incoming;
#[cfg(feature = "proxy-protocol")]
mod proxy;
mod tls;

pub use config::SharedConfig;
pub use connection::{Connection, Peer};
pub use ending::Ending;
pub use facts::Facts;
pub use failed::{Failed, Stage};
pub use files::{LoadError, PemFiles, PemPart};
pub use handshaker::{ByHello, Handshaker, by_hello};
pub use incoming::{Arrival, Incoming, Transports};
#[cfg(feature = "proxy-protocol")]
pub use proxy_header;
pub use tls::{Accepted, TlsListener, WhenFull};
