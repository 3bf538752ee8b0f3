//! TLS 1.3 early data (0-RTT), and its dangers.
//!
//! A client that resumes a session can send its request with the ClientHello, and save a round trip.
//!
//! **Anyone who has recorded early data can send it again**, to the same server or to another one
//! that accepts the ticket (RFC 8446, section 8; RFC 8470 for HTTP). So a client sends only
//! requests that may be repeated, such as a GET without side effects, and a server acts only on
//! those before the handshake is complete.
//!
//! In a client [`TlsConnector::early_data`](crate::TlsConnector::early_data) makes `connect` resolve
//! at once if there is a ticket. The first write is early data; if the server rejects it, it is sent
//! again after the handshake, without the program noticing. In a server
//! [`TlsAcceptor::early_data`](crate::TlsAcceptor::early_data) makes `accept` resolve as soon as early
//! data was accepted; [`early_data_read`](crate::stream::TlsStream::early_data_read) counts the bytes
//! that could be replayed, and
//! [`finish_handshake`](crate::stream::TlsStream::finish_handshake) waits until they no longer can.
//!
//! ```
//! use pollback::TlsAcceptor;
//! use pollback::rustls::ServerConfig;
//! use std::io;
//! use std::sync::Arc;
//! use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
//!
//! fn acceptor(mut config: ServerConfig) -> TlsAcceptor {
//!     config.max_early_data_size = 16 * 1024;
//!     config.send_half_rtt_data = true; // respond before the handshake is complete
//!     TlsAcceptor::from(Arc::new(config)).early_data(true)
//! }
//!
//! async fn serve<IO: AsyncRead + AsyncWrite + Unpin>(
//!     acceptor: &TlsAcceptor,
//!     io: IO,
//! ) -> io::Result<()> {
//!     let mut stream = acceptor.accept(io).await?;
//!     let mut request = [0; 3];
//!     stream.read_exact(&mut request).await?;
//!     if stream.early_data_read() > 0 && &request != b"GET" {
//!         // Wait until it is certain that this is not a replay.
//!         stream.finish_handshake().await?;
//!     }
//!     stream.write_all(b"done").await?;
//!     stream.close().await
//! }
//! # use pollback::TlsConnector;
//! # use pollback_testkit::configs::{Setup, Version};
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> io::Result<()> {
//! #     let setup = Setup::new(Version::Tls13).early_data(1024);
//! #     let acceptor = acceptor(setup.server());
//! #     let connector = TlsConnector::from(Arc::new(setup.client())).early_data(true);
//! #     for (request, resumes) in [(b"GET", false), (b"GET", true), (b"PUT", true)] {
//! #         let (near, far) = tokio::io::duplex(1 << 16);
//! #         let client = async {
//! #             let name = "localhost".try_into().map_err(io::Error::other)?;
//! #             let mut stream = connector.connect(name, near).await?;
//! #             assert_eq!(stream.get_ref().1.is_handshaking(), resumes);
//! #             stream.write_all(request).await?;
//! #             let mut response = String::new();
//! #             stream.read_to_string(&mut response).await?;
//! #             assert_eq!(response, "done");
//! #             assert_eq!(stream.get_ref().1.is_early_data_accepted(), resumes);
//! #             stream.close().await
//! #         };
//! #         tokio::try_join!(client, serve(&acceptor, far))?;
//! #     }
//! #     Ok(())
//! # }
//! ```
//!
//! If several servers share session tickets, a replay can reach each of them once. The examples
//! `client` and `server` have the option `--early-data`.
