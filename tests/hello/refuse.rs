//! Refusing the connection.

use super::{WIDE, alert, configs, connect, error_kind, first_bytes, for_each_shape, setup};
use pollback::rustls::AlertDescription;
use pollback::{ErrorKind, hello};
use pollback_testkit::budget::run_with;
use pollback_testkit::configs::Version;
use pollback_testkit::executor::{self, Executor};
use pollback_testkit::pipe::pipe;
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tokio::runtime::Builder;

#[test]
fn the_chosen_alert_reaches_the_client_over_every_transport() {
    for_each_shape(|version, shape| {
        let (near, far) = shape.open();
        let (client, _) = configs(&setup(version));
        let (error, ()) = executor::join(connect(client, near), async {
            let incoming = hello::peek(far).await.expect("a hello");
            drop(incoming.refuse(AlertDescription::UnrecognisedName).await);
        });
        let kind = error_kind(&error.expect_err("refused"));
        let expected = ErrorKind::Alert(AlertDescription::UnrecognisedName);
        assert_eq!(kind, Some(expected));
    });
}

#[test]
fn data_sent_before_the_refusal_is_read() {
    let (mut near, far) = pipe(WIDE);
    let io = far.control();
    io.inject(&first_bytes(Version::Tls13));
    executor::join(async { near.write_all(&[0; 5000]).await.unwrap() }, async {
        let incoming = hello::peek(far).await.expect("a hello");
        drop(incoming.refuse(AlertDescription::AccessDenied).await);
    });
    assert_eq!(io.unread(), 0);
    assert_eq!(io.written(), alert(AlertDescription::AccessDenied));
}

/// Without budget a transport of tokio seems to have nothing to read.
#[test]
fn data_sent_before_the_refusal_is_read_whatever_budget_is_left() {
    let bytes = first_bytes(Version::Tls13);
    let runtime = Builder::new_current_thread().build().unwrap();
    for left in 1..4 {
        let unread = runtime.block_on(async {
            let (mut near, far) = duplex(WIDE);
            near.write_all(&bytes).await.unwrap();
            let incoming = hello::peek(far).await.expect("a hello");
            near.write_all(&[0; 5000]).await.unwrap();
            let refuse = incoming.refuse(AlertDescription::AccessDenied);
            let mut far = run_with(left, refuse).await;
            drop(near);
            let mut unread = Vec::new();
            far.read_to_end(&mut unread).await.unwrap();
            unread
        });
        assert_eq!(unread, [], "{left} left");
    }
}

#[test]
fn anything_but_a_hello_is_answered_with_an_alert() {
    let (_near, far) = pipe(2);
    let io = far.control();
    io.inject(b"GET / HTTP/1.1\r\n\r\n");
    let mut executor = Executor::new();
    let mut peek = hello::peek(far);
    let look = executor.spawn("server", async move {
        let error = (&mut peek).await.expect_err("no TLS");
        let again = (&mut peek).await.expect_err("still none");
        (error_kind(&error), again.kind(), peek.take_io().is_some())
    });
    // Two bytes go into the pipe at a time.
    let mut answer = Vec::new();
    while !executor.run_until_stalled() {
        answer.extend(io.take_unread_by_peer());
    }
    answer.extend(io.take_unread_by_peer());
    assert_eq!(answer, alert(AlertDescription::DecodeError));
    let (kind, again, is_there) = look.take();
    assert_eq!(kind, Some(ErrorKind::NotTls));
    assert_eq!(again, std::io::ErrorKind::Other);
    assert!(is_there);
}
