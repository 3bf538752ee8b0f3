//! How many transport writes hyper's HTTP/2 responses take.

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

/// The frames of a client that sends nothing else (RFC 9113, section 6.5.2).
const FRAME: u32 = 16 * 1024;

/// The number of writes of a server that responds to some requests, one after another, with frames
/// of this size.
async fn writes<P: Peer>(peer: P, frame: u32) -> io::Result<u64> {
    let counter = Counter::default();
    let (near, far) = tokio::io::duplex(1 << 20);
    let (client, server) =
        tokio::try_join!(peer.connect(near), peer.accept(Counted::new(far, &counter)),)?;
    let server = server::conn::http2::Builder::new(TokioExecutor::new())
        .serve_connection(TokioIo::new(server), service_fn(answer));
    let server = tokio::spawn(server);
    let (mut requests, connection) = client::conn::http2::Builder::new(TokioExecutor::new())
        .max_frame_size(frame)
        .handshake(TokioIo::new(client))
        .await
        .map_err(io::Error::other)?;
    let client = tokio::spawn(connection);

    let mut before = 0;
    for round in 0..=ANSWERS {
        if round == 1 {
            // The first follows the settings of both ends.
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
async fn a_response_takes_few_writes() {
    let as_it_comes = writes(Pollback::new(Options::new(), None), FRAME).await;
    let as_it_comes = as_it_comes.expect("answers");
    assert!(as_it_comes <= 8 * ANSWERS, "{as_it_comes}");
    let theirs = writes(TokioRustls::new(None), FRAME)
        .await
        .expect("answers");
    assert!(as_it_comes <= theirs, "{as_it_comes} {theirs}");
}

/// hyper flushes each frame, so for frames of 16 KiB batching only combines the bytes after the
/// last full record with it into one write.
#[tokio::test]
async fn a_frame_takes_one_write_when_writes_are_batched() {
    let batched = || Pollback::new(Options::new().with_batched_writes(true), None);
    let small = writes(batched(), FRAME).await.expect("answers");
    assert!(small <= 8 * ANSWERS, "{small}");
    let large = writes(batched(), 4 * FRAME).await.expect("answers");
    assert!(large <= 4 * ANSWERS, "{large}");
}
