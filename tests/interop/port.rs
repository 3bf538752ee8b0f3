//! Ports for programs that cannot choose and print one themselves.

use std::net::SocketAddr;

use tokio::net::TcpSocket;

/// A port of 127.0.0.1 that the kernel assigns to no other program.
///
/// It is bound, but does not listen. On Linux a program that sets `SO_REUSEADDR`, as servers do,
/// can still listen on it.
pub(crate) struct Reserved {
    socket: TcpSocket,
}

impl Reserved {
    pub(crate) fn new() -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_reuseaddr(true).expect("an option of sockets");
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        socket.bind(any).expect("a port");
        Self { socket }
    }

    pub(crate) fn number(&self) -> u16 {
        self.socket.local_addr().expect("an address").port()
    }
}
