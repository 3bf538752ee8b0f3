//! The HTTP endpoint for the counters.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::http::header::{CONTENT_TYPE, HeaderValue};
use axum::http::{Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use prometheus::TEXT_FORMAT;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

use crate::telemetry::Telemetry;

/// How many clients are served at once; others wait in the kernel.
const CLIENTS: usize = 64;

/// How long to wait when no connection can be accepted, for example because there are no file
/// descriptors left.
const PAUSE: Duration = Duration::from_millis(100);

/// Serves `/metrics`, one request on each connection, which may take as long as `limit` from its
/// first byte to the last one of the response.
pub(crate) async fn serve(listener: TcpListener, limit: Duration, telemetry: Arc<Telemetry>) {
    let clients = Arc::new(Semaphore::new(CLIENTS));
    loop {
        let permit = Arc::clone(&clients).acquire_owned().await;
        let Ok((tcp, _)) = listener.accept().await else {
            sleep(PAUSE).await;
            continue;
        };
        let telemetry = Arc::clone(&telemetry);
        tokio::spawn(async move {
            let _permit = permit;
            let service = service_fn(|request| {
                let response = respond(&request, &telemetry);
                async { Ok::<_, Infallible>(response) }
            });
            let connection = http1::Builder::new()
                .keep_alive(false)
                .serve_connection(TokioIo::new(tcp), service);
            // The connection is closed on any other request, and on slow ones.
            let _ = timeout(limit, connection).await;
        });
    }
}

fn respond(request: &Request<Incoming>, telemetry: &Telemetry) -> Response<String> {
    let (status, body) = match (request.method(), request.uri().path()) {
        (&Method::GET | &Method::HEAD, "/metrics") => (StatusCode::OK, telemetry.counters.text()),
        (_, "/metrics") => (StatusCode::METHOD_NOT_ALLOWED, String::new()),
        _ => (StatusCode::NOT_FOUND, String::new()),
    };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let format = HeaderValue::from_static(TEXT_FORMAT);
    response.headers_mut().insert(CONTENT_TYPE, format);
    response
}
