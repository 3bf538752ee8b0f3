//! Sockets of the kernel.

use tokio::net::{TcpListener, TcpStream};

/// Two sockets that are connected over loopback.
///
/// # Panics
///
/// If the loopback interface is not available.
pub async fn tcp() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let near = TcpStream::connect(address).await.expect("a connection");
    let (far, _) = listener.accept().await.expect("a connection");
    (near, far)
}
