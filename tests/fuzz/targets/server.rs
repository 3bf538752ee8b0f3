//! A server whose client is the input.

use std::sync::Arc;

use pollback::rustls::server::Acceptor;
use pollback::rustls::{self, Connection, ServerConfig, ServerConnection};
use pollback::{LazyConfigAcceptor, TlsAcceptor};

use super::attack::{Manner, attack, echo};
use super::configs::{self, ALL};
use super::cryptography::Records;
use super::input::Input;

/// Four bytes say how the client behaves and one how it is accepted; the rest is what it sends.
pub(super) fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let manner = Manner::take(&mut input);
    let lazy = input.flag();
    let shared = Arc::new(configs::server(Records::Unmarked, ALL));
    let rustls = |bytes: &mut &[u8]| match lazy {
        true => accept(Arc::clone(&shared), bytes),
        false => Ok(Some(ServerConnection::new(Arc::clone(&shared))?.into())),
    };
    let config = Arc::clone(&shared);
    attack(&manner, input.rest(), &rustls, |end| async move {
        let stream = if lazy {
            let start = LazyConfigAcceptor::new(Acceptor::default(), end).await?;
            start.into_stream(config).await?
        } else {
            TlsAcceptor::from(config).accept(end).await?
        };
        echo(stream, manner.room).await
    });
}

/// The lazy acceptor of rustls has errors of its own.
fn accept(
    config: Arc<ServerConfig>,
    bytes: &mut &[u8],
) -> Result<Option<Connection>, rustls::Error> {
    let mut acceptor = Acceptor::default();
    while let Ok(1..) = acceptor.read_tls(bytes) {
        if let Some(accepted) = acceptor.accept().map_err(|(error, _)| error)? {
            let connection = accepted.into_connection(config);
            return connection
                .map(|connection| Some(connection.into()))
                .map_err(|(error, _)| error);
        }
    }
    Ok(None)
}
