//! `AsyncBufRead` on the three streams.

use super::tls::TlsStream;
use super::{configs, connect_over};
use crate::support::{setups, tcp};
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// Sends three lines and reads them as a line, bytes and the rest.
async fn check<A, B>(from: &mut A, to: &mut B)
where
    A: AsyncWrite + Unpin,
    B: AsyncBufRead + Unpin,
{
    from.write_all(b"first\nsecond\nthird\n").await.unwrap();
    from.flush().await.unwrap();
    let lent = to.fill_buf().await.unwrap().to_vec();
    assert!(
        b"first\nsecond\nthird\n".starts_with(&lent) && !lent.is_empty(),
        "{lent:?}"
    );
    assert!(
        to.fill_buf().await.unwrap().starts_with(&lent),
        "nothing was consumed"
    );
    to.consume(2);
    let mut line = String::new();
    to.read_line(&mut line).await.unwrap();
    assert_eq!(line, "rst\n");
    let mut bytes = [0; 3];
    to.read_exact(&mut bytes).await.unwrap();
    assert_eq!(&bytes, b"sec");
    to.read_line(&mut line).await.unwrap();
    to.read_line(&mut line).await.unwrap();
    assert_eq!(line, "rst\nond\nthird\n");
}

#[tokio::test]
async fn lines_and_bytes_may_be_mixed() {
    for setup in setups() {
        let (mut client, mut server) = connect_over(configs(&setup), tcp().await).await;
        check(&mut client, &mut server).await;
        check(&mut server, &mut client).await;
        let (mut client, mut server) = (TlsStream::from(client), TlsStream::from(server));
        check(&mut client, &mut server).await;
        check(&mut server, &mut client).await;
    }
}

#[tokio::test]
async fn lines_end_at_the_close_notify() {
    for setup in setups() {
        let (mut client, mut server) = connect_over(configs(&setup), tcp().await).await;
        client.write_all(b"a\nb\nno line end").await.unwrap();
        client.shutdown().await.unwrap();
        let mut lines = Vec::new();
        let mut reader = (&mut server).lines();
        while let Some(line) = reader.next_line().await.unwrap() {
            lines.push(line);
        }
        assert_eq!(lines, ["a", "b", "no line end"]);
        assert!(server.fill_buf().await.unwrap().is_empty());
    }
}
