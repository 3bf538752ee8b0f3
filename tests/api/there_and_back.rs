//! Streams that are disassembled and reassembled, or were begun elsewhere, lose no byte.

use crate::support::{Transport, carry, localhost, setups, talk, tcp};
use pollback::rustls::ClientConnection;
use pollback::{Options, TlsAcceptor, TlsConnector, client, server};
use pollback_testkit::configs::Setup;
use std::io::{Read, Write};
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tokio::net::TcpStream;

async fn connected<IO: Transport>(
    setup: &Setup,
    (near, far): (IO, IO),
) -> (client::TlsStream<IO>, server::TlsStream<IO>) {
    let options = Options::new().with_batched_writes(true);
    let connector = TlsConnector::from(Arc::new(setup.client())).with_options(options);
    let acceptor = TlsAcceptor::from(Arc::new(setup.server())).with_options(options);
    let (client, server) = tokio::join!(connector.connect(localhost(), near), acceptor.accept(far));
    (client.unwrap(), server.unwrap())
}

#[tokio::test]
async fn a_stream_can_be_reassembled_at_any_time() {
    for setup in setups() {
        let (mut client, mut server) = connected(&setup, duplex(1 << 20)).await;
        let message: Vec<u8> = (0..120_000_u32).map(|i| (i / 11) as u8).collect();
        server.write_all(&message).await.unwrap();
        server.flush().await.unwrap();
        let mut received = Vec::new();
        let (mut had_ciphertext, mut had_plaintext) = (false, false);
        let mut sent = Vec::new();
        while received.len() < message.len() {
            let mut room = vec![0; 40_000];
            let length = client.read(&mut room).await.unwrap();
            received.extend_from_slice(&room[..length]);
            // A batch, which is not sent yet.
            client.write_all(b"waits ").await.unwrap();
            sent.extend_from_slice(b"waits ");
            let parts = client.into_parts();
            had_ciphertext |= !parts.ciphertext.is_empty();
            had_plaintext |= !parts.plaintext.is_empty();
            client = client::TlsStream::from(parts);
        }
        assert!(received == message);
        assert!(had_ciphertext && had_plaintext);
        client.shutdown().await.unwrap();
        // What our side may send is still known after the reassembly.
        client = client.into_parts().into();
        client
            .write_all(b"x")
            .await
            .expect_err("after the shutdown");
        let mut read = Vec::new();
        server.read_to_end(&mut read).await.unwrap();
        assert!(read == sent);
        let mut server = server::TlsStream::from(server.into_parts());
        carry(&mut server, &mut client, b"the other way").await;
    }
}

#[test]
fn a_stream_moves_to_another_runtime() {
    let runtime = || {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        builder.enable_all().build().unwrap()
    };
    for setup in setups() {
        let (one, other) = (runtime(), runtime());
        let (mut client, mut server) = one.block_on(async {
            let (mut client, mut server) = connected(&setup, tcp().await).await;
            talk(&mut client, &mut server).await;
            server.write_all(b"in flight").await.unwrap();
            server.flush().await.unwrap();
            (client, server)
        });
        let adopt = |tcp: TcpStream| TcpStream::from_std(tcp.into_std()?);
        let parts = one.block_on(async { client.into_parts().try_map_io(TcpStream::into_std) });
        client = other.block_on(async {
            let parts = parts.unwrap().try_map_io(TcpStream::from_std);
            client::TlsStream::from(parts.unwrap())
        });
        server = other.block_on(async {
            let parts = server.into_parts().try_map_io(adopt);
            server::TlsStream::from(parts.unwrap())
        });
        drop(one);
        other.block_on(async {
            let mut room = [0; 9];
            client.read_exact(&mut room).await.unwrap();
            assert_eq!(&room, b"in flight");
            talk(&mut client, &mut server).await;
        });
    }
}

#[tokio::test]
async fn a_connection_that_was_driven_by_blocking_code_becomes_a_stream() {
    for setup in setups() {
        let (near, far) = tcp().await;
        let config = Arc::new(setup.client());
        let blocking = tokio::task::spawn_blocking(move || {
            let mut tcp = near.into_std().unwrap();
            tcp.set_nonblocking(false).unwrap();
            let mut connection = ClientConnection::new(config, localhost()).unwrap();
            while connection.is_handshaking() {
                connection.complete_io(&mut tcp).unwrap();
            }
            // Something that is not sent yet, and something that may have arrived with the
            // handshake.
            connection.writer().write_all(b"queued").unwrap();
            tcp.set_nonblocking(true).unwrap();
            (tcp, connection)
        });
        let acceptor = TlsAcceptor::from(Arc::new(setup.server()));
        let mut server = acceptor.accept(far).await.unwrap();
        server.write_all(b"greeting").await.unwrap();
        server.flush().await.unwrap();
        let (tcp, connection) = blocking.await.unwrap();
        let mut client = client::TlsStream::from((TcpStream::from_std(tcp).unwrap(), connection));
        let mut greeting = [0; 8];
        client.read_exact(&mut greeting).await.unwrap();
        assert_eq!(&greeting, b"greeting");
        let mut queued = [0; 6];
        server.read_exact(&mut queued).await.unwrap();
        assert_eq!(&queued, b"queued");
        talk(&mut client, &mut server).await;
    }
}

#[tokio::test]
async fn blocking_code_can_read_and_write_the_parts() {
    let [_, setup] = setups();
    let (mut client, mut server) = connected(&setup, tcp().await).await;
    server.write_all(&[7; 100_000]).await.unwrap();
    let mut room = vec![0; 40_000];
    let (read, flushed) = tokio::join!(client.read_exact(&mut room), server.flush());
    read.unwrap();
    flushed.unwrap();
    let parts = client.into_parts().try_map_io(|tcp| {
        let tcp = tcp.into_std()?;
        tcp.set_nonblocking(false)?;
        std::io::Result::Ok(tcp)
    });
    let mut parts = parts.unwrap();
    let ahead = parts.ciphertext.clone();
    drop(server);
    let rest = tokio::task::spawn_blocking(move || {
        let mut rest = Vec::new();
        let read = parts.read_to_end(&mut rest);
        // Bytes that the server has not read may make the kernel reset the connection.
        let _ = parts.write(b"x");
        read.map(|_| rest)
    });
    let rest = rest.await.unwrap().unwrap();
    assert!(rest.starts_with(&ahead));
    assert!(rest.len() > 50_000);
}
