//! The log: its contents, and that it need not be read.

use std::time::{Duration, SystemTime};

use humantime::parse_rfc3339;
use pollback_testkit::hellos;

use crate::counters::value;
use crate::files;
use crate::peers::{Backend, connect, connect_tcp, cut, exchange, rest, say};
use crate::process::{Proxy, listen, route};
use crate::{TERMINATE, files::Files};

#[tokio::test]
async fn a_line_contains_the_time_of_the_accept() {
    let files = files("a_line_contains_the_time_of_the_accept", &["one.example"]);
    let backend = Backend::new().await;
    let configuration = listen("") + &route("one.example", backend.address, TERMINATE, "");
    let mut proxy = Proxy::start(&files, &configuration).await;
    let begun = SystemTime::now() - Duration::from_millis(1);
    let mut client = connect(&proxy, "one.example").await;
    let mut server = backend.accept().await;
    exchange(&mut client, &mut server).await;
    let came = SystemTime::now();
    drop(client);
    cut(&mut server, std::io::ErrorKind::ConnectionReset).await;
    let record = proxy.record().await;
    let text = record["time"].as_str().expect("a time");
    let time = parse_rfc3339(text).expect("a time of RFC 3339, in UTC");
    assert!(begun <= time && time <= came, "{text}");
    // Precise to the millisecond.
    assert!(text.len() <= "2000-01-01T00:00:00.000Z".len(), "{text}");
}

#[tokio::test]
async fn an_unread_log_blocks_nothing() {
    let files = Files::of("a_log_that_nobody_reads");
    let backend = Backend::new().await;
    let configuration = listen("") + &route("one.example", backend.address, "", "");
    let mut proxy = Proxy::start(&files, &configuration).await;
    // Each leaves a long line, since it requests a long name without a route.
    let name = vec!["n".repeat(60); 4].join(".");
    let hello = hellos::records(&hellos::modern(name.as_bytes()), 1000);
    let dropped = "proxy_log_lines_dropped_total{stream=\"stdout\"}";
    assert_eq!(value(&proxy, dropped).await, Some(0));
    let mut clients = 0;
    while value(&proxy, dropped).await == Some(0) {
        for _ in 0..100 {
            let mut client = connect_tcp(&proxy).await;
            say(&mut client, &hello).await;
            let (_, alert) = rest(&mut client).await;
            assert!(!alert.is_empty(), "no alert for client {clients}");
            clients += 1;
        }
        assert!(clients < 10_000, "an unlimited number of lines is buffered");
    }
    // More than a pipe holds.
    assert!(clients > 224, "{clients} clients");
    // A late reader finds complete lines.
    for _ in 0..100 {
        assert_eq!(proxy.record().await["server_name"], name);
    }
}

#[cfg(unix)]
#[tokio::test]
async fn the_end_is_reported_although_the_log_is_not_read() {
    let files = Files::of("an_end_is_told");
    let backend = Backend::new().await;
    let configuration = listen("") + &route("one.example", backend.address, "", "");
    let mut proxy = Proxy::start(&files, &configuration).await;
    let hello = hellos::records(&hellos::modern(b"two.example"), 1000);
    let dropped = "proxy_log_lines_dropped_total{stream=\"stdout\"}";
    while value(&proxy, dropped).await == Some(0) {
        for _ in 0..100 {
            let mut client = connect_tcp(&proxy).await;
            say(&mut client, &hello).await;
            rest(&mut client).await.1.len();
        }
    }
    let count = value(&proxy, dropped).await.expect("a count");
    proxy.signal("TERM").await;
    let said = proxy.said().await;
    let told = said.strip_suffix(" lines of the log were dropped");
    let told: u64 = told.and_then(|count| count.parse().ok()).expect("a count");
    assert!(told >= count, "{told} of {count}");
    assert_eq!(proxy.finish().await, Some(0));
}
