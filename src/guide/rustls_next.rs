//! The pre-release of rustls 0.24.
//!
//! [`next`](crate::next) has connectors, acceptors and streams of the same names. Connections decrypt
//! in place, and a stream can be split into owned halves that two threads drive at the same time:
//!
//! ```
//! use pollback::next::rustls::ClientSide;
//! use pollback::next::TlsStream;
//! use std::io;
//! use tokio::io::{AsyncReadExt, AsyncWriteExt};
//! use tokio::net::TcpStream;
//!
//! /// Sends a request in one task while another reads the response.
//! async fn exchange(
//!     stream: TlsStream<TcpStream, ClientSide>,
//!     request: Vec<u8>,
//! ) -> io::Result<Vec<u8>> {
//!     let (mut reader, mut writer) = stream
//!         .into_split()
//!         .map_err(|_| io::Error::other("the handshake is not complete"))?;
//!     let sending = tokio::spawn(async move {
//!         writer.write_all(&request).await?;
//!         writer.shutdown().await
//!     });
//!     let mut response = Vec::new();
//!     reader.read_to_end(&mut response).await?;
//!     sending.await??;
//!     Ok(response)
//! }
//! ```
//!
//! Configurations differ from those of rustls 0.23; [`next`](crate::next) lists the differences.
//! The feature pins one pre-release, and its API is not stable.
