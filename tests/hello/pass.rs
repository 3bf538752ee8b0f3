//! Passing the connection on.

use super::{WIDE, configs, connect, first_bytes, for_each_shape, meet, setup};
use pollback::hello::{self, Rewind};
use pollback::{ErrorKind, TlsAcceptor};
use pollback_testkit::configs::Version;
use pollback_testkit::executor::{self, Executor};
use pollback_testkit::pipe::pipe;
use std::io::IoSlice;
use tokio::io::{AsyncReadExt, AsyncWrite, AsyncWriteExt};

#[test]
fn a_backend_does_the_whole_handshake_over_every_transport() {
    for_each_shape(|version, shape| {
        let (near, far) = shape.open();
        let (client, server) = configs(&setup(version));
        meet(connect(client, near), async move {
            let rewind = hello::peek(far).await?.into_rewind();
            TlsAcceptor::from(server).accept(rewind).await
        });
    });
}

#[test]
fn every_byte_is_returned_again_and_then_the_rest() {
    let hello = first_bytes(Version::Tls13);
    for room in [1, 3, 4096] {
        let (mut near, far) = pipe(WIDE);
        far.control().inject(&hello);
        let ((), received) = executor::join(
            async {
                near.write_all(b"and more").await.unwrap();
                near.shutdown().await.unwrap();
            },
            async {
                let mut rewind = hello::peek(far).await.unwrap().into_rewind();
                let mut received = Vec::new();
                let mut buffer = vec![0; room];
                loop {
                    match rewind.read(&mut buffer).await.unwrap() {
                        0 => return received,
                        count => received.extend_from_slice(&buffer[..count]),
                    }
                }
            },
        );
        assert_eq!(received, [&hello[..], b"and more"].concat(), "{room}");
    }
}

#[test]
fn writes_do_not_wait_for_the_reader_and_stay_vectored() {
    let bytes = first_bytes(Version::Tls13);
    let (near, far) = pipe(WIDE);
    let (io, peer) = (far.control(), near.control());
    io.inject(&bytes);
    let mut executor = Executor::new();
    let wrote = executor.spawn("writer", async move {
        let mut rewind = hello::peek(far).await.unwrap().into_rewind();
        assert!(rewind.is_write_vectored());
        let slices = [IoSlice::new(b"one "), IoSlice::new(b"call")];
        assert_eq!(rewind.write_vectored(&slices).await.unwrap(), 8);
        rewind.flush().await.unwrap();
        rewind.shutdown().await.unwrap();
        rewind
    });
    executor.run();
    let rewind = wrote.take();
    assert_eq!(io.written(), b"one call");
    let counts = io.counts();
    assert_eq!((counts.vectored.calls, counts.write.calls), (1, 0));
    assert_eq!((counts.flush.calls, counts.shutdown.calls), (1, 1));
    assert_eq!(peer.unread(), 8);
    assert_eq!(rewind.bytes(), bytes);

    io.scalar();
    assert!(!rewind.is_write_vectored());
}

#[test]
fn unread_bytes_are_returned_with_the_transport() {
    let (_near, far) = pipe(WIDE);
    let mut rewind = Rewind::new(b"abcdef".to_vec(), far);
    let mut executor = Executor::new();
    let read = executor.spawn("reader", async move {
        let mut two = [0; 2];
        rewind.read_exact(&mut two).await.unwrap();
        (two, rewind)
    });
    executor.run();
    let (two, rewind) = read.take();
    assert_eq!(&two, b"ab");
    assert_eq!(rewind.into_parts().0, b"cdef");
}

#[test]
fn anything_but_a_hello_can_be_passed_on_unanswered() {
    let (_near, far) = pipe(WIDE);
    let io = far.control();
    io.inject(b"SSH-2.0-OpenSSH_9.6\r\n");
    let mut peek = hello::peek(far).without_alert();
    let mut executor = Executor::new();
    let passed = executor.spawn("server", async move {
        let error = (&mut peek).await.expect_err("no TLS");
        let mut rewind = peek.take_io().expect("it failed");
        assert!(peek.take_io().is_none());
        let mut received = [0; 21];
        rewind.read_exact(&mut received).await.unwrap();
        (error, received)
    });
    executor.run();
    let (error, received) = passed.take();
    assert_eq!(super::error_kind(&error), Some(ErrorKind::NotTls));
    assert_eq!(&received, b"SSH-2.0-OpenSSH_9.6\r\n");
    assert!(io.written().is_empty(), "nothing was answered");
}

#[test]
fn cancelling_half_way_loses_nothing() {
    let bytes = first_bytes(Version::Tls13);
    let (_near, far) = pipe(WIDE);
    let io = far.control();
    io.inject(&bytes[..100]);
    let mut peek = hello::peek(far);
    {
        let mut executor = Executor::new();
        executor.spawn("server", &mut peek);
        assert!(!executor.run_until_stalled());
    }
    let rewind = peek.take_io().expect("nothing was decided");
    assert_eq!(rewind.bytes(), &bytes[..100]);
    let mut executor = Executor::new();
    let again = executor.spawn("server", hello::peek(rewind));
    assert!(!executor.run_until_stalled());
    io.inject(&bytes[100..]);
    executor.run();
    assert_eq!(
        again.take().expect("a hello").client_hello().records(),
        bytes
    );
}

#[cfg(unix)]
#[tokio::test]
async fn the_descriptor_is_that_of_the_transport() {
    use std::os::fd::{AsFd, AsRawFd};

    let (near, _far) = tokio::net::UnixStream::pair().unwrap();
    let descriptor = near.as_raw_fd();
    let rewind = Rewind::new(Vec::new(), near);
    assert_eq!(rewind.as_raw_fd(), descriptor);
    assert_eq!(rewind.as_fd().as_raw_fd(), descriptor);
}
