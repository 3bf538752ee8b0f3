//! A proxy that routes by server name.
//!
//! [`hello::peek`](crate::hello::peek) reads the ClientHello and no byte after it. The connection
//! can then be passed through untouched, or TLS can be terminated. A [`Relay`](crate::relay::Relay)
//! copies in both directions, keeps half-closes, and does not report a truncated stream as
//! complete.
//!
//! ```
//! use pollback::hello;
//! use pollback::relay::Relay;
//! use pollback::rustls::{AlertDescription, ServerConfig};
//! use std::error::Error;
//! use std::sync::Arc;
//! use std::time::Duration;
//! use tokio::net::TcpStream;
//! use tokio::time::timeout;
//!
//! /// What to do with clients that request a name.
//! enum Route {
//!     /// Pass through: the backend has the certificate.
//!     Pass(String),
//!     /// Terminate TLS: the proxy has the certificate, and connects to the backend in plaintext.
//!     Terminate(Arc<ServerConfig>, String),
//! }
//!
//! async fn proxy(
//!     client: TcpStream,
//!     route: impl Fn(&str) -> Option<Route>,
//! ) -> Result<(), Box<dyn Error>> {
//!     client.set_nodelay(true)?;
//!     let incoming = timeout(Duration::from_secs(10), hello::peek(client)).await??;
//!     let name = incoming.client_hello().server_name();
//!     match name.and_then(route) {
//!         Some(Route::Pass(address)) => {
//!             let backend = TcpStream::connect(address).await?;
//!             backend.set_nodelay(true)?;
//!             // The backend receives every byte that the client has sent.
//!             Relay::new(incoming.into_rewind(), backend).await?;
//!         }
//!         Some(Route::Terminate(config, address)) => {
//!             let client = timeout(Duration::from_secs(10), incoming.accept(config)).await??;
//!             let backend = TcpStream::connect(address).await?;
//!             backend.set_nodelay(true)?;
//!             Relay::new(client, backend)
//!                 .with_idle_timeout(Duration::from_secs(600))
//!                 .await?;
//!         }
//!         None => {
//!             incoming.refuse(AlertDescription::UnrecognisedName).await;
//!         }
//!     }
//!     Ok(())
//! }
//! # use pollback::{TlsAcceptor, TlsConnector};
//! # use pollback_testkit::configs::{Setup, Version};
//! # use tokio::io::{AsyncReadExt, AsyncWriteExt};
//! # use tokio::net::TcpListener;
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn Error>> {
//! #     let setup = Setup::new(Version::Tls13);
//! #     let config = Arc::new(setup.server());
//! #     let acceptor = TlsAcceptor::from(Arc::clone(&config));
//! #     let connector = TlsConnector::from(Arc::new(setup.client()));
//! #     for is_terminated in [false, true] {
//! #         let (front, back) = (TcpListener::bind("127.0.0.1:0").await?, TcpListener::bind("127.0.0.1:0").await?);
//! #         let address = back.local_addr()?.to_string();
//! #         let (acceptor, config) = (acceptor.clone(), Arc::clone(&config));
//! #         let backend = async {
//! #             let (mut tcp, _) = back.accept().await?;
//! #             match is_terminated {
//! #                 true => tcp.write_all(b"hello").await?,
//! #                 false => {
//! #                     let mut stream = acceptor.accept(tcp).await?;
//! #                     stream.write_all(b"hello").await?;
//! #                     stream.close().await?;
//! #                 }
//! #             }
//! #             Ok::<_, Box<dyn Error>>(())
//! #         };
//! #         let serve = async {
//! #             let (tcp, _) = front.accept().await?;
//! #             proxy(tcp, |name| {
//! #                 assert_eq!(name, "localhost");
//! #                 Some(match is_terminated {
//! #                     true => Route::Terminate(Arc::clone(&config), address.clone()),
//! #                     false => Route::Pass(address.clone()),
//! #                 })
//! #             }).await
//! #         };
//! #         let client = async {
//! #             let tcp = TcpStream::connect(front.local_addr()?).await?;
//! #             let mut stream = connector.connect("localhost".try_into()?, tcp).await?;
//! #             let mut received = String::new();
//! #             stream.read_to_string(&mut received).await?;
//! #             assert_eq!(received, "hello");
//! #             stream.close().await?;
//! #             Ok(())
//! #         };
//! #         tokio::try_join!(backend, serve, client)?;
//! #     }
//! #     Ok(())
//! # }
//! ```
//!
//! `examples/proxy` adds what a proxy in production needs: a configuration that can be reloaded,
//! limits, PROXY protocol headers, TLS to backends, counters and a log.
