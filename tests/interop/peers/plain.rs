//! Requests without TLS to the proxies.

use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::bounded::bounded;
use crate::child::LIMIT;

/// The complete response of a server on this port, including the head.
pub(crate) async fn get(port: u16) -> String {
    let exchange = async {
        let mut tcp = TcpStream::connect(("127.0.0.1", port)).await?;
        tcp.write_all(b"GET / HTTP/1.0\r\n\r\n").await?;
        let mut answer = String::new();
        tcp.read_to_string(&mut answer).await?;
        io::Result::Ok(answer)
    };
    bounded(LIMIT, "a plain request", exchange)
        .await
        .expect("an answer")
}
