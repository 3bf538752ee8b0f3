//! Copies bytes between two streams in both directions (feature `relay`).
//!
//! A proxy connects a client and a backend with a [`Relay`]:
//!
//! ```no_run
//! use pollback::relay::{Cause, Relay};
//! use pollback::server;
//! use std::time::Duration;
//! use tokio::net::TcpStream;
//!
//! # async fn serve(client: server::TlsStream<TcpStream>) -> std::io::Result<()> {
//! let backend = TcpStream::connect("127.0.0.1:8080").await?;
//! backend.set_nodelay(true)?;
//! let relay = Relay::new(client, backend).with_idle_timeout(Duration::from_secs(600));
//! match relay.await {
//!     Ok(moved) => println!("{} bytes to the client", moved.to_client),
//!     Err(error) if matches!(error.cause, Cause::Idle) => println!("idle"),
//!     Err(error) => println!("{error}, after {:?}", error.moved),
//! }
//! # Ok(())
//! # }
//! ```
//!
//! The streams are anything that implements [`Endpoint`]: the TLS streams of this crate, sockets, and
//! with [`AbortByDrop`] any other stream. By default a relay has no timeout and no limit.
//!
//! # What it costs
//!
//! - **Memory**: an idle relay has no buffer. While it copies bytes it uses a buffer of 128 KiB that
//!   belongs to the thread; what a stream does not accept stays in the relay, up to 128 KiB in each
//!   direction, beyond which nothing more is read in that direction.
//! - **Calls**: bytes are read until the source has nothing more for now, up to 128 KiB, and written
//!   together. The destination is flushed when the source has nothing more to read, and not after each
//!   write. So TLS streams should use [batched writes](crate::Options::with_batched_writes): bulk data
//!   is then sent in full records and few calls, and the last bytes before a pause are still sent at
//!   once.
//! - **Copies**: bytes pass through the process, also between two sockets. Splicing them in the kernel
//!   would save most of the processor time of bulk transfers, but [`Relay::into_parts`] could not
//!   return what a pipe holds, and each relay would keep two pipes open.
//! - **Time**: one poll makes a bounded number of reads and writes, and then lets other tasks run.

mod buffer;
mod clock;
mod endpoint;
mod error;
mod flow;
mod future;

pub use endpoint::{AbortByDrop, Endpoint};
pub use error::{Cause, RelayError};
pub use future::{Moved, Parts, Relay};
