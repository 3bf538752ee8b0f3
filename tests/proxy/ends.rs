//! The end of one direction, which is forwarded while the other continues.

use pollback_testkit::certificates::Authority;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::files::Files;
use crate::peers::{Backend, connect, ended, exchange, hear, say, setup, shut, try_connect};
use crate::process::{Proxy, listen, route};
use crate::{TERMINATE, files};

/// More than the kernel buffers for both sides.
const MUCH: usize = 16 << 20;

/// Each side ends once before the other, and receives everything that the other sends afterwards.
async fn one_after_the_other<A, B>(first: &mut A, second: &mut B)
where
    A: AsyncRead + AsyncWrite + Unpin,
    B: AsyncRead + AsyncWrite + Unpin,
{
    exchange(first, second).await;
    say(first, b"the last words").await;
    shut(first).await;
    hear(second, b"the last words").await;
    ended(second).await;
    let much = vec![7; 300_000];
    tokio::join!(say(second, &much), hear(first, &much));
    shut(second).await;
    ended(first).await;
}

#[tokio::test]
async fn close_notify_becomes_the_end_of_tcp_and_back() {
    let files = files("close_notify_becomes_the_end_of_tcp", &["one.example"]);
    let backend = Backend::new().await;
    let configuration = listen("") + &route("one.example", backend.address, TERMINATE, "");
    let mut proxy = Proxy::start(&files, &configuration).await;
    for client_first in [true, false] {
        let mut client = connect(&proxy, "one.example").await;
        let mut server = backend.accept().await;
        match client_first {
            true => one_after_the_other(&mut client, &mut server).await,
            false => one_after_the_other(&mut server, &mut client).await,
        }
        let record = proxy.record().await;
        assert_eq!(record["end"], "closed", "{record}");
    }
}

#[tokio::test]
async fn close_notify_becomes_close_notify() {
    let files = files("close_notify_becomes_close_notify", &["one.example"]);
    files.write("root.pem", Authority::shared().pem());
    let backend = Backend::new().await;
    let tls = "tls = { name = \"localhost\", roots = \"root.pem\" }";
    let configuration = listen("") + &route("one.example", backend.address, TERMINATE, tls);
    let mut proxy = Proxy::start(&files, &configuration).await;
    for client_first in [true, false] {
        let (mut client, mut server) = tokio::join!(
            connect(&proxy, "one.example"),
            backend.accept_tls(setup().server()),
        );
        match client_first {
            true => one_after_the_other(&mut client, &mut server).await,
            false => one_after_the_other(&mut server, &mut client).await,
        }
        assert_eq!(proxy.record().await["end"], "closed");
    }
}

#[tokio::test]
async fn the_end_of_tcp_is_passed_through() {
    let files = Files::of("the_end_of_tcp_is_passed_through");
    let backend = Backend::new().await;
    let configuration = listen("") + &route("localhost", backend.address, "", "");
    let mut proxy = Proxy::start(&files, &configuration).await;
    for client_first in [true, false] {
        let setup = setup();
        let (client, mut server) = tokio::join!(
            try_connect(&proxy, "localhost", &setup),
            backend.accept_tls(setup.server()),
        );
        let mut client = client.expect("a client");
        match client_first {
            true => one_after_the_other(&mut client, &mut server).await,
            false => one_after_the_other(&mut server, &mut client).await,
        }
        assert_eq!(proxy.record().await["end"], "closed");
    }
}

#[tokio::test]
async fn a_response_arrives_although_the_request_is_not_read() {
    let files = files("an_answer_survives", &["one.example"]);
    let backend = Backend::new().await;
    let configuration = listen("") + &route("one.example", backend.address, TERMINATE, "");
    let mut proxy = Proxy::start(&files, &configuration).await;
    let client = connect(&proxy, "one.example").await;
    let (mut reader, mut writer) = tokio::io::split(client);
    let mut server = backend.accept().await;
    let question = vec![7; MUCH];
    let answer = vec![8; 100_000];
    tokio::join!(
        // Also after the backend is gone, with its response only half read.
        say(&mut writer, &question),
        async {
            say(&mut server, &answer).await;
            shut(&mut server).await;
            hear(&mut reader, &answer[..1]).await;
            drop(server);
            hear(&mut reader, &answer[1..]).await;
            ended(&mut reader).await;
        }
    );
    shut(&mut writer).await;
    assert_eq!(proxy.record().await["end"], "backend failed");
}
