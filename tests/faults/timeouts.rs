//! A peer that falls silent at each call of the transport, and a handshake that may take so long.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use pollback::rustls::pki_types::ServerName;
use pollback::rustls::server::Acceptor;
use pollback::stream::{Handshake, TlsConnection, TlsStream};
use pollback::{Error, ErrorKind, LazyConfigAcceptor, TlsAcceptor, TlsConnector};
use pollback_testkit::configs::{Setup, Version};
use pollback_testkit::pipe::{End, pipe};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

const LIMIT: Duration = Duration::from_secs(5);

/// A transport that does nothing any more after so many calls.
#[derive(Debug)]
struct Silent {
    io: End,
    calls_left: usize,
}

impl Silent {
    fn after(calls: usize, io: End) -> Self {
        Self {
            io,
            calls_left: calls,
        }
    }

    fn poll<T>(
        &mut self,
        poll: impl FnOnce(Pin<&mut End>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        match self.calls_left.checked_sub(1) {
            Some(left) => {
                self.calls_left = left;
                poll(Pin::new(&mut self.io))
            }
            None => Poll::Pending,
        }
    }
}

impl AsyncRead for Silent {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.poll(|io| io.poll_read(cx, buf))
    }
}

impl AsyncWrite for Silent {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll(|io| io.poll_write(cx, buf))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll(|io| io.poll_flush(cx))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll(|io| io.poll_shutdown(cx))
    }
}

/// How a handshake of ours has gone: the stream, or what the transport was good for.
async fn outcome<C>(handshake: Handshake<Silent, C>) -> Result<TlsStream<Silent, C>, Silent>
where
    C: TlsConnection,
{
    let begun = Instant::now();
    let (error, io) = match handshake.into_fallible().await {
        Ok(stream) => return Ok(stream),
        Err(failure) => failure,
    };
    let kind = Error::find(&error).map(|error| error.kind());
    assert_eq!(kind, Some(ErrorKind::HandshakeTimeout));
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    assert_eq!(begun.elapsed().as_secs(), LIMIT.as_secs());
    Err(io)
}

/// Lets the transport of a side be silent after ever more calls, until its handshake gets through.
async fn for_each_call(handshake: impl AsyncFn(&Setup, Silent, End) -> bool) {
    for version in Version::ALL {
        let setup = Setup::new(version).client_auth();
        let mut calls = 0;
        loop {
            let (ours, theirs) = pipe(600);
            if handshake(&setup, Silent::after(calls, ours), theirs).await {
                break;
            }
            calls += 1;
        }
        assert!(calls > 5, "only {calls} calls can be struck");
    }
}

fn localhost() -> ServerName<'static> {
    ServerName::try_from("localhost").expect("a valid name")
}

/// Makes the handshake of ours while the peer makes its own; returns whether ours got through.
async fn with_peer<C: TlsConnection>(
    handshake: Handshake<Silent, C>,
    peer: impl Future<Output = io::Result<()>>,
) -> bool {
    tokio::select! {
        ours = outcome(handshake) => ours.is_ok(),
        // A peer that is done waits for us.
        never = async { peer.await.expect("nothing of the peer's fails"); std::future::pending().await } => never,
    }
}

#[tokio::test(start_paused = true)]
async fn a_connector_gives_up_at_each_call() {
    for_each_call(async |setup, ours, theirs| {
        let connector = TlsConnector::from(Arc::new(setup.client())).with_handshake_timeout(LIMIT);
        let acceptor = TlsAcceptor::from(Arc::new(setup.server()));
        with_peer(connector.connect(localhost(), ours), async {
            acceptor.accept(theirs).await.map(drop)
        })
        .await
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_acceptor_gives_up_at_each_call() {
    for_each_call(async |setup, ours, theirs| {
        let connector = TlsConnector::from(Arc::new(setup.client()));
        let acceptor = TlsAcceptor::from(Arc::new(setup.server())).with_handshake_timeout(LIMIT);
        with_peer(acceptor.accept(ours), async {
            connector.connect(localhost(), theirs).await.map(drop)
        })
        .await
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_handshake_behind_a_look_gives_up_at_each_call() {
    for_each_call(async |setup, ours, theirs| {
        let config = Arc::new(setup.server());
        let connector = TlsConnector::from(Arc::new(setup.client()));
        let peer = tokio::spawn(connector.connect(localhost(), theirs));
        // The look itself has no timeout of its own.
        let mut look = LazyConfigAcceptor::new(Acceptor::default(), ours);
        let Ok(start) = tokio::time::timeout(LIMIT, &mut look).await else {
            assert!(look.take_io().is_some());
            return false;
        };
        let handshake = start.expect("a hello").into_stream(config);
        let got_through = outcome(handshake.with_timeout(LIMIT)).await.is_ok();
        peer.abort();
        got_through
    })
    .await;
}
