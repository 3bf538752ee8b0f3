//! A client whose server is the input.

use std::sync::Arc;

use pollback::TlsConnector;
use pollback::rustls::ClientConnection;
use tokio::io::AsyncWriteExt;

use super::attack::{Manner, attack, echo};
use super::configs::{self, ALL, localhost};
use super::cryptography::Records;
use super::input::Input;

/// Four bytes say how the server behaves and one how it is talked to; the rest is what it sends.
pub(super) fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let manner = Manner::take(&mut input);
    let early = input.flag();
    let config = || {
        Arc::new(match early {
            true => configs::acquainted(Records::Unmarked, true).0,
            false => configs::client(Records::Unmarked, ALL),
        })
    };
    let connector = TlsConnector::from(config()).early_data(early);
    let rustls = |_: &mut &[u8]| Ok(Some(ClientConnection::new(config(), localhost())?.into()));
    attack(&manner, input.rest(), &rustls, |end| async move {
        let mut stream = connector.connect(localhost(), end).await?;
        stream.write_all(b"request").await?;
        echo(stream, manner.room).await
    });
}
