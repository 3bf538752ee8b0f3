//! TLS over transports that are made of closures.

use std::io::{self, IoSlice, Read, Write};
use std::sync::Arc;
use std::thread;

use pollback::callback::{Callback, CallbackIo, Callbacks, Direction, ReadinessHandle, Signalled};
use pollback::rustls::pki_types::ServerName;
use pollback::{ErrorKind, TlsAcceptor, TlsConnector, client, server};
use pollback_testkit::configs::{Setup, Version};
use pollback_testkit::executor::{Executor, block_on};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

#[cfg(all(unix, feature = "fd"))]
use crate::descriptor;
use crate::memory::{self, End};
use crate::script::{Script, Transport};
use crate::support::{Writes, assert_kind, assert_unregistered, private_error, would_block};

/// Runs a future on this thread.
fn run<F: Future>(future: F) -> F::Output {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_io().build().unwrap().block_on(future)
}

fn megabyte() -> Vec<u8> {
    (0..=250).cycle().take(1 << 20).collect()
}

async fn connect<IO>(setup: &Setup, io: IO) -> io::Result<client::TlsStream<IO>>
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    let name = ServerName::try_from("localhost").unwrap();
    let connector = TlsConnector::from(Arc::new(setup.client()));
    connector.connect(name, io).await
}

async fn accept<IO>(setup: &Setup, io: IO) -> io::Result<server::TlsStream<IO>>
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    TlsAcceptor::from(Arc::new(setup.server())).accept(io).await
}

/// Sends a megabyte, and reads it back at the same time.
async fn run_client(setup: &Setup, io: impl AsyncRead + AsyncWrite + Unpin) {
    let stream = connect(setup, io).await.unwrap();
    let (mut reader, mut writer) = tokio::io::split(stream);
    let sent = megabyte();
    let mut received = Vec::new();
    let write = async {
        writer.write_all(&sent).await.unwrap();
        writer.shutdown().await.unwrap();
    };
    let (read, ()) = tokio::join!(reader.read_to_end(&mut received), write);
    read.unwrap();
    assert!(received == sent, "the received bytes differ");
}

/// Echoes until the end.
async fn run_server(setup: &Setup, io: impl AsyncRead + AsyncWrite + Unpin) {
    let stream = accept(setup, io).await.unwrap();
    let (mut reader, mut writer) = tokio::io::split(stream);
    tokio::io::copy(&mut reader, &mut writer).await.unwrap();
    writer.shutdown().await.unwrap();
}

/// Each side on a thread of its own, which wakes the other through a handle.
#[test]
fn an_echo_over_queues_in_memory() {
    for version in Version::ALL {
        let setup = Setup::new(version);
        let writes = [Arc::<Writes>::default(), Arc::default()];
        let (ours, theirs) = memory::pair(5_000);
        let (server, counts) = (setup.clone(), Arc::clone(&writes[1]));
        let echo = thread::spawn(move || run(run_server(&server, theirs.transport(&counts))));
        run(run_client(&setup, ours.transport(&writes[0])));
        echo.join().unwrap();
        writes.iter().for_each(|writes| writes.assert_vectored());
    }
}

/// Both sides on this thread, which waits for two descriptors.
#[cfg(all(unix, feature = "fd"))]
#[test]
fn an_echo_over_a_raw_socket() {
    for version in Version::ALL {
        let setup = Setup::new(version);
        let writes = [Arc::<Writes>::default(), Arc::default()];
        let (ours, theirs) = descriptor::pair();
        run(async {
            let ours = descriptor::transport(ours, &writes[0]);
            let theirs = descriptor::transport(theirs, &writes[1]);
            tokio::join!(run_client(&setup, ours), run_server(&setup, theirs));
        });
        writes.iter().for_each(|writes| writes.assert_vectored());
    }
}

/// A callback that over-reports an attempt, and moves nothing in it, whenever it is requested.
struct Lying<C> {
    callback: C,
    next: Option<Direction>,
}

impl<C> Lying<C> {
    /// Whether this attempt is to be over-reported.
    fn lies(&mut self, direction: Direction) -> bool {
        self.next.take_if(|next| *next == direction).is_some()
    }
}

impl<C: Read> Read for Lying<C> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.lies(Direction::Read) {
            return Ok(buf.len() + 1);
        }
        self.callback.read(buf)
    }
}

impl<C: Write> Write for Lying<C> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        if self.lies(Direction::Write) {
            return Ok(buf.len() + 1);
        }
        self.callback.write(buf)
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        if self.lies(Direction::Write) {
            return Ok(bufs.iter().map(|buf| buf.len()).sum::<usize>() + 1);
        }
        self.callback.write_vectored(bufs)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.callback.flush()
    }
}

impl<C: Callback> Callback for Lying<C> {
    fn has_write_vectored(&self) -> bool {
        self.callback.has_write_vectored()
    }

    fn shutdown(&mut self) -> io::Result<()> {
        self.callback.shutdown()
    }
}

fn lying(end: End) -> CallbackIo<Lying<impl Callback>, Signalled> {
    let (callback, readiness) = end.transport(&Arc::default()).into_parts();
    let callback = Lying {
        callback,
        next: None,
    };
    CallbackIo::new(callback, readiness)
}

/// Each false report is an error, and a program that continues after it sends every byte once.
#[test]
fn nothing_follows_an_over_reported_write() {
    for version in Version::ALL {
        let setup = Setup::new(version);
        let (ours, theirs) = memory::pair(5_000);
        let (bytes, mut executor) = (megabyte(), Executor::new());
        let received = executor.spawn("server", async {
            let mut stream = accept(&setup, theirs.transport(&Arc::default()))
                .await
                .unwrap();
            let mut received = Vec::new();
            stream.read_to_end(&mut received).await.unwrap_err();
            received
        });
        executor.spawn("client", async {
            let mut stream = connect(&setup, lying(ours)).await.unwrap();
            stream.write_all(&bytes[..1000]).await.unwrap();
            stream.get_mut().0.get_mut().next = Some(Direction::Write);
            // It is unknown how much such a transport has accepted.
            for _ in 0..2 {
                let error = stream.write_all(&bytes[1000..]).await.unwrap_err();
                assert_kind(&error, ErrorKind::OverReported);
            }
        });
        executor.run();
        let received = received.take();
        assert!(!received.is_empty());
        assert!(bytes.starts_with(&received), "the received bytes differ");
    }
}

#[test]
fn an_over_reported_read_is_permanent_and_yields_no_false_bytes() {
    for version in Version::ALL {
        let setup = Setup::new(version);
        let (ours, theirs) = memory::pair(5_000);
        let (bytes, mut executor) = (megabyte(), Executor::new());
        executor.spawn("server", async {
            let mut stream = accept(&setup, theirs.transport(&Arc::default()))
                .await
                .unwrap();
            stream.write_all(&bytes).await.unwrap_err();
        });
        let client = executor.spawn("client", async {
            let mut stream = connect(&setup, lying(ours)).await.unwrap();
            let mut received = Vec::new();
            stream.read_buf(&mut received).await.unwrap();
            stream.get_mut().0.get_mut().next = Some(Direction::Read);
            for _ in 0..2 {
                // Data that has already arrived is returned first.
                let error = loop {
                    if let Err(error) = stream.read_buf(&mut received).await {
                        break error;
                    }
                };
                assert_kind(&error, ErrorKind::OverReported);
            }
            received
        });
        executor.run();
        let received = client.take();
        assert!(!received.is_empty());
        assert!(bytes.starts_with(&received), "the received bytes differ");
    }
}

/// The error of a handshake over these two closures.
fn failure(
    read: impl FnMut(&mut [u8]) -> io::Result<usize>,
    write: impl FnMut(&[u8]) -> io::Result<usize>,
) -> io::Error {
    let (handle, readiness) = ReadinessHandle::new();
    drop(handle);
    let io = CallbackIo::new(Callbacks::new(read, write), readiness);
    block_on(connect(&Setup::new(Version::Tls13), io)).unwrap_err()
}

#[test]
fn the_error_of_a_closure_fails_the_handshake_as_the_same_object() {
    let (error, identity) = private_error(io::ErrorKind::ConnectionReset);
    let mut error = Some(error);
    let failed = failure(|_| Err(would_block()), |_| Err(error.take().unwrap()));
    identity.assert_is(&failed);

    let (error, identity) = private_error(io::ErrorKind::ConnectionReset);
    let mut error = Some(error);
    let failed = failure(|_| Err(error.take().unwrap()), |buf| Ok(buf.len()));
    identity.assert_is(&failed);
}

#[test]
fn a_closure_that_accepts_nothing_fails_the_handshake() {
    let failed = failure(|_| Err(would_block()), |_| Ok(0));
    assert_eq!(failed.kind(), io::ErrorKind::WriteZero);
    assert_kind(&failed, ErrorKind::WriteZero);
}

#[test]
fn a_closure_that_over_reports_fails_the_handshake() {
    let failed = failure(|_| Err(would_block()), |buf| Ok(buf.len() + 1));
    assert_kind(&failed, ErrorKind::OverReported);
    let failed = failure(|buf| Ok(buf.len() + 1), |buf| Ok(buf.len()));
    assert_kind(&failed, ErrorKind::OverReported);
}

#[test]
fn a_closure_without_an_owner_fails_the_handshake() {
    let failed = failure(|_| Err(would_block()), |buf| Ok(buf.len()));
    assert_kind(&failed, ErrorKind::Abandoned);
}

#[test]
fn a_transport_that_registers_no_waker_fails_the_handshake() {
    let (error, identity) = private_error(io::ErrorKind::WouldBlock);
    let script = Script::new([Err(error)]);
    // The reason for a failed write may be readable.
    script.add_pending();
    let transport = Transport::new(&script);
    let answer = block_on(connect(&Setup::new(Version::Tls13), transport));
    let failed = answer.map(|_| "connected").unwrap_err();
    assert_unregistered(&failed, &identity);
}
