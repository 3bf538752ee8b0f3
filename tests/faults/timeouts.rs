//! A peer that stops responding at each call of the transport, and a handshake with a timeout.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use pollback::rustls::server::Acceptor;
use pollback::stream::{Handshake, TlsConnection, TlsStream};
use pollback::{Error, ErrorKind, LazyConfigAcceptor, TlsAcceptor, TlsConnector};
use pollback_testkit::configs::localhost;
use pollback_testkit::configs::{Setup, Version};
use pollback_testkit::pipe::{End, pipe};
use tokio::time::Instant;

const LIMIT: Duration = Duration::from_secs(5);

/// The result of our handshake: the stream, or whether the transport was still usable.
async fn outcome<C>(handshake: Handshake<End, C>) -> Result<TlsStream<End, C>, End>
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

/// Makes the transport of a side stop after more and more calls, until its handshake completes.
async fn for_each_call(handshake: impl AsyncFn(&Setup, End, End) -> bool) {
    for version in Version::ALL {
        let setup = Setup::new(version).client_auth();
        let mut calls = 0;
        loop {
            let (ours, theirs) = pipe(600);
            ours.control().silence_after(calls);
            if handshake(&setup, ours, theirs).await {
                break;
            }
            calls += 1;
        }
        assert!(calls > 5, "only {calls} calls were affected");
    }
}

/// Performs our handshake while the peer performs its own; returns whether ours completes.
async fn with_peer<C: TlsConnection>(
    handshake: Handshake<End, C>,
    peer: impl Future<Output = io::Result<()>>,
) -> bool {
    tokio::select! {
        ours = outcome(handshake) => ours.is_ok(),
        // A peer that has finished waits for us.
        never = async { peer.await.expect("nothing of the peer's fails"); std::future::pending().await } => never,
    }
}

#[tokio::test(start_paused = true)]
async fn a_connector_times_out_at_each_call() {
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
async fn an_acceptor_times_out_at_each_call() {
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
async fn a_handshake_after_peek_times_out_at_each_call() {
    for_each_call(async |setup, ours, theirs| {
        let config = Arc::new(setup.server());
        let connector = TlsConnector::from(Arc::new(setup.client()));
        let peer = tokio::spawn(connector.connect(localhost(), theirs));
        // `peek` itself has no timeout.
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
