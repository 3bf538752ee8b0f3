//! A server whose client is the input.

use std::sync::Arc;

use pollback::rustls::ServerConnection;
use pollback::rustls::server::Acceptor;
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
    let config = Arc::new(configs::server(Records::Unmarked, ALL));
    let rustls = ServerConnection::new(Arc::clone(&config)).expect("a usable configuration");
    attack(&manner, input.rest(), rustls.into(), |end| async move {
        let stream = if lazy {
            let start = LazyConfigAcceptor::new(Acceptor::default(), end).await?;
            start.into_stream(config).await?
        } else {
            TlsAcceptor::from(config).accept(end).await?
        };
        echo(stream, manner.room).await
    });
}
