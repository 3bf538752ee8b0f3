//! Handshakes that do not delay established connections.

use futures_util::{StreamExt, stream};
use pollback::listener::{Handshaker, Stage, TlsListener, Transports};
use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::sync::Notify;
use tokio::task::yield_now;

/// A handshake of some steps, each of which is counted.
#[derive(Clone)]
struct Steps(Arc<AtomicUsize>);

const STEPS: usize = 3;

impl Handshaker<DuplexStream> for Steps {
    type Stream = DuplexStream;
    type HandshakeData = ();

    async fn handshake(
        self,
        mut io: DuplexStream,
        _: &mut Stage,
    ) -> io::Result<(DuplexStream, ())> {
        for _ in 0..STEPS {
            self.0.fetch_add(1, Ordering::Relaxed);
            io.read_u8().await?;
        }
        Ok((io, ()))
    }
}

#[tokio::test]
async fn only_one_handshake_computes_between_two_turns_of_another_task() {
    const CLIENTS: usize = 64;
    let steps = Arc::new(AtomicUsize::new(0));
    let (clients, servers): (Vec<_>, Vec<_>) = (0..CLIENTS).map(|_| duplex(16)).unzip();
    let source = stream::iter(servers.into_iter().map(|io| io::Result::Ok((io, 1))));
    let mut listener = TlsListener::new(
        Transports(source.chain(stream::pending())),
        Steps(Arc::clone(&steps)),
    );
    let accepting = tokio::spawn(async move {
        for _ in 0..CLIENTS {
            listener.accept().await.expect("a connection");
        }
    });
    let mut clients = clients;
    let mut most = 0;
    for _ in 0..STEPS {
        for client in &mut clients {
            client.write_all(&[1]).await.unwrap();
        }
        for _ in 0..10 * CLIENTS {
            let before = steps.load(Ordering::Relaxed);
            yield_now().await;
            most = most.max(steps.load(Ordering::Relaxed) - before);
        }
    }
    accepting.await.unwrap();
    assert_eq!(steps.load(Ordering::Relaxed), STEPS * CLIENTS);
    // One for each worker, and one that has already had its turn.
    assert!(most <= 2, "{most} of {CLIENTS} in a row");
}

/// A handshake of one step, during which a request of an established connection arrives.
#[cfg(unix)]
#[derive(Clone)]
struct Interrupted {
    client: Arc<std::os::unix::net::UnixStream>,
    served: Arc<AtomicUsize>,
    sent: Arc<AtomicUsize>,
    delayed: Arc<AtomicUsize>,
}

#[cfg(unix)]
impl Handshaker<DuplexStream> for Interrupted {
    type Stream = DuplexStream;
    type HandshakeData = ();

    async fn handshake(self, io: DuplexStream, _: &mut Stage) -> io::Result<(DuplexStream, ())> {
        use std::io::Write;

        let sent = self.sent.fetch_add(1, Ordering::Relaxed);
        let waiting = sent - self.served.load(Ordering::Relaxed);
        self.delayed.fetch_add(waiting, Ordering::Relaxed);
        (&*self.client).write_all(&[1])?;
        Ok((io, ()))
    }
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn requests_that_arrive_during_a_handshake_are_served_before_the_next_one() {
    const CLIENTS: usize = 64;
    let (mut established, client) = tokio::net::UnixStream::pair().unwrap();
    let handshaker = Interrupted {
        client: Arc::new(client.into_std().unwrap()),
        served: Arc::default(),
        sent: Arc::default(),
        delayed: Arc::default(),
    };
    let (served, delayed) = (handshaker.served.clone(), handshaker.delayed.clone());
    let server = tokio::spawn(async move {
        for _ in 0..CLIENTS {
            established.read_u8().await.unwrap();
            served.fetch_add(1, Ordering::Relaxed);
        }
    });
    let (_clients, servers): (Vec<_>, Vec<_>) = (0..CLIENTS).map(|_| duplex(16)).unzip();
    let source = stream::iter(servers.into_iter().map(|io| io::Result::Ok((io, 1))));
    let source = Transports(source.chain(stream::pending()));
    let mut listener = TlsListener::new(source, handshaker);
    let accepting = tokio::spawn(async move {
        for _ in 0..CLIENTS {
            listener.accept().await.expect("a connection");
        }
    });
    accepting.await.unwrap();
    server.await.unwrap();
    let delayed = delayed.load(Ordering::Relaxed);
    // The worker also polls its driver after every 61 tasks, whatever is in its queue.
    assert!(delayed <= 4, "{delayed} of {CLIENTS} were delayed");
}

/// A handshake that waits until it is released.
#[derive(Clone)]
struct Waits(Arc<Notify>);

impl Handshaker<DuplexStream> for Waits {
    type Stream = DuplexStream;
    type HandshakeData = ();

    async fn handshake(self, io: DuplexStream, _: &mut Stage) -> io::Result<(DuplexStream, ())> {
        if io_number(&io).await == 0 {
            self.0.notified().await;
        }
        Ok((io, ()))
    }
}

/// Simulates work of a handshake; returns 0 the first time.
async fn io_number(_: &DuplexStream) -> usize {
    static CAME: AtomicUsize = AtomicUsize::new(0);
    let mut polls = 0;
    // Polled again at once, as if bytes had arrived while it computes.
    poll_fn(|cx| {
        polls += 1;
        cx.waker().wake_by_ref();
        match polls {
            1..3 => Poll::Pending,
            _ => Poll::Ready(()),
        }
    })
    .await;
    CAME.fetch_add(1, Ordering::Relaxed)
}

#[tokio::test(start_paused = true)]
async fn a_waiting_handshake_blocks_no_other() {
    let go = Arc::new(Notify::new());
    let source = stream::iter((0..10).map(|number| io::Result::Ok((duplex(1).0, number))));
    let mut listener = TlsListener::new(Transports(source), Waits(Arc::clone(&go)));
    for _ in 1..10 {
        listener.accept().await.expect("a connection");
    }
    go.notify_one();
    listener.accept().await.expect("the first one");
    assert!(listener.accept().await.is_none());
}

/// Records where it runs.
#[cfg(all(feature = "handshake-threads", target_os = "linux"))]
#[derive(Clone)]
struct Whereabouts;

#[cfg(all(feature = "handshake-threads", target_os = "linux"))]
impl Handshaker<DuplexStream> for Whereabouts {
    type Stream = DuplexStream;
    type HandshakeData = (Option<String>, i32);

    async fn handshake(
        self,
        io: DuplexStream,
        _: &mut Stage,
    ) -> io::Result<(DuplexStream, Self::HandshakeData)> {
        let name = std::thread::current().name().map(str::to_owned);
        let niceness = rustix::process::getpriority_process(None)?;
        Ok((io, (name, niceness)))
    }
}

#[cfg(all(feature = "handshake-threads", target_os = "linux"))]
#[tokio::test]
async fn handshakes_can_have_threads_of_their_own_at_a_low_priority() {
    let ours = rustix::process::getpriority_process(None).unwrap();
    let source = stream::iter([io::Result::Ok((duplex(1).0, 1))]);
    let mut listener = TlsListener::new(Transports(source), Whereabouts)
        .with_handshake_threads(0)
        .unwrap();
    let connection = listener.accept().await.unwrap();
    let (name, niceness) = connection.peer().handshake_data.clone();
    assert_eq!(name.as_deref(), Some("tls-handshakes"));
    assert_eq!(niceness, (ours + 10).min(19));
    assert_eq!(rustix::process::getpriority_process(None).unwrap(), ours);
    // Waiting for a runtime is not allowed here.
    drop(listener);
}
