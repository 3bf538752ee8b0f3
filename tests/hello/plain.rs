//! TLS and something else on one port.

use super::{WIDE, configs, connect, error_kind, for_each_shape, hear, meet, say, setup};
use pollback::ErrorKind;
use pollback::hello::{self, Peeked};
use pollback_testkit::executor::{self, Executor};
use pollback_testkit::hellos::{modern, records};
use pollback_testkit::pipe::pipe;
use std::io;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n";

#[test]
fn a_plain_client_loses_no_byte_over_every_transport() {
    for_each_shape(|_, shape| {
        let (mut near, far) = shape.open();
        let io = far.control();
        executor::join(
            async {
                say(&mut near, REQUEST).await;
                hear(&mut near, b"moved").await;
            },
            async {
                let peeked = hello::peek(far).or_plain().await.expect("a client");
                let Peeked::Plain(mut plain) = peeked else {
                    panic!("this is no TLS");
                };
                assert!(io.written().is_empty(), "nothing is answered");
                hear(&mut plain, REQUEST).await;
                say(&mut plain, b"moved").await;
            },
        );
    });
}

#[test]
fn a_client_with_tls_is_accepted_on_the_same_port_over_every_transport() {
    for_each_shape(|version, shape| {
        let (near, far) = shape.open();
        let (client, server) = configs(&setup(version));
        meet(connect(client, near), async move {
            match hello::peek(far).or_plain().await? {
                Peeked::Tls(incoming) => incoming.accept(server).await,
                Peeked::Plain(_) => panic!("this is TLS"),
            }
        });
    });
}

#[test]
fn one_byte_can_be_enough() {
    let (_near, far) = pipe(WIDE);
    far.control().inject(b"h");
    let mut executor = Executor::new();
    let look = executor.spawn("server", hello::peek(far).or_plain());
    executor.run();
    let Peeked::Plain(rewind) = look.take().expect("a client") else {
        panic!("this is no TLS");
    };
    assert_eq!(rewind.bytes(), b"h");
}

#[test]
fn truncated_or_invalid_tls_is_neither() {
    let data = [23, 3, 3, 0, 1, 0];
    let half = &records(&modern(b"a.example"), 16_384)[..300];
    for (bytes, kind, answer) in [
        (&b""[..], ErrorKind::Truncated, 0),
        (half, ErrorKind::Truncated, 0),
        (&data, ErrorKind::Misbehaved, 7),
    ] {
        let (mut near, far) = pipe(WIDE);
        let io = far.control();
        let mut peek = hello::peek(far).or_plain();
        let (error, ()) = executor::join(&mut peek, async {
            near.write_all(bytes).await.unwrap();
            near.shutdown().await.unwrap();
        });
        assert_eq!(error_kind(&error.expect_err("neither")), Some(kind));
        assert_eq!(io.written().len(), answer);
        assert_eq!(peek.bytes(), bytes);
        let rewind = peek.take_io().expect("it failed");
        assert_eq!(rewind.bytes(), bytes);
    }
}

#[test]
fn cancelling_for_a_silent_client_returns_the_transport() {
    let (_near, far) = pipe(WIDE);
    let io = far.control();
    let mut peek = hello::peek(far).or_plain();
    {
        let mut executor = Executor::new();
        executor.spawn("server", &mut peek);
        assert!(!executor.run_until_stalled());
    }
    let mut plain = peek.take_io().expect("nothing was decided");
    let error = executor::block_on(peek).expect_err("it is gone");
    assert_eq!(error.kind(), io::ErrorKind::Other);
    io.inject(b"late");
    let mut late = [0; 4];
    executor::block_on(plain.read_exact(&mut late)).unwrap();
    assert_eq!(&late, b"late");
}
