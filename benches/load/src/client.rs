//! Clients: a healthy one, and the data that others send before they stall.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use pollback::rustls::client::Resumption;
use pollback::rustls::pki_types::ServerName;
use pollback::rustls::{ClientConfig, ClientConnection, StreamOwned};
use pollback_testkit::certificates::{Authority, Identity};
use pollback_testkit::configs::{Setup, Version};

use crate::BoxError;

/// A verifier that accepts the given certificate.
pub(crate) fn identity() -> Identity {
    Authority::shared().server()
}

/// Performs handshakes, one after another.
pub(crate) struct Client {
    config: Arc<ClientConfig>,
}

impl Client {
    /// Performs full handshakes.
    pub(crate) fn new() -> Self {
        Self::with(Resumption::disabled())
    }

    /// Resumes the previous session.
    pub(crate) fn resuming() -> Self {
        Self::with(Resumption::in_memory_sessions(8))
    }

    fn with(resumption: Resumption) -> Self {
        let mut config = Setup::new(Version::Tls13).client();
        config.resumption = resumption;
        Self {
            config: Arc::new(config),
        }
    }

    pub(crate) fn connection(&self) -> Result<ClientConnection, BoxError> {
        self.connection_to("localhost")
    }

    fn connection_to(&self, name: &'static str) -> Result<ClientConnection, BoxError> {
        let name = ServerName::try_from(name)?;
        Ok(ClientConnection::new(Arc::clone(&self.config), name)?)
    }

    /// The ClientHello that a client sends.
    pub(crate) fn hello(&self) -> Result<Vec<u8>, BoxError> {
        self.hello_to("localhost")
    }

    /// The ClientHello that a client sends to a server of this name.
    pub(crate) fn hello_to(&self, name: &'static str) -> Result<Vec<u8>, BoxError> {
        let mut hello = Vec::new();
        self.connection_to(name)?.write_tls(&mut hello)?;
        Ok(hello)
    }

    /// Measures how long it takes to connect and receive one response.
    pub(crate) fn ask(&self, server: SocketAddr) -> Result<Duration, BoxError> {
        let begun = Instant::now();
        let tcp = TcpStream::connect(server)?;
        let mut stream = StreamOwned::new(self.connection()?, tcp);
        stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let taken = begun.elapsed();
        match answer.starts_with("HTTP/1.1 200 ") {
            true => Ok(taken),
            false => Err(io::Error::other(format!("not a valid response: {answer}")).into()),
        }
    }

    /// The median.
    pub(crate) fn usual(&self, server: SocketAddr, count: usize) -> Result<Duration, BoxError> {
        let times = (0..count).map(|_| self.ask(server));
        let mut times = times.collect::<Result<Vec<_>, _>>()?;
        times.sort_unstable();
        Ok(times[times.len() / 2])
    }
}
