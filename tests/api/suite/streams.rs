//! The three streams: `client::TlsStream`, `server::TlsStream` and the enum of both.

use super::tls::rustls::{CommonState, ProtocolVersion};
use super::tls::{TlsStream, client, server};
use super::{configs, connect_over};
use crate::support::{Transport, carry, duplex, setups, talk, tcp};
use pollback_testkit::configs::{Setup, Version};
use std::io::{ErrorKind, IoSlice};
use std::pin::Pin;
use tokio::io::{AsyncReadExt, AsyncWrite, AsyncWriteExt};

async fn connected<IO: Transport>(
    setup: &Setup,
    transports: (IO, IO),
) -> (client::TlsStream<IO>, server::TlsStream<IO>) {
    connect_over(configs(setup), transports).await
}

#[tokio::test]
async fn get_ref_returns_the_transport_and_the_connection() {
    for (setup, version) in setups()
        .iter()
        .zip([ProtocolVersion::TLSv1_2, ProtocolVersion::TLSv1_3])
    {
        let (client, server) = connected(setup, tcp().await).await;
        let (transport, connection) = client.get_ref();
        assert_eq!(connection.protocol_version(), Some(version));
        assert_eq!(connection.peer_certificates().unwrap().len(), 1);
        let (peer, connection) = server.get_ref();
        assert_eq!(connection.protocol_version(), Some(version));
        assert_eq!(connection.server_name(), Some("localhost"));
        assert_eq!(transport.local_addr().unwrap(), peer.peer_addr().unwrap());
    }
}

#[tokio::test]
async fn get_mut_lets_the_connection_be_used_directly() {
    let setup = Setup::new(Version::Tls13);
    let (mut client, mut server) = connected(&setup, tcp().await).await;
    client.get_mut().0.set_nodelay(true).unwrap();
    server.get_mut().0.set_nodelay(true).unwrap();
    assert!(client.get_ref().0.nodelay().unwrap());
    assert!(server.get_ref().0.nodelay().unwrap());
    client.get_mut().1.refresh_traffic_keys().unwrap();
    talk(&mut client, &mut server).await;
    server.get_mut().1.refresh_traffic_keys().unwrap();
    talk(&mut client, &mut server).await;
}

#[tokio::test]
async fn a_flush_sends_what_get_mut_has_queued() {
    for setup in setups() {
        let (mut client, mut server) = connected(&setup, duplex()).await;
        client.get_mut().1.send_close_notify();
        client.flush().await.unwrap();
        assert_eq!(server.read(&mut [0; 8]).await.unwrap(), 0);
        server.get_mut().1.send_close_notify();
        server.flush().await.unwrap();
        assert_eq!(client.read(&mut [0; 8]).await.unwrap(), 0);
    }
}

#[tokio::test]
async fn into_inner_returns_the_transport_and_the_connection() {
    for setup in setups() {
        let (mut client, mut server) = connected(&setup, tcp().await).await;
        talk(&mut client, &mut server).await;
        let (mut near, connection) = client.into_inner();
        assert!(!connection.is_handshaking());
        let (mut far, connection) = server.into_inner();
        assert_eq!(connection.server_name(), Some("localhost"));
        near.write_all(b"plain").await.unwrap();
        let mut received = [0; 5];
        far.read_exact(&mut received).await.unwrap();
        assert_eq!(&received, b"plain");
    }
}

#[tokio::test]
async fn debug_names_the_type() {
    let (client, server) = connected(&Setup::new(Version::Tls13), duplex()).await;
    assert!(format!("{client:?}").contains("TlsStream"), "{client:?}");
    assert!(format!("{server:?}").contains("TlsStream"), "{server:?}");
    assert!(format!("{:?}", TlsStream::from(client)).starts_with("Client("));
    assert!(format!("{:?}", TlsStream::from(server)).starts_with("Server("));
}

#[cfg(unix)]
#[tokio::test]
async fn the_raw_descriptor_is_that_of_the_transport() {
    use std::os::fd::AsRawFd;

    let (near, far) = tcp().await;
    let (near_fd, far_fd) = (near.as_raw_fd(), far.as_raw_fd());
    let (client, server) = connected(&Setup::new(Version::Tls13), (near, far)).await;
    assert_eq!(client.as_raw_fd(), near_fd);
    assert_eq!(server.as_raw_fd(), far_fd);
    assert_eq!(TlsStream::from(client).as_raw_fd(), near_fd);
    assert_eq!(TlsStream::from(server).as_raw_fd(), far_fd);
}

#[cfg(windows)]
#[tokio::test]
async fn the_raw_socket_is_that_of_the_transport() {
    use std::os::windows::io::AsRawSocket;

    let (near, far) = tcp().await;
    let (near_socket, far_socket) = (near.as_raw_socket(), far.as_raw_socket());
    let (client, server) = connected(&Setup::new(Version::Tls13), (near, far)).await;
    assert_eq!(client.as_raw_socket(), near_socket);
    assert_eq!(server.as_raw_socket(), far_socket);
    assert_eq!(TlsStream::from(client).as_raw_socket(), near_socket);
    assert_eq!(TlsStream::from(server).as_raw_socket(), far_socket);
}

#[tokio::test]
async fn a_vectored_write_accepts_the_slices_in_order() {
    async fn check<A: AsyncWrite + Unpin>(from: &mut A, to: &mut (impl AsyncReadExt + Unpin)) {
        assert!(from.is_write_vectored());
        let slices = [b"one ".as_slice(), b"", b"two ", b"three"].map(IoSlice::new);
        let written = from.write_vectored(&slices).await.unwrap();
        from.flush().await.unwrap();
        let mut received = vec![0; written];
        to.read_exact(&mut received).await.unwrap();
        assert_eq!(received, b"one two three");
    }
    for setup in setups() {
        let (mut client, mut server) = connected(&setup, tcp().await).await;
        check(&mut client, &mut server).await;
        check(&mut server, &mut client).await;
        let (mut client, mut server) = (TlsStream::from(client), TlsStream::from(server));
        check(&mut client, &mut server).await;
        check(&mut server, &mut client).await;
    }
}

#[tokio::test]
async fn shutdown_ends_only_one_direction() {
    for setup in setups() {
        let (mut client, mut server) = connected(&setup, tcp().await).await;
        client.write_all(b"question").await.unwrap();
        client.shutdown().await.unwrap();
        let mut question = String::new();
        server.read_to_string(&mut question).await.unwrap();
        assert_eq!(question, "question");
        server.write_all(b"answer").await.unwrap();
        server.shutdown().await.unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        assert_eq!(answer, "answer");
    }
}

#[tokio::test]
async fn end_of_stream_without_a_close_notify_is_unexpected() {
    for setup in setups() {
        let (mut client, server) = connected(&setup, duplex()).await;
        let (far, _) = server.into_inner();
        drop(far);
        let error = client.read(&mut [0; 8]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnexpectedEof);

        let (client, mut server) = connected(&setup, duplex()).await;
        drop(client);
        let error = server.read(&mut [0; 8]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
    }
}

#[tokio::test]
async fn the_enum_carries_both_sides() {
    for setup in setups() {
        let (client, server) = connected(&setup, tcp().await).await;
        let mut both: [TlsStream<_>; 2] = [TlsStream::from(client), server.into()];
        let [one, other] = &mut both;
        talk(one, other).await;
        one.shutdown().await.unwrap();
        assert_eq!(other.read(&mut [0; 8]).await.unwrap(), 0);
        other.shutdown().await.unwrap();
        assert_eq!(one.read(&mut [0; 8]).await.unwrap(), 0);
        let sides = both.map(|stream| match stream {
            TlsStream::Client(_) => "client",
            TlsStream::Server(_) => "server",
        });
        assert_eq!(sides, ["client", "server"]);
    }
}

#[tokio::test]
async fn the_enum_exposes_the_common_state() {
    for setup in setups() {
        let (client, server) = connected(&setup.alpn(&["h2"]), tcp().await).await;
        let mut streams = [TlsStream::Client(client), TlsStream::Server(server)];
        for stream in &mut streams {
            let address = stream.get_ref().0.local_addr().unwrap();
            let common: &CommonState = stream.get_ref().1;
            assert_eq!(common.alpn_protocol(), Some(&b"h2"[..]));
            assert!(!common.is_handshaking());
            assert_eq!(stream.get_mut().0.local_addr().unwrap(), address);
            let common: &mut CommonState = stream.get_mut().1;
            common.send_close_notify();
            Pin::new(&mut *stream).flush().await.unwrap();
        }
        for stream in &mut streams {
            assert_eq!(stream.read(&mut [0; 8]).await.unwrap(), 0);
        }
    }
}

#[tokio::test]
async fn an_unfinished_write_may_be_followed_by_another() {
    for setup in setups() {
        let (mut client, mut server) = connected(&setup, duplex()).await;
        let mut sent = Vec::new();
        // The pipe fills up; only what the last write has accepted counts.
        loop {
            let chunk = [sent.len() as u8; 1000];
            let mut write = std::pin::pin!(client.write(&chunk));
            match futures_util::poll!(write.as_mut()) {
                std::task::Poll::Ready(written) => sent.extend(&chunk[..written.unwrap()]),
                std::task::Poll::Pending => break,
            }
        }
        let last = b"after the cancelled write";
        sent.extend(last);
        let finish = async {
            client.write_all(last).await.unwrap();
            client.shutdown().await.unwrap();
        };
        let mut received = Vec::new();
        let (read, ()) = tokio::join!(server.read_to_end(&mut received), finish);
        read.unwrap();
        assert!(
            received == sent,
            "{} bytes sent, {} received",
            sent.len(),
            received.len()
        );
        carry(&mut server, &mut client, b"the other way").await;
    }
}
