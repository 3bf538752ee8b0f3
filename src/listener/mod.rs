//! A TLS listener with handshake timeouts, limits and graceful shutdown (feature `listener`).
//!
//! [`TlsListener`] accepts transports from a [`Listener`], a TCP one for example, runs each handshake
//! in a task of its own, and returns established connections.
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
//!     .on_failure(|failed| eprintln!("{failed}"));
//!
//! let shutdown = listener.shutdown_handle();
//! let drained = tokio::spawn(async move {
//!     interrupted().await;
//!     shutdown.drain(Duration::from_secs(30)).await
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
//!   the header of the PROXY protocol, the ClientHello, and choosing by it. A second one, for the
//!   first byte after the handshake, can be set.
//! - **Limits** on the handshakes in flight and on the connections that are open, beyond which
//!   connections wait in the kernel's queue or are closed at once ([`WhenFull`]).
//! - **Failures end nothing.** A failed handshake is reported with its peer, error and stage, also
//!   one that panics. When accepting fails for want of file descriptors or memory, the listener tries
//!   again after a pause that grows from 5 milliseconds to 1 second.
//! - **Refusals arrive.** After a failed handshake what the client still sends is taken in, so that
//!   no reset overtakes the alert: until the client closes or the deadline, for a second and 256 KiB
//!   at most, and for 1,024 clients at once at most.
//! - **Configurations are replaced while they are in use**: [`SharedConfig`], [`PemFiles`]; several
//!   certificates are told apart by name: [`ConfigsByName`]. So are the keys of session tickets that
//!   several servers share: [`TicketKeys`].
//! - **Sockets are set up**: `TCP_NODELAY` as it comes, keep-alive if wanted ([`SocketOptions`]).
//! - **Graceful shutdown**: [`ShutdownHandle`].
//!
//! # Handshakes and the rest of the program
//!
//! The signature of a handshake keeps a core busy for 0.05 milliseconds (ECDSA) to about 1
//! millisecond (RSA), during which the worker thread runs no other task. When many clients come at
//! once, as many handshakes compute at the same time as the runtime has workers; the others wait
//! outside of its queue, and between two of them a worker runs what else has become ready. Who waits
//! for a client holds nothing up.
//!
//! Where requests must feel even less of it, give the handshakes threads of their own at a low
//! priority (`TlsListener::with_handshake_threads`, feature `handshake-threads`), or a runtime that
//! you have built ([`TlsListener::on_runtime`]).
//!
//! An accept loop is best spawned as a task of its own: as the main future of a runtime with several
//! workers it wakes its thread for every connection.

mod accept_loop;
mod accepting;
#[cfg(feature = "axum-08")]
mod axum;
mod backoff;
mod by_name;
mod config;
mod connection;
mod facts;
mod failed;
mod files;
mod handshaker;
mod items;
mod limit;
mod linger;
mod load_error;
mod look;
mod pace;
mod pem;
mod settings;
mod shutdown;
mod sockets;
#[cfg(feature = "handshake-threads")]
mod threads;
mod tickets;
#[cfg(feature = "tonic")]
mod tonic;
mod transports;
mod watch;

pub use accept_loop::{Accepted, TlsListener};
pub use by_name::ConfigsByName;
pub use config::SharedConfig;
pub use connection::{Connection, Peer};
pub use facts::Facts;
pub use failed::{Failed, Stage};
pub use files::{ClientAuthorities, ClientFiles, PemFiles};
pub use handshaker::{HandshakeFn, HandshakeResult, Handshaker, handshake_fn};
pub use load_error::{LoadError, PemPart};
pub use look::{TlsOrPlain, tls_or_plain};
pub use settings::WhenFull;
pub use shutdown::ShutdownHandle;
pub use sockets::SocketOptions;
pub use tickets::{TicketKeyError, TicketKeys};
#[cfg(feature = "tonic")]
pub use tonic::TlsIncoming;
pub use transports::{Arrival, Listener, Transports};
