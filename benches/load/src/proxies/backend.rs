//! A backend that sends as many bytes as requested.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;

/// A request consists of this and the number of bytes wanted.
const MARK: &[u8; 8] = b"pollback";

pub(super) struct Backend {
    pub(super) address: SocketAddr,
}

/// A request for this many bytes, `length` bytes long, at least 16.
pub(super) fn request(length: usize, wanted: u64) -> Vec<u8> {
    let mut request = vec![0; length.saturating_sub(16)];
    request.extend(MARK);
    request.extend(wanted.to_be_bytes());
    request
}

impl Backend {
    /// Serves each connection on a thread of its own, until the process ends.
    pub(super) fn start() -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        thread::spawn(move || {
            for tcp in listener.incoming().flatten() {
                let serve = move || {
                    // Nothing is left to do for a client that has closed.
                    let _ = serve(tcp);
                };
                let _ = thread::Builder::new().stack_size(256 * 1024).spawn(serve);
            }
        });
        Ok(Self { address })
    }
}

/// Skips whatever comes before a request, such as a ClientHello.
fn serve(mut tcp: TcpStream) -> io::Result<()> {
    tcp.set_nodelay(true)?;
    let mut read = vec![0; 64 * 1024];
    let block = [7; 64 * 1024];
    let mut tail: Vec<u8> = Vec::new();
    loop {
        let count = tcp.read(&mut read)?;
        if count == 0 {
            return Ok(());
        }
        tail.extend(&read[..count]);
        tail.drain(..tail.len().saturating_sub(16));
        let Some((MARK, wanted)) = tail.split_first_chunk() else {
            continue;
        };
        let Ok(wanted) = wanted.try_into() else {
            continue;
        };
        let mut left = u64::from_be_bytes(wanted);
        tail.clear();
        while left > 0 {
            let most = left.min(block.len() as u64);
            tcp.write_all(&block[..most as usize])?;
            left -= most;
        }
    }
}
