//! Protocols that switch to TLS, or back, in the middle of a connection.
//!
//! One rule holds for all of them: bytes that were read ahead must not be lost. A `BufReader` may
//! have read more than the line that it returned. Either those bytes are the beginning of TLS, and
//! go into a [`Rewind`](crate::hello::Rewind), or there must be none.
//!
//! # STARTTLS
//!
//! The server confirms the command in plaintext, and then waits for the ClientHello. Bytes that
//! follow the confirmation were not encrypted, and may come from an attacker: reject them.
//!
//! ```
//! use pollback::{TlsConnector, client::TlsStream};
//! use std::io;
//! use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
//!
//! /// Sends STARTTLS to a mail server that has greeted us, and performs the handshake.
//! async fn start_tls<IO: AsyncRead + AsyncWrite + Unpin>(
//!     connector: &TlsConnector,
//!     host: &str,
//!     mut plain: BufReader<IO>,
//! ) -> io::Result<TlsStream<IO>> {
//!     plain.write_all(b"STARTTLS\r\n").await?;
//!     plain.flush().await?;
//!     let mut line = String::new();
//!     plain.read_line(&mut line).await?;
//!     if !line.starts_with("220 ") {
//!         return Err(io::Error::other(format!("STARTTLS is refused: {line}")));
//!     }
//!     if !plain.buffer().is_empty() {
//!         return Err(io::Error::other("plaintext after the response to STARTTLS"));
//!     }
//!     let name = host.to_owned().try_into().map_err(io::Error::other)?;
//!     connector.connect(name, plain.into_inner()).await
//! }
//! # use pollback::TlsAcceptor;
//! # use pollback_testkit::configs::{Setup, Version};
//! # use std::sync::Arc;
//! # use tokio::io::AsyncReadExt;
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> io::Result<()> {
//! #     let setup = Setup::new(Version::Tls13);
//! #     let connector = TlsConnector::from(Arc::new(setup.client()));
//! #     let acceptor = TlsAcceptor::from(Arc::new(setup.server()));
//! #     let (near, mut far) = tokio::io::duplex(1 << 16);
//! #     let server = async {
//! #         far.read_exact(&mut [0; 10]).await?;
//! #         far.write_all(b"220 go ahead\r\n").await?;
//! #         acceptor.accept(&mut far).await.map(drop)
//! #     };
//! #     tokio::try_join!(start_tls(&connector, "localhost", BufReader::new(near)), server)?;
//! #     Ok(())
//! # }
//! ```
//!
//! A server does the same with a [`TlsAcceptor`](crate::TlsAcceptor). Its client may send the
//! ClientHello at once, without waiting for the confirmation, only in protocols that allow that; then
//! the buffered bytes are `Rewind::new(plain.buffer().to_vec(), plain.into_inner())`.
//!
//! # CONNECT
//!
//! An HTTP proxy connects to the server and then passes bytes through. Bytes that follow the header
//! of its response come from the server, so they are kept:
//!
//! ```
//! use pollback::hello::Rewind;
//! use std::io;
//! use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
//!
//! /// Makes the proxy at the other end of `proxy` connect to `server`, such as `example.com:443`.
//! async fn tunnel<IO: AsyncRead + AsyncWrite + Unpin>(
//!     proxy: IO,
//!     server: &str,
//! ) -> io::Result<Rewind<IO>> {
//!     let mut proxy = BufReader::new(proxy);
//!     let request = format!("CONNECT {server} HTTP/1.1\r\nHost: {server}\r\n\r\n");
//!     proxy.write_all(request.as_bytes()).await?;
//!     proxy.flush().await?;
//!     let mut lines = proxy.lines();
//!     let status = lines.next_line().await?.unwrap_or_default();
//!     if !status.starts_with("HTTP/1.1 200") {
//!         return Err(io::Error::other(format!("the proxy refuses: {status}")));
//!     }
//!     while lines.next_line().await?.is_some_and(|header| !header.is_empty()) {}
//!     let proxy = lines.into_inner();
//!     Ok(Rewind::new(proxy.buffer().to_vec(), proxy.into_inner()))
//! }
//! # use tokio::io::AsyncReadExt;
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> io::Result<()> {
//! #     let (near, mut far) = tokio::io::duplex(1 << 16);
//! #     far.write_all(b"HTTP/1.1 200 OK\r\nVia: test\r\n\r\nearly").await?;
//! #     let mut tunnel = tunnel(near, "example.com:443").await?;
//! #     let mut early = [0; 5];
//! #     tunnel.read_exact(&mut early).await?;
//! #     assert_eq!(&early, b"early");
//! #     Ok(())
//! # }
//! ```
//!
//! Pass the transport that it returns to [`TlsConnector::connect`](crate::TlsConnector::connect).
//!
//! # SOCKS5
//!
//! The length of each response is known (RFC 1928), so nothing is read ahead:
//!
//! ```
//! use std::io;
//! use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
//!
//! /// Makes the SOCKS5 proxy at the other end of `proxy` connect to `host`; it resolves the name.
//! async fn socks5<IO: AsyncRead + AsyncWrite + Unpin>(
//!     mut proxy: IO,
//!     host: &str,
//!     port: u16,
//! ) -> io::Result<IO> {
//!     proxy.write_all(&[5, 1, 0]).await?; // version 5, one method: no authentication
//!     let mut method = [0; 2];
//!     proxy.read_exact(&mut method).await?;
//!     if method != [5, 0] {
//!         return Err(io::Error::other("the proxy requires authentication"));
//!     }
//!     let length = u8::try_from(host.len()).map_err(io::Error::other)?;
//!     let mut request = vec![5, 1, 0, 3, length]; // connect to a name
//!     request.extend_from_slice(host.as_bytes());
//!     request.extend_from_slice(&port.to_be_bytes());
//!     proxy.write_all(&request).await?;
//!     let mut response = [0; 4];
//!     proxy.read_exact(&mut response).await?;
//!     let address = match response {
//!         [5, 0, _, 1] => 4,
//!         [5, 0, _, 4] => 16,
//!         [5, 0, _, 3] => usize::from(proxy.read_u8().await?),
//!         [_, code, ..] => return Err(io::Error::other(format!("SOCKS5 error {code}"))),
//!     };
//!     proxy.read_exact(&mut vec![0; address + 2]).await?;
//!     Ok(proxy)
//! }
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> io::Result<()> {
//! #     let (near, mut far) = tokio::io::duplex(1 << 16);
//! #     far.write_all(&[5, 0, 5, 0, 0, 1, 0, 0, 0, 0, 0, 0, b'!']).await?;
//! #     let mut through = socks5(near, "example.com", 443).await?;
//! #     assert_eq!(through.read_u8().await?, b'!');
//! #     Ok(())
//! # }
//! ```
//!
//! # TLS in TLS
//!
//! A TLS stream is a transport. This is how a client reaches a server through an HTTPS proxy: TLS to the
//! proxy, CONNECT, then TLS to the server, inside.
//!
//! ```
//! use pollback::{TlsConnector, client::TlsStream};
//! use std::io;
//! use tokio::net::TcpStream;
//!
//! async fn inside(
//!     connector: &TlsConnector,
//!     outer: TlsStream<TcpStream>,
//!     host: &str,
//! ) -> io::Result<TlsStream<TlsStream<TcpStream>>> {
//!     let name = host.to_owned().try_into().map_err(io::Error::other)?;
//!     connector.connect(name, outer).await
//! }
//! ```
//!
//! A flush, a waiting read and a shutdown of the inner stream also flush the outer one. The
//! shutdown of the inner stream shuts the outer one down, too.
//!
//! # Back to plaintext
//!
//! FTP's CCC ends TLS and keeps the connection. [`end_tls`](crate::stream::TlsStream::end_tls)
//! exchanges close_notify without closing the transport, and
//! [`into_transport`](crate::stream::TlsStream::into_transport) returns the transport only if no byte
//! would be lost:
//!
//! ```
//! use pollback::server::TlsStream;
//! use std::io;
//! use std::time::Duration;
//! use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
//! use tokio::time::timeout;
//!
//! /// Confirms CCC, still encrypted, and returns the transport for plaintext.
//! async fn clear<IO: AsyncRead + AsyncWrite + Unpin>(mut stream: TlsStream<IO>) -> io::Result<IO> {
//!     stream.write_all(b"200 Control connection in the clear\r\n").await?;
//!     timeout(Duration::from_secs(10), stream.end_tls()).await??;
//!     stream.into_transport().map_err(|(error, _)| error)
//! }
//! # use pollback::{TlsAcceptor, TlsConnector};
//! # use pollback_testkit::configs::{Setup, Version};
//! # use std::sync::Arc;
//! # use tokio::io::AsyncReadExt;
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> io::Result<()> {
//! #     let setup = Setup::new(Version::Tls13);
//! #     let connector = TlsConnector::from(Arc::new(setup.client()));
//! #     let acceptor = TlsAcceptor::from(Arc::new(setup.server()));
//! #     let (near, far) = tokio::io::duplex(1 << 16);
//! #     let name = "localhost".try_into().map_err(io::Error::other)?;
//! #     let (mut client, server) = tokio::try_join!(connector.connect(name, near), acceptor.accept(far))?;
//! #     let client = async {
//! #         client.read_exact(&mut [0; 37]).await?;
//! #         client.end_tls().await?;
//! #         client.into_transport().map_err(|(error, _)| error)
//! #     };
//! #     let (mut client, mut server) = tokio::try_join!(client, clear(server))?;
//! #     client.write_all(b"NOOP\r\n").await?;
//! #     let mut line = [0; 6];
//! #     server.read_exact(&mut line).await?;
//! #     assert_eq!(&line, b"NOOP\r\n");
//! #     Ok(())
//! # }
//! ```
