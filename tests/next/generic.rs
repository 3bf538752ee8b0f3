//! Code that is generic over the side: what works with rustls 0.23, and what 0.24 adds.

use std::io;

use pollback::next::rustls::{ConnectionOutputs, HandshakeKind};
use pollback::next::{Connection, Side, TlsStream};
use pollback::stream::{self, TlsConnection};
use pollback_testkit::configs::Version;
use pollback_testkit::pipe::pipe;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::either_side::{echo, establish, finish, take_apart};
use crate::engine::{self, Setup, client, server};
use crate::splits::over_tcp;
use crate::support::{WIDE, acceptor, connector, localhost, receive, send};
use pollback_testkit::executor;

/// State that both sides have.
fn kind<IO, C>(stream: &stream::TlsStream<IO, C>) -> Option<HandshakeKind>
where
    C: TlsConnection<CommonState = ConnectionOutputs>,
{
    stream.get_ref().1.common_state().handshake_kind()
}

#[test]
fn one_function_serves_both_sides() {
    for version in Version::ALL {
        let setup = Setup::new(version);
        let (near, far) = pipe(WIDE);
        let (client, server) = executor::join(
            establish(connector(setup.client()).connect(localhost(), near)),
            establish(acceptor(setup.server()).accept(far)),
        );
        let (mut client, mut server) = (client.expect("a client"), server.expect("a server"));
        assert_eq!(kind(&client), Some(HandshakeKind::Full));
        assert_eq!(kind(&server), Some(HandshakeKind::Full));
        let asked = async {
            client.write_u8(b'x').await?;
            client.read_u8().await
        };
        let (asked, echoed) = executor::join(asked, echo(&mut server));
        echoed.expect("a byte");
        assert_eq!(asked.expect("a byte"), b'x');
        let (one, other) = executor::join(finish(client), finish(server));
        one.and(other).expect("a clean end");
    }
}

#[test]
fn one_function_disassembles_both_sides() {
    for version in Version::ALL {
        let setup = Setup::new(version);
        let (near, far) = pipe(WIDE);
        let (client, server) = executor::join(
            take_apart(connector(setup.client()).connect(localhost(), near)),
            take_apart(acceptor(setup.server()).accept(far)),
        );
        let mut client = client::TlsStream::from(client.expect("a client"));
        let mut server = server::TlsStream::from(server.expect("a server"));
        executor::join(send(&mut client, b"ping"), receive(&mut server, 4));
        executor::join(send(&mut server, b"pong"), receive(&mut client, 4));
    }
}

/// Features of 0.24 only: keying material, key updates, and halves for two tasks.
async fn exchange<S: Side>(mut stream: TlsStream<TcpStream, S>) -> io::Result<[u8; 32]>
where
    Connection<S>: Send,
{
    let connection = stream.get_mut().1;
    let exporter = connection.exporter().map_err(io::Error::other)?;
    let derived = exporter.derive(b"EXPERIMENTAL test", None, [0; 32]);
    if connection.protocol_version() == Some(engine::wire(Version::Tls13)) {
        connection
            .refresh_traffic_keys()
            .map_err(io::Error::other)?;
    }
    let halves = stream.into_split();
    let (mut reader, mut writer) = halves.map_err(|_| io::ErrorKind::InvalidInput)?;
    assert_eq!(reader.outputs().handshake_kind(), Some(HandshakeKind::Full));
    let written = tokio::spawn(async move {
        writer.write_all(&[7; 100_000]).await?;
        writer.shutdown().await
    });
    let mut read = Vec::new();
    reader.read_to_end(&mut read).await?;
    written.await??;
    assert!(read == [7; 100_000]);
    derived.map_err(io::Error::other)
}

#[tokio::test]
async fn one_function_splits_the_streams_of_both_sides() {
    for version in Version::ALL {
        let (client, server) = over_tcp(version).await;
        let (ours, theirs) = tokio::join!(exchange(client), exchange(server));
        assert_eq!(ours.expect("a client"), theirs.expect("a server"));
    }
}
