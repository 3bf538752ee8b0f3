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
//! // The main future of a runtime is not on a worker thread: each connection would cost a switch.
//! let accepting = tokio::spawn(async move {
//!     while let Some(connection) = listener.accept().await {
//!         tokio::spawn(async move {
//!             let peer = connection.peer();
//!             println!("{} speaks {:?}", peer.address, peer.handshake_data.version);
//!             // Serve the connection.
//!         });
//!     }
//! });
//! accepting.await?;
//! drained.await?;
//! # Ok(())
//! # }
//! ```
//!
//! # Features
//!
//! - **A stalled client never blocks the accept loop** or another handshake, and a program that is slow
//!   to call [`TlsListener::accept`] again does not delay them: each runs in a task of its own. They use
//!   every core of the runtime, and a stalled one costs only a timer and little memory, since
//!   almost nothing is stored for a client before its ClientHello has arrived.
//! - **One deadline** covers everything from accepting the transport to the end of the handshake:
//!   the header of the PROXY protocol, the ClientHello, and the choice of a configuration. A second
//!   one can be set for the first byte after the handshake.
//! - **Limits** on the handshakes in flight and on the connections that are open, beyond which
//!   connections wait in the kernel's queue or are closed at once ([`WhenFull`]).
//! - **Failures do not stop it.** A failed handshake is reported with its peer, error and stage, also
//!   if it panics. When accepting fails because file descriptors or memory are exhausted, the listener
//!   retries with a backoff from 5 milliseconds to 1 second.
//! - **Alerts arrive.** After a failed handshake the listener reads what the client still sends, so that
//!   no reset overtakes the alert: until the client closes or the deadline, at most for a second, 256
//!   KiB, and 1,024 clients at once. Every handshaker of this module does so.
//! - **Configurations are replaced while they are in use**: [`SharedConfig`], [`PemFiles`]. So are the
//!   keys of session tickets that several servers share: [`TicketKeys`]. [`ConfigsByName`] chooses
//!   between certificates by server name.
//! - **Sockets are configured**: `TCP_NODELAY` by default, optionally keep-alive ([`SocketOptions`]).
//! - **Graceful shutdown**: [`ShutdownHandle`].
//!
//! # Handshakes and the rest of the program
//!
//! The signature of a handshake occupies a core for 0.05 milliseconds (ECDSA) to about 1 millisecond
//! (RSA), during which the worker thread runs no other task. When many clients connect at once, as many
//! handshakes compute at the same time as the runtime has workers; the others wait outside its queue.
//! Before each step of a handshake a worker polls for I/O and runs the tasks that are ready. Handshakes
//! that wait for a client delay nothing.
//!
//! To reduce the effect on requests further, run handshakes on their own threads with a low priority
//! (`TlsListener::with_handshake_threads`, feature `handshake-threads`), or on another runtime
//! ([`TlsListener::on_runtime`]).
//!
//! Spawn the accept loop as a task: `block_on` runs its future outside of the worker threads, and every
//! connection would have to switch threads.

mod accept_error;
mod accept_loop;
mod accepting;
#[cfg(feature = "axum-08")]
mod axum;
mod backoff;
mod by_name;
mod choice;
mod config;
mod connection;
mod files;
mod handshake_data;
mod handshaker;
mod items;
mod limit;
mod linger;
mod load_error;
mod look;
mod pace;
mod pem;
mod revocation;
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

pub use accept_error::{AcceptError, Stage};
pub use accept_loop::{Accepted, TlsListener};
pub use by_name::ConfigsByName;
pub use config::SharedConfig;
pub use connection::{Connection, Peer};
pub use files::{ClientAuthorities, ClientFiles, PemFiles};
pub use handshake_data::HandshakeData;
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
