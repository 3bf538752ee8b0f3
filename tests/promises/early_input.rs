//! Early data in a server: read first and in order, and answered before the handshake is over.

use pollback_testkit::executor;
use pollback_testkit::pipe::{End, SHAPES, Shape};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt};

use crate::acquaintances::{Acquaintances, LIMIT};
use crate::engine::{client, server};
use crate::support::{localhost, pattern, receive_all};

fn for_each_shape(test: impl Fn(Acquaintances, &Shape)) {
    for shape in &SHAPES {
        eprintln!("over {}", shape.name);
        test(Acquaintances::new(), shape);
    }
}

async fn connect(both: &Acquaintances, end: End) -> client::TlsStream<End> {
    let connected = both.connector().connect(localhost(), end).await;
    connected.expect("the client connects")
}

async fn accept(both: &Acquaintances, end: End) -> server::TlsStream<End> {
    let accepted = both.acceptor().accept(end).await;
    accepted.expect("the server accepts")
}

#[test]
fn accepted_early_data_is_read_first_without_being_asked_for() {
    for_each_shape(|both, shape| {
        let bytes = pattern(3 * LIMIT as usize);
        let (client_end, server_end) = shape.open();
        let client = async {
            let mut stream = connect(&both, client_end).await;
            stream.write_all(&bytes).await.expect("early data and more");
            stream.shutdown().await.expect("a shutdown");
            receive_all(&mut stream).await.expect("a clean end");
            assert!(stream.get_ref().1.is_early_data_accepted());
        };
        let server = async {
            let mut stream = accept(&both, server_end).await;
            let read = receive_all(&mut stream).await.expect("a clean end");
            stream.shutdown().await.expect("a shutdown");
            read
        };
        assert!(executor::join(client, server).1 == bytes);
    });
}

#[test]
fn lent_early_data_comes_first_too() {
    for_each_shape(|both, shape| {
        let bytes = pattern(2 * LIMIT as usize);
        let (client_end, server_end) = shape.open();
        let client = async {
            let mut stream = connect(&both, client_end).await;
            stream.write_all(&bytes).await.expect("early data and more");
            stream.shutdown().await.expect("a shutdown");
            receive_all(&mut stream).await.expect("a clean end");
        };
        let server = async {
            let mut stream = accept(&both, server_end).await;
            let mut read = Vec::new();
            loop {
                let lent = stream.fill_buf().await.expect("a loan");
                let taken = lent.len().min(100);
                read.extend_from_slice(&lent[..taken]);
                stream.consume(taken);
                // Reads and loans may alternate.
                let mut room = [0; 50];
                let length = stream.read(&mut room).await.expect("a read");
                read.extend_from_slice(&room[..length]);
                if length == 0 {
                    break;
                }
            }
            stream.shutdown().await.expect("a shutdown");
            read
        };
        assert!(executor::join(client, server).1 == bytes);
    });
}
