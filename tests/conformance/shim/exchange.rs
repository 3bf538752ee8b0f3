//! The exchange over one connection.

use std::io;
use std::net::TcpStream;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;

use crate::backend::{self, Conversation, Failure};
use crate::expect;
use crate::options::{Options, RETRY, Unimplemented};
use crate::settings::{EarlyData, Settings};
use crate::setup::Setup;
use crate::transport::Variant;

/// The lengths for `-write-different-record-sizes`: around the limits of a record, with CBC or any
/// cipher.
const MANY_SIZES: [usize; 11] = [
    0, 1, 255, 256, 257, 16383, 16384, 16385, 32767, 32768, 32769,
];
/// Short, so that a record takes several reads.
const READ_SIZE: usize = 512;

/// Opens one connection over `socket`; `index` selects its settings.
pub(crate) async fn run(
    options: &Options,
    setup: &mut Setup,
    index: usize,
    resumes: bool,
    socket: TcpStream,
) -> Result<(), Failure> {
    let mut settings = &options.connections[index];
    let mut stream = backend::open(options, setup, settings, socket).await?;
    let early = !settings.server && stream.is_handshaking();
    if early && settings.expect.early_data == Some(EarlyData::NotOffered) {
        return Err(Failure::Unexpected("early data was offered".to_owned()));
    }
    if early {
        write_first(&mut stream, settings).await?;
        // Only now is it known whether the server has accepted it.
        stream.flush().await?;
        if settings.expect.early_data == Some(EarlyData::Rejected) {
            expect::check_rejected(stream.negotiated())?;
            settings = &options.connections[RETRY];
        }
    }
    let mut checked = !stream.is_handshaking();
    if checked {
        expect::check(settings, resumes, stream.negotiated(), &setup.observed())?;
    }

    if let Some(length) = settings.export {
        let mut material = vec![0; length];
        let context = settings
            .use_export_context
            .then_some(&settings.export_context[..]);
        stream.export(&mut material, &settings.export_label, context)?;
        stream.write_all(&material).await?;
        stream.flush().await?;
    }
    if settings.write_many_sizes {
        for size in MANY_SIZES {
            stream.write_all(&vec![0x42; size]).await?;
            stream.flush().await?;
        }
    } else if !early {
        write_first(&mut stream, settings).await?;
    }
    let updates_keys = settings.key_update || settings.key_update_before_read;
    let clean = if settings.shuts_down || settings.write_many_sizes {
        true
    } else if by_two(options.variant) && checked && !updates_keys {
        let (clean, reunited) = echo_by_two(stream, options.variant, settings).await?;
        stream = reunited;
        clean
    } else {
        let check = |stream: &dyn Conversation, setup: &Setup| {
            expect::check(settings, resumes, stream.negotiated(), &setup.observed())
        };
        echo(&mut stream, settings, |stream| {
            if !checked && !stream.is_handshaking() {
                checked = true;
                return check(stream, setup);
            }
            Ok(())
        })
        .await?
    };
    expect::check_tickets(settings, stream.negotiated().version, &setup.observed())?;

    match stream.shutdown().await {
        // A peer that has closed may already be gone.
        Err(error) if clean && !settings.shuts_down && is_gone(&error) => {}
        shut => shut?,
    }
    if settings.check_close_notify {
        if !clean {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        if settings.shuts_down && stream.read(&mut [0]).await? != 0 {
            return Err(io::Error::other("data instead of a close_notify").into());
        }
    }
    Ok(())
}

/// Performs the writes before the first read. They are left unflushed if the runner wants to send
/// while they are unfinished.
async fn write_first(
    stream: &mut Box<dyn Conversation>,
    settings: &Settings,
) -> Result<(), Failure> {
    let text = settings.initial_write.as_deref().unwrap_or(b"hello");
    if settings.unfinished_write {
        stream.write_all(text).await?;
    } else if settings.writes_first {
        for _ in 0..settings.initial_writes {
            stream.write_all(text).await?;
        }
        stream.flush().await?;
    }
    Ok(())
}

/// Sends everything back inverted, until the peer has closed. Returns whether it did so with a
/// close_notify.
async fn echo(
    stream: &mut Box<dyn Conversation>,
    settings: &Settings,
    mut after_read: impl FnMut(&dyn Conversation) -> Result<(), Failure>,
) -> Result<bool, Failure> {
    let mut buf = vec![0; settings.read_size.unwrap_or(READ_SIZE)];
    loop {
        if settings.key_update_before_read {
            stream.update_keys()?;
            stream.flush().await?;
        }
        let Some(text) = read(stream, &mut buf).await? else {
            return Ok(false);
        };
        after_read(&**stream)?;
        if text.is_empty() {
            return Ok(true);
        }
        if settings.key_update {
            stream.update_keys()?;
        }
        stream.write_all(text).await?;
        stream.flush().await?;
    }
}

fn by_two(variant: Variant) -> bool {
    matches!(variant, Variant::Split | Variant::Halves)
}

/// Like `echo`, with one task that reads and one that writes.
async fn echo_by_two(
    stream: Box<dyn Conversation>,
    variant: Variant,
    settings: &Settings,
) -> Result<(bool, Box<dyn Conversation>), Failure> {
    let size = settings.read_size.unwrap_or(READ_SIZE);
    if variant == Variant::Halves {
        let halves = stream.into_halves();
        let (reader, writer) = halves.ok_or_else(|| Unimplemented("owned halves".to_owned()))?;
        let (clean, reader, writer) = echo_between(reader, writer, size).await?;
        return Ok((clean, reader.unite(writer)));
    }
    let (reader, writer) = tokio::io::split(stream);
    let (clean, reader, writer) = echo_between(reader, writer, size).await?;
    Ok((clean, reader.unsplit(writer)))
}

/// Echoes bytes from `reader` through `writer`, until the peer has closed.
async fn echo_between<R, W>(
    mut reader: R,
    mut writer: W,
    size: usize,
) -> Result<(bool, R, W), Failure>
where
    R: AsyncRead + Send + Unpin + 'static,
    W: AsyncWrite + Send + Unpin + 'static,
{
    let (sender, mut receiver) = mpsc::channel::<Vec<u8>>(4);
    let reading = tokio::spawn(async move {
        let mut buf = vec![0; size];
        let clean = loop {
            match read(&mut reader, &mut buf).await {
                Ok(None) => break Ok(false),
                Ok(Some([])) => break Ok(true),
                Ok(Some(text)) => {
                    if sender.send(text.to_owned()).await.is_err() {
                        // The writer has failed, and returns the reason.
                        break Ok(true);
                    }
                }
                Err(error) => break Err(error),
            }
        };
        (reader, clean)
    });
    let writing = tokio::spawn(async move {
        while let Some(text) = receiver.recv().await {
            if let Err(error) = write(&mut writer, &text).await {
                return (writer, Err(error));
            }
        }
        (writer, Ok(()))
    });
    let (reader, clean) = reading.await.map_err(io::Error::other)?;
    let (writer, written) = writing.await.map_err(io::Error::other)?;
    let clean = clean?;
    written?;
    Ok((clean, reader, writer))
}

fn is_gone(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionReset};
    matches!(error.kind(), BrokenPipe | ConnectionReset)
}

async fn write(stream: &mut (impl AsyncWrite + Unpin), text: &[u8]) -> io::Result<()> {
    stream.write_all(text).await?;
    stream.flush().await
}

/// Reads and inverts bytes; returns an empty vector at the end, and `None` at an end without a
/// close_notify.
async fn read<'a>(
    stream: &mut (impl AsyncRead + Unpin),
    buf: &'a mut [u8],
) -> io::Result<Option<&'a [u8]>> {
    let count = match stream.read(buf).await {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        count => count?,
    };
    let text = &mut buf[..count];
    text.iter_mut().for_each(|byte| *byte ^= 0xff);
    Ok(Some(text))
}
