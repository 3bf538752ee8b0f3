//! A relay in front of a server, which truncates a connection.

use std::net::Ipv4Addr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// Forwards connections to `port`, and closes each once `limit` bytes have arrived from there.
pub(crate) async fn cut(port: u16, limit: u64) -> std::io::Result<(u16, JoinHandle<()>)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let at = listener.local_addr()?.port();
    let task = tokio::spawn(async move {
        while let Ok((near, _)) = listener.accept().await {
            tokio::spawn(async move {
                let far = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
                let (mut from_near, mut to_near) = near.into_split();
                let (from_far, mut to_far) = far.into_split();
                let up = tokio::spawn(async move {
                    let _ = tokio::io::copy(&mut from_near, &mut to_far).await;
                });
                tokio::io::copy(&mut from_far.take(limit), &mut to_near).await?;
                // An end of stream and not a reset, which could overtake what was sent.
                to_near.shutdown().await?;
                let _ = up.await;
                std::io::Result::Ok(())
            });
        }
    });
    Ok((at, task))
}
