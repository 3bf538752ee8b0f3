//! Carries bytes between two streams, both ways at once (feature `relay`).
//!
//! A proxy that has a client and a connection to a backend joins the two with a [`Relay`]:
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
//! with [`AbortByDrop`] any other stream.
//!
//! # What it costs
//!
//! - **Memory**: a relay with nothing on its way has no buffer. While it moves bytes it uses one of
//!   64 KiB that belongs to the thread; what a stream does not take stays with the relay, up to
//!   64 KiB in each direction, and then nothing more is read.
//! - **Calls**: reads take up to 64 KiB. The destination is flushed when the source has nothing more
//!   to read, and not after each write. So TLS streams are best given
//!   [batched writes](crate::Options::with_batched_writes): then bulk goes out in full records and in
//!   few calls, and the last bytes before a pause are sent at once all the same.
//! - **Copies**: bytes go through the process, also between two sockets. To splice them in the kernel
//!   would save most of the processor time of bulk, but what a pipe holds could not be returned by
//!   [`Relay::into_parts`], and each relay would keep two pipes open.
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
