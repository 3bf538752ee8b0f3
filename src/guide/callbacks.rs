//! TLS over something that is not a Tokio transport: closures that each make one attempt.
//!
//! An *attempt* is one try that never waits: `Ok(n)`, `WouldBlock`, or another error. The module
//! [`callback`](crate::callback) defines what each outcome means. If a closure returns
//! `WouldBlock`, something has to announce that the next attempt may succeed: a
//! [`ReadinessHandle`](crate::callback::ReadinessHandle) that your code calls, or, with the feature
//! `fd`, a file descriptor.
//!
//! # Over a queue
//!
//! Ciphertext may arrive and leave as messages of another protocol, for example, or on another
//! thread. The owner of the queues calls [`readable`](crate::callback::ReadinessHandle::readable)
//! *after* it has added bytes.
//!
//! ```
//! use pollback::callback::{CallbackIo, Callbacks, ReadinessHandle};
//! use std::collections::VecDeque;
//! use std::io::{self, Read};
//! use std::sync::{Arc, Mutex};
//! use tokio::io::{AsyncRead, AsyncWrite};
//!
//! /// Bytes in one direction, and the handle that wakes their reader.
//! type Queue = Arc<(Mutex<VecDeque<u8>>, ReadinessHandle)>;
//!
//! /// A transport that reads what is put into the queue it returns, and passes writes to `deliver`.
//! fn transport(
//!     mut deliver: impl FnMut(&[u8]) + Send,
//! ) -> (Queue, impl AsyncRead + AsyncWrite + Send + Unpin) {
//!     let (handle, readiness) = ReadinessHandle::new();
//!     let queue = Queue::new((Mutex::default(), handle));
//!     let incoming = Arc::downgrade(&queue);
//!     let read = move |buf: &mut [u8]| match incoming.upgrade() {
//!         None => Ok(0), // the producer is gone: the end of the stream
//!         Some(queue) => match queue.0.lock().unwrap().read(buf)? {
//!             0 => Err(io::ErrorKind::WouldBlock.into()),
//!             read => Ok(read),
//!         },
//!     };
//!     let write = move |buf: &[u8]| {
//!         deliver(buf);
//!         Ok(buf.len())
//!     };
//!     (queue, CallbackIo::new(Callbacks::new(read, write), readiness))
//! }
//!
//! fn put(queue: &Queue, bytes: &[u8]) {
//!     queue.0.lock().unwrap().extend(bytes);
//!     queue.1.readable();
//! }
//! # use pollback::{TlsAcceptor, TlsConnector};
//! # use pollback_testkit::configs::{Setup, Version};
//! # use std::sync::OnceLock;
//! # use tokio::io::{AsyncReadExt, AsyncWriteExt};
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> io::Result<()> {
//! #     let setup = Setup::new(Version::Tls13);
//! #     let connector = TlsConnector::from(Arc::new(setup.client()));
//! #     let acceptor = TlsAcceptor::from(Arc::new(setup.server()));
//! #     let other: Arc<OnceLock<Queue>> = Arc::default();
//! #     let theirs = Arc::clone(&other);
//! #     let (to_client, near) = transport(move |bytes| put(theirs.get().unwrap(), bytes));
//! #     let (to_server, far) = transport(move |bytes| put(&to_client, bytes));
//! #     let _ = other.set(to_server);
//! #     let name = "localhost".try_into().map_err(io::Error::other)?;
//! #     let (mut client, mut server) = tokio::try_join!(connector.connect(name, near), acceptor.accept(far))?;
//! #     client.write_all(b"over a queue").await?;
//! #     let mut received = [0; 12];
//! #     server.read_exact(&mut received).await?;
//! #     assert_eq!(&received, b"over a queue");
//! #     Ok(())
//! # }
//! ```
//!
//! A writer whose queue can be full returns `WouldBlock`, too, and its owner calls
//! [`writable`](crate::callback::ReadinessHandle::writable) once there is room.
#![cfg_attr(all(unix, feature = "fd"), doc = include_str!("socket.md"))]
//!
//! A type of your own can implement [`Callback`](crate::callback::Callback) in place of closures.
