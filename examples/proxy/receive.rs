//! Handles a client until bytes can be relayed.

use std::error::Error;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use pollback::hello::Incoming;
use pollback::listener::{Connection, HandshakeData, Handshaker, handshake_fn};
use pollback::proxy_protocol::{ProxiedAddress, ProxyHeader};
use pollback::rustls::{AlertDescription, ProtocolVersion};
use pollback::{Error as PollbackError, ErrorKind};
use tokio::net::TcpStream;

use crate::backend::{BATCHED, Introduction, Reached};
use crate::record::End;
use crate::routes::{Route, Routes};
use crate::terminate::Terminate;
use crate::transport::Transport;

/// A client to serve.
pub(crate) type Client = Connection<Box<dyn Transport>, SocketAddr, Arrival>;

/// Properties of a client to serve.
pub(crate) struct Arrival {
    pub(crate) server_name: Option<Arc<str>>,
    pub(crate) route: Arc<Route>,
    /// With TLS passthrough, client and backend negotiate these.
    pub(crate) version: Option<ProtocolVersion>,
    pub(crate) alpn: Option<Arc<[u8]>>,
    backend: Mutex<Option<Reached>>,
}

/// Why a client is rejected after its ClientHello.
#[derive(Debug)]
pub(crate) struct Unserved {
    pub(crate) server_name: Option<Arc<str>>,
    /// `None` if no route has that name.
    pub(crate) route: Option<Arc<Route>>,
    pub(crate) end: End,
    cause: io::Error,
}

/// Receives clients with the current routes.
pub(crate) fn by_routes(
    routes: Arc<ArcSwap<Routes>>,
) -> impl Handshaker<TcpStream, Stream = Box<dyn Transport>, HandshakeData = Arrival> {
    handshake_fn(move |incoming| receive(incoming, routes.load_full()))
}

async fn receive(
    incoming: Incoming<TcpStream>,
    routes: Arc<Routes>,
) -> io::Result<(Box<dyn Transport>, Arrival)> {
    let server_name: Option<Arc<str>> = incoming.client_hello().server_name().map(Arc::from);
    let Some(route) = routes.find(server_name.as_deref()).cloned() else {
        let unserved = Unserved {
            server_name,
            route: None,
            end: End::UnknownName,
            cause: io::Error::new(io::ErrorKind::NotFound, "no route has that name"),
        };
        let alert = AlertDescription::UnrecognisedName;
        return Err(incoming.refuse_with(alert, unserved.into()).await);
    };
    let mut arrival = Arrival {
        server_name,
        route,
        version: None,
        alpn: None,
        backend: Mutex::default(),
    };
    let Some(terminate) = arrival.route.terminate.clone() else {
        return Ok((Box::new(incoming.into_rewind()), arrival));
    };
    match accept(incoming, &terminate, &mut arrival).await {
        Ok(stream) => Ok((stream, arrival)),
        Err((end, cause)) => Err(io::Error::from(Unserved {
            server_name: arrival.server_name,
            route: Some(arrival.route),
            end,
            cause,
        })),
    }
}

/// Performs the handshake. If the backend speaks TLS and can choose a protocol, connects to it
/// first: both sides have to use the same application protocol.
async fn accept(
    incoming: Incoming<TcpStream>,
    terminate: &Terminate,
    arrival: &mut Arrival,
) -> Result<Box<dyn Transport>, (End, io::Error)> {
    let backend = &arrival.route.backend;
    let mut config = terminate.config();
    let common = match backend.has_tls() {
        true => terminate.common(incoming.client_hello()),
        false => Vec::new(),
    };
    if !common.is_empty() {
        let server_name = arrival.server_name.as_deref();
        match reach(&incoming, &arrival.route, server_name, common).await {
            Ok(reached) => {
                config = terminate.config_for(reached.alpn.as_deref());
                arrival.backend = Mutex::new(Some(reached));
            }
            Err(error) => {
                let error = incoming.refuse_with(alert(&error), error).await;
                return Err((End::Unreachable, error));
            }
        }
    }
    let accepted = incoming.accept(config).with_options(BATCHED).await;
    let stream = accepted.map_err(|error| (End::Handshake, error))?;
    let handshake_data = HandshakeData::of(&stream);
    (arrival.version, arrival.alpn) = (handshake_data.version, handshake_data.alpn);
    Ok(Box::new(stream))
}

async fn reach(
    incoming: &Incoming<TcpStream>,
    route: &Route,
    server_name: Option<&str>,
    alpn: Vec<Vec<u8>>,
) -> io::Result<Reached> {
    let tcp = incoming.get_ref();
    let (source, destination) = match proxied(incoming.proxy_header()) {
        Some(address) => (address.source, address.destination),
        None => (tcp.peer_addr()?, tcp.local_addr()?),
    };
    let introduction = Introduction {
        source,
        destination,
        server_name,
        alpn,
    };
    route.backend.connect(&introduction).await
}

/// The addresses from the header of a trusted proxy; none if it speaks for itself.
pub(crate) fn proxied(header: Option<&Arc<ProxyHeader>>) -> Option<&ProxiedAddress> {
    header?.proxied_address()
}

/// The alert for the client if the backend cannot be reached.
fn alert(error: &io::Error) -> AlertDescription {
    let backend_said = PollbackError::find(error).map(|error| error.kind());
    match backend_said {
        Some(
            ErrorKind::NoCommonAlpn | ErrorKind::Alert(AlertDescription::NoApplicationProtocol),
        ) => AlertDescription::NoApplicationProtocol,
        _ => AlertDescription::InternalError,
    }
}

impl Arrival {
    /// The connection to the backend, if it exists already.
    pub(crate) fn take_backend(&self) -> Option<Reached> {
        let mut backend = self.backend.lock().unwrap_or_else(PoisonError::into_inner);
        backend.take()
    }
}

impl Unserved {
    /// The error as the reason reported by a listener, if it contains one.
    pub(crate) fn find(error: &io::Error) -> Option<&Self> {
        error.get_ref()?.downcast_ref()
    }
}

impl From<Unserved> for io::Error {
    fn from(unserved: Unserved) -> Self {
        Self::new(unserved.cause.kind(), unserved)
    }
}

impl fmt::Display for Unserved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.cause.fmt(f)
    }
}

impl Error for Unserved {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.cause)
    }
}
