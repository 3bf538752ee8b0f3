//! The server's way over a `rustls_acceptor`.

use std::io::{self, Write};
use std::ptr::{null, null_mut};

use pollback::ffi::rustls_ffi::acceptor::{
    rustls_accepted, rustls_accepted_alert, rustls_acceptor,
};
use pollback::ffi::rustls_ffi::connection::rustls_connection;
use pollback::ffi::rustls_ffi::rustls_result;
use pollback::ffi::{self, FfiAccepted, FfiAcceptor, lend_read, lend_write};
use pollback::rustls::AlertDescription;
use pollback::{Error, ErrorKind};
use pollback_testkit::configs::Version;
use pollback_testkit::executor::{self, Executor};
use pollback_testkit::pipe::{End, SHAPES, pipe};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::configs::ServerConfig;
use crate::pair::{code, write_tls};
use crate::script::{Scripted, fails};
use crate::support::{Side, WIDE, connector, localhost, receive, send};

/// An alert record in plaintext.
fn alert(description: AlertDescription) -> Vec<u8> {
    vec![21, 3, 3, 0, 2, 2, description.into()]
}

fn kind<T>(answer: io::Result<T>) -> Option<ErrorKind> {
    match answer {
        Ok(_) => panic!("a failure was expected"),
        Err(error) => Error::find(&error).map(|error| error.kind()),
    }
}

#[test]
fn a_server_chooses_by_the_hello_over_every_transport() {
    for shape in &SHAPES {
        for version in Version::ALL {
            eprintln!("{version:?} over {}", shape.name);
            let (ours, theirs) = shape.open();
            let config = ServerConfig::new(version);
            let mut executor = Executor::new();
            let name = executor.spawn("server", async {
                let accepted = FfiAcceptor::new(ours).await.expect("a hello");
                let name = server_name(&accepted);
                // SAFETY: the configuration outlives the call, and nothing is attached to it.
                let handshake = unsafe { accepted.into_stream(config.as_ptr()) };
                let mut stream = handshake.await.expect("a handshake");
                assert_eq!(receive(&mut stream, 5).await, b"hello");
                send(&mut stream, b"and welcome").await;
                stream.shutdown().await.expect("a shutdown");
                name
            });
            executor.spawn("client", async {
                let connect = connector(version).connect(localhost(), theirs);
                let mut stream = connect.await.expect("a handshake");
                send(&mut stream, b"hello").await;
                assert_eq!(receive(&mut stream, 11).await, b"and welcome");
                assert_eq!(stream.read(&mut [0]).await.expect("a clean end"), 0);
            });
            executor.run();
            assert_eq!(name.take(), "localhost");
        }
    }
}

#[test]
fn what_is_no_hello_is_answered_with_an_alert() {
    for (bytes, expected, told) in [
        (
            b"GET / HTTP/1.1\r\n\r\n".to_vec(),
            ErrorKind::NotTls,
            AlertDescription::DecodeError,
        ),
        (
            alert(AlertDescription::HandshakeFailure),
            ErrorKind::Misbehaved,
            // rustls prepares none for this.
            AlertDescription::UnexpectedMessage,
        ),
    ] {
        // One byte at a time fits, so that the alert needs a poll for each of its bytes.
        for capacity in [1, WIDE] {
            let (ours, mut peer) = pipe(capacity);
            let control = ours.control();
            let mut acceptor = FfiAcceptor::new(ours);
            let mut executor = Executor::new();
            let server = executor.spawn("server", async {
                let answer = (&mut acceptor).await;
                assert!(acceptor.take_io().is_some());
                answer
            });
            executor.spawn("client", async {
                let _ = peer.write_all(&bytes).await;
                let mut heard = Vec::new();
                let _ = peer.read_to_end(&mut heard).await;
            });
            executor.run();
            assert_eq!(kind(server.take()), Some(expected));
            assert_eq!(control.written(), alert(told));
        }
    }
}

#[test]
fn a_client_that_the_configuration_refuses_gets_an_alert() {
    for (ours_is, theirs_is) in [
        (Version::Tls12, Version::Tls13),
        (Version::Tls13, Version::Tls12),
    ] {
        for capacity in [1, WIDE] {
            let (ours, theirs) = pipe(capacity);
            let config = ServerConfig::new(ours_is);
            let (server, client) = executor::join(
                async {
                    let accepted = FfiAcceptor::new(ours).await?;
                    // SAFETY: the configuration outlives the call, and nothing is attached to it.
                    unsafe { accepted.into_stream(config.as_ptr()) }.await
                },
                connector(theirs_is).connect(localhost(), theirs),
            );
            // rustls-ffi says that they do not fit, and not in what.
            assert_eq!(kind(server), Some(ErrorKind::Tls));
            let told = ErrorKind::Alert(AlertDescription::ProtocolVersion);
            assert_eq!(kind(client), Some(told));
        }
    }
}

#[test]
fn a_null_configuration_is_refused_with_an_alert() {
    let (ours, theirs) = pipe(WIDE);
    let (server, client) = executor::join(
        async {
            let accepted = FfiAcceptor::new(ours).await?;
            // SAFETY: a null configuration is refused.
            unsafe { accepted.into_stream(null()) }.await
        },
        connector(Version::Tls13).connect(localhost(), theirs),
    );
    assert_eq!(kind(server), Some(ErrorKind::Tls));
    let told = ErrorKind::Alert(AlertDescription::InternalError);
    assert_eq!(kind(client), Some(told));
}

#[test]
fn an_end_before_the_hello_is_whole_is_a_truncation() {
    let hello = client_hello(Version::Tls13);
    for length in [0, 1, 5, hello.len() - 1] {
        let (ours, theirs) = pipe(WIDE);
        ours.control().inject(&hello[..length]);
        drop(theirs);
        let answer = executor::block_on(FfiAcceptor::new(ours));
        assert_eq!(kind(answer), Some(ErrorKind::Truncated));
    }
}

#[test]
fn an_acceptor_that_was_given_up_can_go_on_and_one_that_is_done_fails() {
    let hello = client_hello(Version::Tls12);
    let (ours, theirs) = pipe(WIDE);
    let control = ours.control();
    let mut acceptor = FfiAcceptor::new(ours);
    for part in [&hello[..20], &hello[20..]] {
        let mut executor = Executor::new();
        let wait = executor.spawn("server", &mut acceptor);
        assert!(!executor.run_until_stalled());
        executor.cancel(&wait);
        control.inject(part);
    }
    let accepted = executor::block_on(&mut acceptor).expect("a hello");
    assert_eq!(server_name(&accepted), "localhost");
    assert!(acceptor.take_io().is_none());
    assert!(executor::block_on(acceptor).is_err());
    drop(theirs);
}

#[test]
fn a_second_into_connection_is_refused() {
    for version in Version::ALL {
        let config = ServerConfig::new(version);
        let accepted = accept(&client_hello(version));
        let mut results = Vec::new();
        for _ in 0..2 {
            let (mut connection, mut alert) = (null_mut(), null_mut());
            results.push(rustls_accepted::rustls_accepted_into_connection(
                accepted,
                config.as_ptr(),
                &mut connection,
                &mut alert,
            ));
            assert!(alert.is_null());
            rustls_connection::rustls_connection_free(connection);
        }
        assert_eq!(results, [rustls_result::Ok, rustls_result::AlreadyUsed]);
        rustls_accepted::rustls_accepted_free(accepted);
    }
}

/// Takes one byte of every second call, and would block in the others.
struct Halting {
    taken: Vec<u8>,
    calls: usize,
}

impl Write for Halting {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.calls += 1;
        if self.calls % 2 == 1 {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.taken.push(buf[0]);
        Ok(1)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn an_alert_goes_out_byte_by_byte_to_a_writer_that_blocks_in_between() {
    let acceptor = rustls_acceptor::rustls_acceptor_new();
    let mut garbage = &b"GET / HTTP/1.1\r\n\r\n"[..];
    lend_read(&mut garbage, |userdata, out_n| {
        rustls_acceptor::rustls_acceptor_read_tls(acceptor, Some(ffi::read), userdata, out_n)
    })
    .unwrap();
    let (mut accepted, mut refusal) = (null_mut(), null_mut());
    let result = rustls_acceptor::rustls_acceptor_accept(acceptor, &mut accepted, &mut refusal);
    assert_eq!(result, rustls_result::MessageInvalidContentType);
    assert!(accepted.is_null());

    let write = |sink: &mut dyn Write| {
        lend_write(sink, |userdata, out_n| {
            rustls_accepted_alert::rustls_accepted_alert_write_tls(
                refusal,
                Some(ffi::write),
                userdata,
                out_n,
            )
        })
    };
    for code_of_c in [libc::EINTR, 4096, -1] {
        let script = Scripted::new([fails(code_of_c)]);
        let error = write(&mut script.callbacks()).unwrap_err();
        assert_eq!(code(&error), code_of_c);
    }
    let mut sink = Halting {
        taken: Vec::new(),
        calls: 0,
    };
    let mut blocked = 0;
    loop {
        match write(&mut sink) {
            Ok(0) => break,
            Ok(count) => assert_eq!(count, 1),
            Err(error) => {
                assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
                blocked += 1;
            }
        }
    }
    assert_eq!(sink.taken, alert(AlertDescription::DecodeError));
    assert_eq!(blocked, sink.taken.len());
    rustls_accepted_alert::rustls_accepted_alert_free(refusal);
    rustls_acceptor::rustls_acceptor_free(acceptor);
}

#[test]
fn codes_of_a_c_callback_come_back_from_an_acceptor() {
    for code_of_c in [libc::EAGAIN, libc::EINTR, 4096, -1] {
        let acceptor = rustls_acceptor::rustls_acceptor_new();
        let script = Scripted::new([fails(code_of_c)]);
        let answer = lend_read(&mut script.callbacks(), |userdata, out_n| {
            rustls_acceptor::rustls_acceptor_read_tls(acceptor, Some(ffi::read), userdata, out_n)
        });
        assert_eq!(code(&answer.unwrap_err()), code_of_c);
        rustls_acceptor::rustls_acceptor_free(acceptor);
    }
}

fn server_name(accepted: &FfiAccepted<End>) -> String {
    let name = rustls_accepted::rustls_accepted_server_name(accepted.as_ptr());
    // SAFETY: the hello is there until `accepted` is dropped.
    unsafe { name.to_str() }.to_owned()
}

fn client_hello(version: Version) -> Vec<u8> {
    let mut hello = Vec::new();
    let mut client = Side::Client.connection(version);
    while write_tls(&mut client, &mut hello).expect("a vector takes everything") > 0 {}
    hello
}

fn accept(hello: &[u8]) -> *mut rustls_accepted {
    let acceptor = rustls_acceptor::rustls_acceptor_new();
    let mut rest = hello;
    while !rest.is_empty() {
        lend_read(&mut rest, |userdata, out_n| {
            rustls_acceptor::rustls_acceptor_read_tls(acceptor, Some(ffi::read), userdata, out_n)
        })
        .expect("bytes in memory");
    }
    let (mut accepted, mut alert) = (null_mut(), null_mut());
    let result = rustls_acceptor::rustls_acceptor_accept(acceptor, &mut accepted, &mut alert);
    assert_eq!(result, rustls_result::Ok);
    rustls_acceptor::rustls_acceptor_free(acceptor);
    accepted
}
