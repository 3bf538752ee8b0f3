//! tokio-tungstenite and the websockets of Python, on OpenSSL.

use std::sync::Arc;

use futures_util::{SinkExt, StreamExt};
use tokio::process::Command;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::{Connector, connect_async_tls_with_config};

use crate::Outcome;
use crate::place::Place;
use crate::process::{Server, free_port};
use crate::report::{chain, digest, payload, same, text};

/// Echoes everything; `bye` makes it drop the connection without a closing handshake.
const SERVER: &str = r#"
import asyncio, ssl, sys
from websockets.asyncio.server import serve

async def echo(connection):
    async for message in connection:
        if message == "bye":
            connection.transport.abort()
            return
        await connection.send(message)

async def main(port, certificate, key):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    async with serve(echo, "127.0.0.1", port, ssl=context, max_size=None, compression=None):
        await asyncio.get_running_loop().create_future()

asyncio.run(main(int(sys.argv[1]), sys.argv[2], sys.argv[3]))
"#;

pub(crate) async fn run(place: &Place) -> Outcome {
    let port = free_port();
    let mut python = Command::new("python");
    python
        .arg(place.write("echo.py", SERVER))
        .arg(port.to_string());
    python
        .arg(place.path("server.pem"))
        .arg(place.path("server.key"));
    let _server = Server::start_command(place, python, port).await?;

    let config = Arc::new(place.client_config(&[]));
    let url = format!("wss://localhost:{port}/");
    let connect = || {
        let connector = Connector::Rustls(Arc::clone(&config));
        connect_async_tls_with_config(&url, None, false, Some(connector))
    };

    let (mut socket, response) = connect().await?;
    println!("tokio-tungstenite: connected, {}", response.status());
    for length in [1, 125, 126, 16 * 1024, 65_536, 1024 * 1024] {
        for sent in [
            Message::binary(payload(length)),
            Message::text(text(length)),
        ] {
            socket.send(sent.clone()).await?;
            let got = socket.next().await.ok_or("the stream has ended")??;
            same(&got.clone().into_data(), &sent.into_data())?;
            let kind = if got.is_text() { "text" } else { "binary" };
            println!("tokio-tungstenite: {kind}, {}", digest(&got.into_data()));
        }
    }
    socket.send(Message::Ping(payload(64).into())).await?;
    let pong = socket.next().await.ok_or("the stream has ended")??;
    println!("tokio-tungstenite: pong, {}", digest(&pong.into_data()));
    let farewell = CloseFrame {
        code: CloseCode::Normal,
        reason: "enough".into(),
    };
    socket.close(Some(farewell)).await?;
    let mut rest = Vec::new();
    while let Some(message) = socket.next().await {
        rest.push(message.map_err(|error| chain(&error)));
    }
    println!("tokio-tungstenite: after a close: {rest:?}");

    let (mut socket, _) = connect().await?;
    socket.send(Message::text("bye")).await?;
    let cut = socket.next().await.ok_or("the stream has ended")?;
    println!(
        "tokio-tungstenite: after a cut: {}",
        cut.map_or_else(|error| chain(&error), |message| format!("{message:?}"))
    );
    Ok(())
}
