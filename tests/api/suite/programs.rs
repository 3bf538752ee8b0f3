//! Typical programs of tokio-rustls users.

use super::configs;
use super::tls::rustls::ServerConfig;
use super::tls::rustls::server::Acceptor;
use super::tls::{
    Connect, LazyConfigAcceptor, TlsAcceptor, TlsConnector, TlsStream, client, server,
};
use crate::support::{localhost, setups, talk, tcp};
use pollback_testkit::certificates::Authority;
use pollback_testkit::configs::{Setup, Version};
use std::collections::HashMap;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{
    AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader, ReadBuf,
    copy_bidirectional,
};
use tokio::net::{TcpListener, TcpStream};

/// A server that answers every byte with the same byte, one task for each connection.
async fn echo_server(config: Arc<ServerConfig>) -> io::Result<std::net::SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let acceptor = TlsAcceptor::from(config);
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await?;
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let stream = acceptor.accept(stream).await?;
                let (mut reader, mut writer) = tokio::io::split(stream);
                tokio::io::copy(&mut reader, &mut writer).await?;
                writer.shutdown().await
            });
        }
        #[allow(unreachable_code, reason = "gives the task its type")]
        io::Result::Ok(())
    });
    Ok(address)
}

#[tokio::test]
async fn a_proxy_copies_between_two_tls_streams() {
    for setup in setups() {
        let (client, server) = configs(&setup);
        let upstream = echo_server(Arc::clone(&server)).await.unwrap();
        let connector = TlsConnector::from(client);

        let (near, far) = tcp().await;
        let proxy = tokio::spawn({
            let connector = connector.clone();
            async move {
                let mut inbound = TlsAcceptor::from(server).accept(far).await?;
                let outbound = TcpStream::connect(upstream).await?;
                let mut outbound = connector.connect(localhost(), outbound).await?;
                copy_bidirectional(&mut inbound, &mut outbound).await
            }
        });

        let client = connector.connect(localhost(), near).await.unwrap();
        let message: Vec<u8> = (0..200_000_u32).map(|i| (i / 3) as u8).collect();
        let (mut reader, mut writer) = tokio::io::split(client);
        let send = async {
            writer.write_all(&message).await?;
            writer.shutdown().await
        };
        let mut echoed = Vec::new();
        let (sent, received) = tokio::join!(send, reader.read_to_end(&mut echoed));
        sent.unwrap();
        received.unwrap();
        assert!(echoed == message, "{} bytes came back", echoed.len());
        let copied = proxy.await.unwrap().unwrap();
        assert_eq!(copied, (message.len() as u64, message.len() as u64));
    }
}

#[tokio::test]
async fn a_line_server_greets_each_client_by_name() {
    let (client, server) = configs(&Setup::new(Version::Tls13));
    let (near, far) = tcp().await;
    let serve = tokio::spawn(async move {
        let stream = TlsAcceptor::from(server).accept(far).await?;
        let mut stream = BufReader::new(stream);
        let mut line = String::new();
        while stream.read_line(&mut line).await? > 0 {
            stream.write_all(format!("hello {line}").as_bytes()).await?;
            stream.flush().await?;
            line.clear();
        }
        stream.shutdown().await
    });
    let mut client = TlsConnector::from(client)
        .connect(localhost(), near)
        .await
        .unwrap();
    client.write_all(b"ada\n").await.unwrap();
    client.flush().await.unwrap();
    let mut greeting = [0; 10];
    client.read_exact(&mut greeting).await.unwrap();
    assert_eq!(&greeting, b"hello ada\n");
    client.shutdown().await.unwrap();
    assert_eq!(client.read(&mut greeting).await.unwrap(), 0);
    serve.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_server_chooses_the_certificate_by_name() {
    let authority = Authority::shared();
    let setup = Setup::new(Version::Tls13);
    let hosts: HashMap<&str, Arc<ServerConfig>> = ["one.example", "two.example"]
        .map(|name| {
            (
                name,
                Arc::new(setup.server_with(&authority.server_for(&[name]))),
            )
        })
        .into();
    let connector = TlsConnector::from(Arc::new(setup.client()));
    for name in ["two.example", "one.example"] {
        let (near, far) = tcp().await;
        let serve = async {
            let start = LazyConfigAcceptor::new(Acceptor::default(), far).await?;
            let config = hosts[start.client_hello().server_name().unwrap()].clone();
            start.into_stream(config).await
        };
        let connect = connector.connect(name.try_into().unwrap(), near);
        let (client, server) = tokio::join!(connect, serve);
        talk(&mut client.unwrap(), &mut server.unwrap()).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_handshake_may_be_given_a_deadline() {
    let (client, server) = configs(&Setup::new(Version::Tls13));
    let (near, far) = tokio::io::duplex(4096);
    let (other_near, other_far) = tokio::io::duplex(4096);
    let limit = Duration::from_secs(10);
    let connector = TlsConnector::from(client);
    let acceptor = TlsAcceptor::from(server);
    assert!(
        tokio::time::timeout(limit, connector.connect(localhost(), near))
            .await
            .is_err()
    );
    assert!(
        tokio::time::timeout(limit, acceptor.accept(other_far))
            .await
            .is_err()
    );
    drop((far, other_near));
}

/// A future of the program's own that polls the handshake, whatever the transport.
struct Counted<IO> {
    connect: Connect<IO>,
    polls: usize,
}

impl<IO: AsyncRead + AsyncWrite + Unpin> Future for Counted<IO> {
    type Output = io::Result<(client::TlsStream<IO>, usize)>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.polls += 1;
        let stream = std::task::ready!(Pin::new(&mut self.connect).poll(cx))?;
        Poll::Ready(Ok((stream, self.polls)))
    }
}

#[tokio::test]
async fn a_program_wraps_the_handshake_in_a_future_of_its_own() {
    let (client, server) = configs(&Setup::new(Version::Tls13));
    let (near, far) = tcp().await;
    let connect = TlsConnector::from(client).connect(localhost(), near);
    let acceptor = TlsAcceptor::from(server);
    let (client, server) = tokio::join!(Counted { connect, polls: 0 }, acceptor.accept(far));
    let (mut client, polls) = client.unwrap();
    assert!(polls > 1, "the server responds later");
    talk(&mut client, &mut server.unwrap()).await;
}

/// A connection that may or may not be encrypted, as in many clients.
enum Maybe {
    Plain(TcpStream),
    Tls(Box<client::TlsStream<TcpStream>>),
}

impl AsyncRead for Maybe {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Tls(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Maybe {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, buf),
            Self::Tls(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

#[tokio::test]
async fn a_client_keeps_plain_and_encrypted_connections_in_one_type() {
    let (client, server) = configs(&Setup::new(Version::Tls13));
    let (near, mut far) = tcp().await;
    talk(&mut Maybe::Plain(near), &mut far).await;
    let (near, far) = tcp().await;
    let connector = TlsConnector::from(client);
    let acceptor = TlsAcceptor::from(server);
    let (client, server) = tokio::join!(connector.connect(localhost(), near), acceptor.accept(far));
    talk(
        &mut Maybe::Tls(Box::new(client.unwrap())),
        &mut server.unwrap(),
    )
    .await;
}

/// A trait of the program's own: the three streams have to be three types.
trait Side {
    fn side(&self) -> &'static str;
}

impl<IO> Side for client::TlsStream<IO> {
    fn side(&self) -> &'static str {
        "client"
    }
}

impl<IO> Side for server::TlsStream<IO> {
    fn side(&self) -> &'static str {
        "server"
    }
}

impl<IO> Side for TlsStream<IO> {
    fn side(&self) -> &'static str {
        match self {
            Self::Client(stream) => stream.side(),
            Self::Server(stream) => stream.side(),
        }
    }
}

#[tokio::test]
async fn a_program_implements_its_own_trait_for_each_stream() {
    let (client, server) = configs(&Setup::new(Version::Tls13));
    let (near, far) = tcp().await;
    let connector = TlsConnector::from(client);
    let acceptor = TlsAcceptor::from(server);
    let (client, server) = tokio::join!(connector.connect(localhost(), near), acceptor.accept(far));
    let streams = [
        TlsStream::from(client.unwrap()),
        TlsStream::from(server.unwrap()),
    ];
    assert_eq!(streams.each_ref().map(Side::side), ["client", "server"]);
}
