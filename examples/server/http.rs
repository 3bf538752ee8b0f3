//! The parts of HTTP/1.1 that one response needs.

use std::io;

use pollback::stream::{TlsConnection, TlsStream};
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The longest request head that is accepted.
const HEAD_LIMIT: u64 = 16 * 1024;
/// How much of a rejected request is read after the response.
const REST_LIMIT: u64 = 1024 * 1024;

/// How to respond to a request.
enum Verdict {
    Get,
    Head,
    /// Carrying it out twice may do harm.
    Unsafe,
    Wrong(&'static str),
}

/// Reads the head of one request, sends the response and closes the connection.
pub(crate) async fn answer<C: TlsConnection>(
    stream: &mut TlsStream<TcpStream, C>,
    hello: &str,
) -> io::Result<()> {
    let Some(verdict) = request(stream).await? else {
        // A client that only performed the handshake.
        return stream.shutdown().await;
    };
    let came_early = stream.early_data_read() > 0;
    let hello = match came_early {
        true => format!("{hello}, in early data\n"),
        false => format!("{hello}\n"),
    };
    let (status, body) = match verdict {
        Verdict::Get | Verdict::Head => ("200 OK", &hello[..]),
        // RFC 8470, section 5.2: an attacker can replay these bytes.
        Verdict::Unsafe if came_early => ("425 Too Early", ""),
        Verdict::Unsafe => ("405 Method Not Allowed", ""),
        Verdict::Wrong(status) => (status, ""),
    };
    let length = body.len();
    let mut answer = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {length}\r\n\
         Connection: close\r\n\r\n"
    );
    if !matches!(verdict, Verdict::Head) {
        answer.push_str(body);
    }
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await?;
    if matches!(verdict, Verdict::Unsafe | Verdict::Wrong(_)) {
        // Unread bytes would cause a reset, and the response might be lost.
        tokio::io::copy(&mut stream.take(REST_LIMIT), &mut tokio::io::sink()).await?;
    }
    Ok(())
}

/// Reads a head up to its empty line; returns `None` if the client sent nothing at all.
async fn request<S: AsyncBufRead + Unpin>(stream: &mut S) -> io::Result<Option<Verdict>> {
    let mut head = stream.take(HEAD_LIMIT);
    let mut lines = Vec::new();
    loop {
        let start = lines.len();
        if head.read_until(b'\n', &mut lines).await? == 0 {
            return Ok(match (lines.len(), head.limit()) {
                (0, _) => None,
                (_, 0) => Some(Verdict::Wrong("431 Request Header Fields Too Large")),
                _ => Some(Verdict::Wrong("400 Bad Request")),
            });
        }
        if matches!(&lines[start..], b"\r\n" | b"\n") {
            break;
        }
    }
    let first = lines
        .split(|byte| *byte == b'\n')
        .next()
        .unwrap_or_default();
    let mut words = first.trim_ascii_end().split(|byte| *byte == b' ');
    let (method, target, version) = (words.next(), words.next(), words.next());
    Ok(Some(match (method, target, version, words.next()) {
        (Some(method), Some([b'/', ..]), Some(b"HTTP/1.0" | b"HTTP/1.1"), None) => match method {
            b"GET" => Verdict::Get,
            b"HEAD" => Verdict::Head,
            _ => Verdict::Unsafe,
        },
        _ => Verdict::Wrong("400 Bad Request"),
    }))
}
