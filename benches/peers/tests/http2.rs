//! In how many writes of the transport hyper's answers leave over HTTP/2.

use std::convert::Infallible;
use std::io;

use http_body_util::{BodyExt, Empty, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response, client, server};
use hyper_util::rt::{TokioExecutor, TokioIo};
use pollback::Options;
use pollback_peers::peer::{Peer, Pollback, TokioRustls};
use pollback_peers::transport::{Counted, Counter};

const ANSWER: &[u8] = &[7; 100_000];
const ANSWERS: u64 = 16;

async fn answer(_: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    Ok(Response::new(Full::new(Bytes::from_static(ANSWER))))
}

/// The writes of a server that answers some requests, one after the other.
async fn writes<P: Peer>(peer: P) -> io::Result<u64> {
    let counter = Counter::default();
    let (near, far) = tokio::io::duplex(1 << 20);
    let (client, server) =
        tokio::try_join!(peer.connect(near), peer.accept(Counted::new(far, &counter)),)?;
    let server = server::conn::http2::Builder::new(TokioExecutor::new())
        .serve_connection(TokioIo::new(server), service_fn(answer));
    let server = tokio::spawn(server);
    let (mut requests, connection) =
        client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(client))
            .await
            .map_err(io::Error::other)?;
    let client = tokio::spawn(connection);

    let mut before = 0;
    for round in 0..=ANSWERS {
        if round == 1 {
            // The first is behind the settings of both ends.
            before = counter.counts().writes.answered;
        }
        let request = Request::get("https://localhost/").body(Empty::<Bytes>::new());
        let request = request.expect("a request");
        let response = requests.send_request(request).await;
        let body = response.map_err(io::Error::other)?.collect().await;
        assert_eq!(body.map_err(io::Error::other)?.to_bytes(), ANSWER);
    }
    let writes = counter.counts().writes.answered - before;
    client.abort();
    server.abort();
    Ok(writes)
}

#[tokio::test]
async fn an_answer_leaves_in_few_writes() {
    let as_it_comes = writes(Pollback::new(Options::new(), None)).await;
    let as_it_comes = as_it_comes.expect("answers");
    assert!(as_it_comes <= 8 * ANSWERS, "{as_it_comes}");
    let theirs = writes(TokioRustls::new(None)).await.expect("answers");
    assert!(as_it_comes <= theirs, "{as_it_comes} {theirs}");
}

#[tokio::test]
async fn an_answer_leaves_in_no_more_writes_when_they_are_batched() {
    let batched = Options::new().with_batched_writes(true);
    let batched = writes(Pollback::new(batched, None)).await;
    let batched = batched.expect("answers");
    // hyper flushes each frame of 16 KiB, so there is little to batch.
    assert!(batched <= 8 * ANSWERS, "{batched}");
}
