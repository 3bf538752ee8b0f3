//! The settings of accepted sockets.

use super::{reports, setup, shared};
use pollback::listener::{SocketOptions, Stage, TlsListener};
use socket2::SockRef;
use std::time::Duration;
use tokio::io::AsyncWrite;
use tokio::net::{TcpListener, TcpStream};

/// Accepts one connection with these settings and returns whether `TCP_NODELAY` and keep-alive are
/// set.
async fn accepted(options: Option<SocketOptions>) -> (bool, bool) {
    let setup = setup();
    let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = tcp.local_addr().unwrap();
    let mut listener = TlsListener::new(tcp, shared(setup.server()));
    if let Some(options) = options {
        listener = listener.with_socket_options(options);
    }
    let tcp = TcpStream::connect(address).await.unwrap();
    let client = tokio::spawn(super::connect(&setup, tcp));
    let connection = listener.accept().await.unwrap();
    let socket = SockRef::from(&connection);
    #[cfg(unix)]
    {
        use std::os::fd::{AsFd, AsRawFd};
        assert_eq!(connection.as_raw_fd(), connection.as_fd().as_raw_fd());
    }
    assert!(connection.is_write_vectored());
    let set = (socket.tcp_nodelay().unwrap(), socket.keepalive().unwrap());
    client.await.unwrap().unwrap();
    set
}

#[tokio::test]
async fn bytes_are_sent_at_once_by_default() {
    assert_eq!(accepted(None).await, (true, false));
    let options = SocketOptions::new().with_nodelay(false);
    assert_eq!(accepted(Some(options)).await, (false, false));
}

#[tokio::test]
async fn keep_alive_can_be_set() {
    let options = SocketOptions::new().with_keepalive(Duration::from_secs(60));
    assert_eq!(accepted(Some(options)).await, (true, true));
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_rejected_setting_is_reported() {
    let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = tcp.local_addr().unwrap();
    let (report, mut reported) = reports();
    // Longer than the kernel can count.
    let options = SocketOptions::new().with_keepalive(Duration::from_secs(100_000));
    let mut listener = TlsListener::new(tcp, shared(setup().server()))
        .with_socket_options(options)
        .on_failure(report);
    tokio::spawn(async move { listener.accept().await.is_some() });
    let client = TcpStream::connect(address).await.unwrap();
    let failed = reported.recv().await.unwrap();
    assert_eq!(failed.stage, Stage::Accept);
    assert_eq!(failed.peer, Some(client.local_addr().unwrap()));
    assert!(failed.error.raw_os_error().is_some(), "{failed}");
}
