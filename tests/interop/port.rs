//! Ports for programs that cannot choose one themselves and say which.

use std::net::SocketAddr;

use tokio::net::TcpSocket;

/// A port of 127.0.0.1 that the kernel gives to nobody else.
///
/// It is bound, but not listened on. Linux lets a program that sets `SO_REUSEADDR`, as servers do,
/// listen on it all the same.
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
