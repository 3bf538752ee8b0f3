//! The parts of a stream as a transport that is not asynchronous.

use crate::parts::connected;
use crate::support::setups;
use std::io::{self, IoSlice, Read, Write};

/// A transport of a program that has left the runtime.
struct Plain {
    arrived: &'static [u8],
    written: Vec<u8>,
    flushes: usize,
}

impl Read for Plain {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.arrived.read(buf)
    }
}

impl Write for Plain {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.written.write(buf)
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        self.written.write_vectored(bufs)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.flushes += 1;
        Ok(())
    }
}

#[tokio::test]
async fn parts_read_what_was_read_ahead_first_and_pass_writes_on() {
    let [setup, _] = setups();
    let (client, _server) = connected(&setup, tokio::io::duplex(4096)).await;
    let plain = Plain {
        arrived: b" and later",
        written: Vec::new(),
        flushes: 0,
    };
    let parts = client.into_parts();
    let mut parts = parts.try_map_io(|_| io::Result::Ok(plain)).unwrap();
    parts.ciphertext = b"ahead".to_vec();
    let mut read = String::new();
    parts.read_to_string(&mut read).unwrap();
    assert_eq!(read, "ahead and later");
    assert_eq!(parts.write(b"one").unwrap(), 3);
    let slices = [IoSlice::new(b"two"), IoSlice::new(b"three")];
    assert_eq!(parts.write_vectored(&slices).unwrap(), 8);
    parts.flush().unwrap();
    assert_eq!(parts.io.written, b"onetwothree");
    assert_eq!(parts.io.flushes, 1);
}
