//! The counters.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::bounded::bounded;
use crate::peers::{Backend, connect, ended, exchange, setup, shut, try_connect};
use crate::process::{LIMIT, Proxy, listen, route};
use crate::{TERMINATE, files};

async fn request(proxy: &Proxy, path: &str) -> String {
    let answered = async {
        let mut tcp = TcpStream::connect(proxy.counters).await?;
        let request = format!("GET {path} HTTP/1.1\r\nHost: proxy\r\nConnection: close\r\n\r\n");
        tcp.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        tcp.read_to_string(&mut answer).await?;
        std::io::Result::Ok(answer)
    };
    bounded(LIMIT, "a request", answered)
        .await
        .expect("an answer")
}

/// The value of a counter, given as its name with the labels.
pub(crate) async fn value(proxy: &Proxy, counter: &str) -> Option<u64> {
    let answer = request(proxy, "/metrics").await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert!(
        answer.contains("\r\ncontent-type: text/plain; version=0.0.4\r\n"),
        "{answer}"
    );
    let mut values = answer
        .lines()
        .filter_map(|line| line.strip_prefix(counter)?.strip_prefix(' '));
    values.next().map(|value| value.parse().expect("a number"))
}

#[tokio::test]
async fn connections_and_bytes_are_counted() {
    let files = files("connections_and_bytes_are_counted", &["one.example"]);
    let backend = Backend::new().await;
    let configuration = listen("") + &route("one.example", backend.address, TERMINATE, "");
    let mut proxy = Proxy::start(&files, &configuration).await;
    assert_eq!(value(&proxy, "proxy_connections_open").await, Some(0));
    for round in 1..=2 {
        let mut client = connect(&proxy, "one.example").await;
        let mut server = backend.accept().await;
        exchange(&mut client, &mut server).await;
        assert_eq!(value(&proxy, "proxy_connections_open").await, Some(1));
        // While the connection is open. Bytes are counted once they have been written, possibly
        // after they have arrived.
        let expected = [
            ("to_backend", round * b"a question".len() as u64),
            ("to_client", round * b"an answer".len() as u64),
        ];
        for (direction, bytes) in expected {
            let counter = format!("proxy_bytes_total{{direction=\"{direction}\"}}");
            let counted = async { while value(&proxy, &counter).await != Some(bytes) {} };
            bounded(LIMIT, "counting bytes", counted).await;
        }
        shut(&mut client).await;
        shut(&mut server).await;
        ended(&mut client).await;
        proxy.record().await;
        let closed = "proxy_connections_total{end=\"closed\",route=\"one.example\"}";
        assert_eq!(value(&proxy, closed).await, Some(round));
        assert_eq!(value(&proxy, "proxy_connections_open").await, Some(0));
    }
    let refused = try_connect(&proxy, "two.example", &setup()).await;
    assert!(refused.is_err(), "no route");
    proxy.record().await;
    let unknown = "proxy_connections_total{end=\"unknown name\",route=\"\"}";
    assert_eq!(value(&proxy, unknown).await, Some(1));

    let answer = request(&proxy, "/").await;
    assert!(answer.starts_with("HTTP/1.1 404 "), "{answer}");
}
