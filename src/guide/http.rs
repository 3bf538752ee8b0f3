//! HTTP: a client with hyper, and axum with client certificates.
//!
//! # A client with hyper
//!
//! hyper performs HTTP over any stream. [`TokioIo`](https://docs.rs/hyper-util) adapts a
//! [`TlsStream`](crate::client::TlsStream) to the I/O traits of hyper; the negotiated ALPN protocol
//! decides between HTTP/1.1 and HTTP/2.
//!
//! ```
//! use http_body_util::{BodyExt, Empty};
//! use hyper::body::Bytes;
//! use hyper::{Request, client::conn::http1};
//! use hyper_util::rt::TokioIo;
//! use pollback::{Options, TlsConnector};
//! use std::error::Error;
//! use tokio::net::TcpStream;
//!
//! async fn get(
//!     connector: &TlsConnector,
//!     tcp: TcpStream,
//!     host: &str,
//!     path: &str,
//! ) -> Result<Bytes, Box<dyn Error>> {
//!     tcp.set_nodelay(true)?;
//!     let stream = connector
//!         .connect(host.to_owned().try_into()?, tcp)
//!         // hyper flushes when a request is complete, so its writes can be batched.
//!         .with_options(Options::new().with_batched_writes(true))
//!         .await?;
//!     let (mut requests, connection) = http1::handshake(TokioIo::new(stream)).await?;
//!     let request = Request::get(path).header("host", host).body(Empty::<Bytes>::new())?;
//!     // The connection makes progress while the response is awaited.
//!     let (response, _) = tokio::join!(
//!         async {
//!             let response = requests.send_request(request).await?;
//!             let body = response.into_body().collect().await?.to_bytes();
//!             drop(requests);
//!             Ok::<_, hyper::Error>(body)
//!         },
//!         connection,
//!     );
//!     Ok(response?)
//! }
//! # use pollback::TlsAcceptor;
//! # use pollback_testkit::configs::{Setup, Version};
//! # use std::sync::Arc;
//! # use tokio::io::{AsyncReadExt, AsyncWriteExt};
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn Error>> {
//! #     let setup = Setup::new(Version::Tls13);
//! #     let connector = TlsConnector::from(Arc::new(setup.client()));
//! #     let acceptor = TlsAcceptor::from(Arc::new(setup.server()));
//! #     let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
//! #     let tcp = TcpStream::connect(listener.local_addr()?).await?;
//! #     let server = tokio::spawn(async move {
//! #         let mut stream = acceptor.accept(listener.accept().await?.0).await?;
//! #         stream.read(&mut [0; 1024]).await?;
//! #         stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello").await?;
//! #         stream.close().await
//! #     });
//! #     assert_eq!(get(&connector, tcp, "localhost", "/").await?, "hello");
//! #     server.await??;
//! #     Ok(())
//! # }
//! ```
//!
//! Programs on reqwest, hyper-rustls or another library that uses tokio-rustls need no code: they
//! [replace that crate](crate::moving_from_tokio_rustls) in their dependency graph.
//!
//! # axum with client certificates
//!
//! A [`TlsListener`](crate::listener::TlsListener) is a listener of axum 0.8 (feature `axum-08`).
//! Handlers receive the peer, with its certificates, through `ConnectInfo`:
//!
//! ```
//! use axum::{Router, extract::ConnectInfo, routing::get};
//! use pollback::listener::{HandshakeData, Peer, SharedConfig, TlsListener};
//! use pollback::rustls::ServerConfig;
//! use std::net::SocketAddr;
//! use tokio::net::TcpListener;
//!
//! async fn who(ConnectInfo(peer): ConnectInfo<Peer<SocketAddr, HandshakeData>>) -> String {
//!     match peer.handshake_data.client_certificates.as_deref() {
//!         Some([leaf, ..]) => format!("a certificate of {} bytes", leaf.len()),
//!         _ => "no certificate".to_owned(),
//!     }
//! }
//!
//! /// `config` was built with `with_client_cert_verifier(...)`.
//! async fn serve(tcp: TcpListener, config: ServerConfig) -> std::io::Result<()> {
//!     let listener = TlsListener::new(tcp, SharedConfig::new(config))
//!         .on_failure(|failed| eprintln!("{failed}"));
//!     let router = Router::new().route("/", get(who));
//!     let service = router.into_make_service_with_connect_info::<Peer<SocketAddr, HandshakeData>>();
//!     axum::serve(listener, service).await
//! }
//! # use pollback::TlsConnector;
//! # use pollback_testkit::configs::{Setup, Version};
//! # use std::sync::Arc;
//! # use tokio::io::{AsyncReadExt, AsyncWriteExt};
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! #     let setup = Setup::new(Version::Tls13).client_auth();
//! #     let connector = TlsConnector::from(Arc::new(setup.client()));
//! #     let tcp = TcpListener::bind("127.0.0.1:0").await?;
//! #     let address = tcp.local_addr()?;
//! #     tokio::spawn(serve(tcp, setup.server()));
//! #     let tcp = tokio::net::TcpStream::connect(address).await?;
//! #     let mut stream = connector.connect("localhost".try_into()?, tcp).await?;
//! #     let request = b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
//! #     stream.write_all(request).await?;
//! #     let mut response = String::new();
//! #     stream.read_to_string(&mut response).await?;
//! #     assert!(response.contains("a certificate of"), "{response}");
//! #     Ok(())
//! # }
//! ```
//!
//! `examples/axum.rs` adds certificate reload and graceful shutdown, `examples/http.rs` is a server on
//! hyper, and `examples/grpc.rs` one on tonic.
