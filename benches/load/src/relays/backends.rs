//! Backends that serve, hang and reset.

use std::io::{self, Read};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;

use socket2::SockRef;

use crate::BoxError;
use crate::flood::probes;

/// Their addresses.
pub(super) struct Backends {
    serves: SocketAddr,
    hangs: SocketAddr,
    resets: SocketAddr,
}

impl Backends {
    pub(super) fn start() -> Result<Self, BoxError> {
        Ok(Self {
            serves: probes::backend()?.0,
            // Kept open, and not read.
            hangs: each(|kept, tcp| kept.push(tcp))?,
            resets: each(|_, mut tcp| {
                // The client's first bytes are read, so that its connection is established by then.
                let _ = tcp.read(&mut [0; 1024]);
                let _ = SockRef::from(&tcp).set_linger(Some(std::time::Duration::ZERO));
            })?,
        })
    }

    pub(super) fn all(&self) -> [(&'static str, SocketAddr); 3] {
        [
            ("localhost", self.serves),
            ("hangs.example", self.hangs),
            ("resets.example", self.resets),
        ]
    }
}

/// Starts a backend that handles each connection this way.
fn each(
    mut then: impl FnMut(&mut Vec<TcpStream>, TcpStream) + Send + 'static,
) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    thread::spawn(move || {
        let mut kept = Vec::new();
        for tcp in listener.incoming().flatten() {
            then(&mut kept, tcp);
        }
    });
    Ok(address)
}
