//! TLS over C callbacks that use a socket, as in a C program.

use std::ffi::c_void;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::ptr;
use std::sync::Arc;

use pollback::callback::{CallbackIo, Descriptor};
use pollback::ffi::CCallbacks;
use pollback::ffi::rustls_ffi::io::rustls_iovec;
use pollback::ffi::rustls_ffi::rustls_io_result;
use pollback_testkit::configs::Version;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::{Side, acceptor, connector, localhost, pattern, receive, send};

/// Converts the result of a system call into that of a callback.
fn answer(count: isize, out_n: *mut usize) -> rustls_io_result {
    match usize::try_from(count) {
        Ok(count) => {
            // SAFETY: the caller of a callback provides the count.
            unsafe { *out_n = count };
            rustls_io_result(0)
        }
        Err(_) => {
            let error = io::Error::last_os_error();
            rustls_io_result(error.raw_os_error().expect("a code of the system"))
        }
    }
}

fn descriptor(userdata: *mut c_void) -> RawFd {
    // SAFETY: the userdata is a pointer to the descriptor.
    unsafe { *userdata.cast() }
}

unsafe extern "C" fn socket_read(
    userdata: *mut c_void,
    buf: *mut u8,
    n: usize,
    out_n: *mut usize,
) -> rustls_io_result {
    // SAFETY: the buffer is that of the caller.
    let count = unsafe { libc::read(descriptor(userdata), buf.cast(), n) };
    answer(count, out_n)
}

unsafe extern "C" fn socket_write(
    userdata: *mut c_void,
    buf: *const u8,
    n: usize,
    out_n: *mut usize,
) -> rustls_io_result {
    // SAFETY: the buffer is that of the caller.
    let count = unsafe { libc::write(descriptor(userdata), buf.cast(), n) };
    answer(count, out_n)
}

unsafe extern "C" fn socket_write_vectored(
    userdata: *mut c_void,
    iov: *const rustls_iovec,
    count: usize,
    out_n: *mut usize,
) -> rustls_io_result {
    let count = i32::try_from(count).expect("no more slices than writev accepts");
    // SAFETY: the slices are those of the caller.
    let count = unsafe { libc::writev(descriptor(userdata), iov.cast(), count) };
    answer(count, out_n)
}

type Transport = CallbackIo<CCallbacks, Descriptor<Arc<OwnedFd>>>;

/// A transport of C callbacks over the socket; `number` is their userdata.
fn transport(socket: UnixStream, number: &RawFd, vectored: bool) -> Transport {
    assert_eq!(socket.as_raw_fd(), *number);
    socket.set_nonblocking(true).expect("a socket");
    let socket = Arc::new(OwnedFd::from(socket));
    let userdata = ptr::from_ref(number).cast_mut().cast();
    // SAFETY: the callbacks only read the number, and the socket is open as long as the transport.
    let callbacks = unsafe {
        CCallbacks::new(Some(socket_read), Some(socket_write), userdata)
            .with_write_vectored(vectored.then_some(socket_write_vectored as _))
    };
    CallbackIo::new(callbacks, Descriptor::new(socket).expect("a runtime"))
}

#[tokio::test]
async fn rustls_works_over_c_callbacks() {
    for version in Version::ALL {
        for vectored in [true, false] {
            let (ours, theirs) = UnixStream::pair().unwrap();
            let numbers = [ours.as_raw_fd(), theirs.as_raw_fd()];
            let client = transport(ours, &numbers[0], vectored);
            let server = transport(theirs, &numbers[1], !vectored);
            let (client, server) = tokio::join!(
                connector(version).connect(localhost(), client),
                acceptor(version).accept(server),
            );
            exchange(client.unwrap(), server.unwrap()).await;
        }
    }
}

#[tokio::test]
async fn rustls_ffi_works_over_c_callbacks() {
    for version in Version::ALL {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let numbers = [ours.as_raw_fd(), theirs.as_raw_fd()];
        let client = transport(ours, &numbers[0], true);
        let server = transport(theirs, &numbers[1], true);
        let (client, server) = tokio::join!(
            Side::Client.connection(version).handshake(client),
            Side::Server.connection(version).handshake(server),
        );
        exchange(client.unwrap(), server.unwrap()).await;
    }
}

/// Sends more than the socket holds in both directions, followed by a clean end.
async fn exchange<C, S>(mut client: C, mut server: S)
where
    C: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    let data = pattern(1_000_000);
    let ((), received) = tokio::join!(send(&mut client, &data), receive(&mut server, data.len()),);
    assert!(received == data);
    let ((), received) = tokio::join!(send(&mut server, &data), receive(&mut client, data.len()),);
    assert!(received == data);
    client.shutdown().await.unwrap();
    assert_eq!(server.read(&mut [0]).await.unwrap(), 0);
}
