//! Messages over TLS: WebSocket, and the codecs of tokio-util.
//!
//! A TLS stream implements `AsyncRead` and `AsyncWrite`, so any code that frames messages over a
//! socket also works over TLS.
//!
//! # WebSocket
//!
//! With [tokio-tungstenite](https://docs.rs/tokio-tungstenite). It flushes each message, so writes can
//! be batched ([`Options::with_batched_writes`](crate::Options::with_batched_writes)).
//!
//! ```
//! use futures_util::{SinkExt, StreamExt};
//! use pollback::{TlsAcceptor, TlsConnector, client, server};
//! use std::error::Error;
//! use tokio::net::TcpStream;
//! use tokio_tungstenite::tungstenite::Message;
//! use tokio_tungstenite::{WebSocketStream, accept_async, client_async};
//!
//! async fn connect(
//!     connector: &TlsConnector,
//!     tcp: TcpStream,
//!     host: &str,
//! ) -> Result<WebSocketStream<client::TlsStream<TcpStream>>, Box<dyn Error>> {
//!     let stream = connector.connect(host.to_owned().try_into()?, tcp).await?;
//!     let (socket, _) = client_async(format!("wss://{host}/"), stream).await?;
//!     Ok(socket)
//! }
//!
//! async fn accept(
//!     acceptor: &TlsAcceptor,
//!     tcp: TcpStream,
//! ) -> Result<WebSocketStream<server::TlsStream<TcpStream>>, Box<dyn Error>> {
//!     Ok(accept_async(acceptor.accept(tcp).await?).await?)
//! }
//! # use pollback_testkit::configs::{Setup, Version};
//! # use std::sync::Arc;
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn Error>> {
//! #     let setup = Setup::new(Version::Tls13);
//! #     let connector = TlsConnector::from(Arc::new(setup.client()));
//! #     let acceptor = TlsAcceptor::from(Arc::new(setup.server()));
//! #     let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
//! #     let near = TcpStream::connect(listener.local_addr()?).await?;
//! #     let (far, _) = listener.accept().await?;
//! #     let both = tokio::try_join!(connect(&connector, near, "localhost"), accept(&acceptor, far));
//! #     let (mut client, mut server) = both?;
//! #     client.send(Message::text("hello")).await?;
//! #     let received = server.next().await.ok_or("no message")??;
//! #     assert_eq!(received, Message::text("hello"));
//! #     Ok(())
//! # }
//! ```
//!
//! # Codecs
//!
//! [`Framed`](https://docs.rs/tokio-util/latest/tokio_util/codec/struct.Framed.html) is a sink and
//! a stream of messages. Its `send` flushes; `feed` does not, so that several messages are sent
//! together.
//!
//! ```
//! use futures_util::{SinkExt, StreamExt};
//! use std::error::Error;
//! use tokio::io::{AsyncRead, AsyncWrite};
//! use tokio_util::codec::{Framed, LinesCodec};
//!
//! /// Sends all questions at once, and returns the responses.
//! async fn ask<S: AsyncRead + AsyncWrite + Unpin>(
//!     stream: S,
//!     questions: &[&str],
//! ) -> Result<Vec<String>, Box<dyn Error>> {
//!     let mut lines = Framed::new(stream, LinesCodec::new_with_max_length(1024));
//!     for question in questions {
//!         lines.feed(question).await?;
//!     }
//!     SinkExt::<&str>::flush(&mut lines).await?;
//!     let mut responses = Vec::new();
//!     for _ in questions {
//!         responses.push(lines.next().await.ok_or("the server has closed")??);
//!     }
//!     Ok(responses)
//! }
//! # use pollback::{TlsAcceptor, TlsConnector};
//! # use pollback_testkit::configs::{Setup, Version};
//! # use std::sync::Arc;
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn Error>> {
//! #     let setup = Setup::new(Version::Tls13);
//! #     let connector = TlsConnector::from(Arc::new(setup.client()));
//! #     let acceptor = TlsAcceptor::from(Arc::new(setup.server()));
//! #     let (near, far) = tokio::io::duplex(1 << 16);
//! #     let name = "localhost".try_into()?;
//! #     let (client, server) = tokio::try_join!(connector.connect(name, near), acceptor.accept(far))?;
//! #     tokio::spawn(async move {
//! #         let (mut reader, mut writer) = tokio::io::split(server);
//! #         tokio::io::copy(&mut reader, &mut writer).await
//! #     });
//! #     assert_eq!(ask(client, &["one", "two"]).await?, ["one", "two"]);
//! #     Ok(())
//! # }
//! ```
//!
//! The halves of `Framed::split`, like those of [`tokio::io::split`], may be used by two tasks.
