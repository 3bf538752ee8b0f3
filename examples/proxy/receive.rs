//! What is done with a client until bytes can be relayed.

use std::error::Error;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use arc_swap::ArcSwap;
use pollback::hello::Incoming;
use pollback::listener::{Connection, Facts, Handshaker, handshake_fn};
use pollback::rustls::{AlertDescription, ProtocolVersion};
use tokio::net::TcpStream;

use crate::routes::{Route, Routes};
use crate::transport::Transport;

/// A client that is served.
pub(crate) type Client = Connection<Box<dyn Transport>, SocketAddr, Arrival>;

/// What is known of a client that is served.
pub(crate) struct Arrival {
    pub(crate) server_name: Option<Arc<str>>,
    pub(crate) route: Arc<Route>,
    /// These are settled with the backend where TLS is passed through.
    pub(crate) version: Option<ProtocolVersion>,
    pub(crate) alpn: Option<Arc<[u8]>>,
}

/// Why a client whose hello has come is not served.
#[derive(Debug)]
pub(crate) struct Unserved {
    pub(crate) server_name: Option<Arc<str>>,
    /// `None` if there is none for that name.
    pub(crate) route: Option<Arc<Route>>,
    cause: io::Error,
}

/// Receives clients under the routes of the moment.
pub(crate) fn by_routes(
    routes: Arc<ArcSwap<Routes>>,
) -> impl Handshaker<TcpStream, Stream = Box<dyn Transport>, Facts = Arrival> {
    handshake_fn(move |incoming| receive(incoming, routes.load_full()))
}

async fn receive(
    incoming: Incoming<TcpStream>,
    routes: Arc<Routes>,
) -> io::Result<(Box<dyn Transport>, Arrival)> {
    incoming.get_ref().set_nodelay(true)?;
    let server_name: Option<Arc<str>> = incoming.client_hello().server_name().map(Arc::from);
    let Some(route) = routes.find(server_name.as_deref()).cloned() else {
        incoming.refuse(AlertDescription::UnrecognisedName).await;
        return Err(io::Error::from(Unserved {
            server_name,
            route: None,
            cause: io::Error::new(io::ErrorKind::NotFound, "no route has that name"),
        }));
    };
    let Some(config) = route.terminate.clone() else {
        let arrival = Arrival {
            server_name,
            route,
            version: None,
            alpn: None,
        };
        return Ok((Box::new(incoming.into_rewind()), arrival));
    };
    match incoming.accept(config).await {
        Ok(stream) => {
            let facts = Facts::of(&stream);
            let arrival = Arrival {
                server_name,
                route,
                version: facts.version,
                alpn: facts.alpn,
            };
            Ok((Box::new(stream), arrival))
        }
        Err(cause) => Err(io::Error::from(Unserved {
            server_name,
            route: Some(route),
            cause,
        })),
    }
}

impl Unserved {
    /// The one that a listener reports, if it is one.
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
