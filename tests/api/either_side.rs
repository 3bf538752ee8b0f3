//! Operations of a program on the streams of either side, and of any version of rustls.

use pollback::Options;
use pollback::stream::{Handshake, TlsConnection, TlsStream};
use std::io;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

pub(crate) async fn finish<IO, C>(mut stream: TlsStream<IO, C>) -> io::Result<()>
where
    IO: AsyncRead + AsyncWrite + Unpin,
    C: TlsConnection,
{
    stream.close().await
}

pub(crate) async fn establish<IO, C>(handshake: Handshake<IO, C>) -> io::Result<TlsStream<IO, C>>
where
    IO: AsyncRead + AsyncWrite + Unpin,
    C: TlsConnection,
{
    handshake.with_options(Options::new()).await
}

pub(crate) async fn take_apart<IO, C>(handshake: Handshake<IO, C>) -> io::Result<(IO, C)>
where
    IO: AsyncRead + AsyncWrite + Unpin,
    C: TlsConnection,
{
    let Ok(mut stream) = handshake.into_fallible().await.map_err(|(error, _)| error) else {
        return Err(io::ErrorKind::InvalidData.into());
    };
    stream.finish_handshake().await?;
    stream.flush().await?;
    Ok(stream.into_inner())
}

pub(crate) async fn echo<IO, C>(stream: &mut TlsStream<IO, C>) -> io::Result<()>
where
    IO: AsyncRead + AsyncWrite + Unpin,
    C: TlsConnection,
{
    let mut byte = [0];
    stream.read_exact(&mut byte).await?;
    stream.write_all(&byte).await?;
    stream.flush().await
}
