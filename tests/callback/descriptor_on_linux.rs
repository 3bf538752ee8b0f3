//! Readiness from a file descriptor: behaviour specific to Linux.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use pollback::callback::{CallbackIo, Callbacks, Descriptor};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket};
use tokio::task::{spawn_local, unconstrained, yield_now};

use crate::descriptor::run;
use crate::support::would_block;

#[test]
fn a_regular_file_cannot_be_watched() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    run(async {
        let error = Descriptor::new(File::open(path).unwrap()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
    });
}

/// A socket that counts how often its descriptor is requested.
struct Looked(OwnedFd, Cell<usize>);

impl AsFd for Looked {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.1.set(self.1.get() + 1);
        // Only once: it is requested again when this is dropped.
        assert_ne!(self.1.get(), 10_000, "requested in an endless loop");
        self.0.as_fd()
    }
}

/// The system first reports a socket that is watched before it is connected as closed, and the
/// runtime does not forget this.
#[test]
fn a_socket_that_was_once_reported_closed_can_be_awaited() {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let socket = TcpSocket::new_v4().unwrap();
        let watched = socket.as_fd().try_clone_to_owned().unwrap();
        let descriptor = Descriptor::new(Looked(watched, Cell::new(0))).unwrap();

        // An attempt that would block awaits the first report of the system.
        let mut blocks = 1;
        let read = |_: &mut [u8]| {
            blocks -= 1;
            if blocks < 0 {
                Ok(0)
            } else {
                Err(would_block())
            }
        };
        let mut io = CallbackIo::new(Callbacks::new(read, |_: &[u8]| Ok(0)), descriptor);
        assert_eq!(io.read(&mut [0]).await.unwrap(), 0);
        let (_, descriptor) = io.into_parts();

        let address = listener.local_addr().unwrap();
        let (ours, theirs) = tokio::join!(socket.connect(address), listener.accept());
        let (ours, mut theirs) = (ours.unwrap().into_std().unwrap(), theirs.unwrap().0);
        let callbacks = Callbacks::new(move |buf: &mut [u8]| (&ours).read(buf), |_: &[u8]| Ok(0));
        let mut io = CallbackIo::new(callbacks, descriptor);
        // The budget of a task would end an endless loop.
        let reader = spawn_local(unconstrained(async move { io.read_u8().await }));
        // The reader finds nothing before there is something.
        yield_now().await;
        theirs.write_all(b"!").await.unwrap();
        assert_eq!(reader.await.unwrap().unwrap(), b'!');
    });
}
