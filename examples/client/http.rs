//! The parts of HTTP/1.1 that a GET needs.

use std::io;

use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::url::Url;

/// The longest response head that is accepted.
const HEAD_LIMIT: u64 = 64 * 1024;

enum Body {
    None,
    Length(u64),
    Chunked,
    /// Ends with the connection. TLS detects truncation.
    Rest,
}

/// Sends the request and copies the body of the response to `output`.
pub(crate) async fn get<S, W>(stream: &mut S, url: &Url, output: &mut W) -> io::Result<()>
where
    S: AsyncBufRead + AsyncWrite + Unpin,
    W: AsyncWrite + Unpin,
{
    let (target, authority) = (url.target(), url.authority());
    let request = format!(
        "GET {target} HTTP/1.1\r\nHost: {authority}\r\nAccept: */*\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await?;
    stream.flush().await?;
    match head(stream).await? {
        Body::None => {}
        Body::Length(length) => copy(stream, length, output).await?,
        Body::Chunked => chunks(stream, output).await?,
        Body::Rest => {
            tokio::io::copy_buf(stream, output).await?;
        }
    }
    output.flush().await
}

/// Reads the head of the response, prints its status, and determines how the body ends.
async fn head<S: AsyncBufRead + Unpin>(stream: &mut S) -> io::Result<Body> {
    let mut head = stream.take(HEAD_LIMIT);
    loop {
        let status_line = line(&mut head).await?;
        let status = status_line
            .strip_prefix("HTTP/1.")
            .and_then(|rest| rest.split(' ').nth(1))
            .and_then(|status| status.parse::<u16>().ok())
            .ok_or_else(|| invalid("the response is not HTTP/1"))?;
        let mut body = Body::Rest;
        loop {
            let line = line(&mut head).await?;
            if line.is_empty() {
                break;
            }
            let Some((name, value)) = line.split_once(':') else {
                return Err(invalid("a header without a colon"));
            };
            let value = value.trim();
            if name.eq_ignore_ascii_case("transfer-encoding") {
                if !value.eq_ignore_ascii_case("chunked") {
                    return Err(invalid("a transfer encoding that is not chunked"));
                }
                body = Body::Chunked;
            } else if name.eq_ignore_ascii_case("content-length") {
                let length = value.parse().map_err(|_| invalid("a bad Content-Length"))?;
                // A length is ignored if the body is chunked.
                if !matches!(body, Body::Chunked) {
                    body = Body::Length(length);
                }
            }
        }
        match status {
            // An interim response, followed by the final one.
            100..200 => {}
            204 | 304 => return Ok(Body::None),
            200..300 => return Ok(body),
            _ => {
                eprintln!("{status_line}");
                return Ok(body);
            }
        }
    }
}

async fn chunks<S, W>(stream: &mut S, output: &mut W) -> io::Result<()>
where
    S: AsyncBufRead + Unpin,
    W: AsyncWrite + Unpin,
{
    loop {
        let head = line(&mut stream.take(HEAD_LIMIT)).await?;
        let size = head.split(';').next().unwrap_or_default().trim();
        let size = u64::from_str_radix(size, 16).map_err(|_| invalid("a bad chunk size"))?;
        if size == 0 {
            break;
        }
        copy(stream, size, output).await?;
        if !line(&mut stream.take(2)).await?.is_empty() {
            return Err(invalid("a chunk that does not end after its size"));
        }
    }
    let mut trailers = stream.take(HEAD_LIMIT);
    while !line(&mut trailers).await?.is_empty() {}
    Ok(())
}

/// Copies exactly `length` bytes.
async fn copy<S, W>(stream: &mut S, length: u64, output: &mut W) -> io::Result<()>
where
    S: AsyncBufRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let copied = tokio::io::copy_buf(&mut stream.take(length), output).await?;
    if copied < length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(())
}

/// One line, without its end.
async fn line<S: AsyncBufRead + Unpin>(stream: &mut S) -> io::Result<String> {
    let mut line = Vec::new();
    stream.read_until(b'\n', &mut line).await?;
    if line.pop() != Some(b'\n') {
        return Err(invalid("a response head that is too long or incomplete"));
    }
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    Ok(String::from_utf8_lossy(&line).into_owned())
}

fn invalid(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}
