//! The header that a proxy sends before the client's own bytes.

use std::io;

use proxy_header::{ParseConfig, ProxyHeader};
use tokio::io::{AsyncRead, AsyncReadExt};

/// How every header of version 2 begins.
const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// How every header of version 1 begins.
const WORD: &[u8] = b"PROXY ";

/// The longest header of version 1, its end of line counted.
const LONGEST: usize = 107;

/// Reads a header of version 1 or 2, and no byte behind it.
pub(super) async fn read<IO>(io: &mut IO) -> io::Result<ProxyHeader<'static>>
where
    IO: AsyncRead + Unpin,
{
    let mut header = Vec::new();
    loop {
        let missing = missing(&header).ok_or_else(invalid)?;
        if missing == 0 {
            break;
        }
        let read = header.len();
        header.resize(read + missing, 0);
        io.read_exact(&mut header[read..]).await?;
    }
    match ProxyHeader::parse(&header, ParseConfig::default()) {
        Ok((parsed, length)) if length == header.len() => Ok(parsed.into_owned()),
        _ => Err(invalid()),
    }
}

/// How many more bytes there are at the least, given those that were read: 0 at the end of the
/// header, `None` if there is no header.
fn missing(header: &[u8]) -> Option<usize> {
    if let Some(rest) = header.strip_prefix(SIGNATURE) {
        return match rest {
            [_, _, high, low, body @ ..] => {
                usize::from(u16::from_be_bytes([*high, *low])).checked_sub(body.len())
            }
            _ => Some(4 - rest.len()),
        };
    }
    if header.starts_with(WORD) {
        return match header {
            _ if header.len() > LONGEST => None,
            [.., b'\r', b'\n'] => Some(0),
            [.., b'\r'] => Some(1),
            _ => Some(2),
        };
    }
    // Every header is longer than the signature.
    match header {
        [] => Some(SIGNATURE.len()),
        _ => None,
    }
}

fn invalid() -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        "a trusted proxy sent no valid PROXY header",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is read of these bytes, and how many are left.
    fn read_all(mut bytes: &[u8]) -> (io::Result<ProxyHeader<'static>>, usize) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let header = runtime.block_on(read(&mut bytes));
        (header, bytes.len())
    }

    #[test]
    fn nothing_is_read_behind_a_header() {
        let mut second = SIGNATURE.to_vec();
        second.extend([0x21, 0x11, 0, 17, 192, 0, 2, 1, 192, 0, 2, 2, 1, 0, 1, 1]);
        second.extend([5, 0, 2, 8, 9]);
        let headers = [
            &b"PROXY TCP4 192.0.2.1 192.0.2.2 256 257\r\n"[..],
            b"PROXY TCP4 192.0.2.1 192.0.2.2 256 25\r\n",
            b"PROXY UNKNOWN\r\n",
            b"PROXY UNKNOWN anything at all\r\n",
            &second,
        ];
        for header in headers {
            let (parsed, left) = read_all(&[header, b"client"].concat());
            assert!(parsed.is_ok(), "{header:?}");
            assert_eq!(left, 6, "{header:?}");
        }
    }

    #[test]
    fn what_is_no_header_is_refused() {
        let long = [&b"PROXY UNKNOWN "[..], &[b'x'; 200]].concat();
        let others = [
            &b"GET / HTTP/1.1\r\nHost: example.com\r\n\r\n"[..],
            &[22, 3, 1, 1, 0, 1, 0, 0, 252, 3, 3, 0, 0, 0],
            b"PROXY TCP4 not an address\r\n",
            b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x02aa",
            b"\r\n\r\n\0\r\nQUIT\n\x99\x11\0\0",
            &long,
        ];
        for bytes in others {
            let (parsed, _) = read_all(bytes);
            let error = parsed.expect_err("no header");
            assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{bytes:?}");
        }
    }

    #[test]
    fn a_header_that_is_cut_off_is_an_end_of_stream() {
        for length in [0, 3, 12, 20] {
            let header = b"PROXY TCP4 192.0.2.1 192.0.2.2 256 257\r\n";
            let (parsed, _) = read_all(&header[..length]);
            let error = parsed.expect_err("cut off");
            assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof, "{length}");
        }
    }
}
