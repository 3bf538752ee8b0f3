//! The load generators, and their output.

use std::net::SocketAddr;
use std::process::Command;

use crate::BoxError;

/// Prints the versions of the programs, and which of them are missing. Returns whether all are
/// installed.
pub(crate) fn announce() -> bool {
    let mut is_complete = true;
    for (program, argument, package) in [
        ("wrk", "-v", "wrk"),
        ("h2load", "--version", "nghttp2-client"),
    ] {
        match Command::new(program).arg(argument).output() {
            Ok(output) => {
                let text = String::from_utf8_lossy(&output.stdout);
                println!("{}  ", text.lines().next().unwrap_or(program));
            }
            Err(error) => {
                println!("{program}: {error}. On Debian it is in the package {package}.  ");
                is_complete = false;
            }
        }
    }
    println!();
    is_complete
}

/// A kind of load.
#[derive(Clone, Copy)]
pub(crate) enum Load {
    /// HTTP/1.1, many requests on each connection.
    Http1,
    /// HTTP/1.1, each request on a connection of its own.
    Http1Once,
    /// HTTP/2, many requests on each connection, several at once.
    Http2,
    /// HTTP/2, each request on a connection of its own.
    Http2Once,
}

/// The result of a load.
#[derive(Debug, PartialEq)]
pub(crate) struct Outcome {
    pub(crate) requests: u64,
    pub(crate) failed: u64,
    pub(crate) per_second: f64,
}

impl Load {
    pub(crate) const ALL: [Self; 4] = [Self::Http1, Self::Http1Once, Self::Http2, Self::Http2Once];

    /// Its name in the tables.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Http1 => "HTTP/1.1, keep-alive",
            Self::Http1Once => "HTTP/1.1, one request per connection",
            Self::Http2 => "HTTP/2, keep-alive",
            Self::Http2Once => "HTTP/2, one request per connection",
        }
    }

    fn command(self) -> Command {
        let (program, arguments) = match self {
            Self::Http1 | Self::Http1Once => ("wrk", "-t1 -c32 -d2s"),
            Self::Http2 => ("h2load", "-c32 -m8 -n60000"),
            Self::Http2Once => ("h2load", "-c2000 -n2000"),
        };
        let mut command = Command::new(program);
        command.args(arguments.split(' '));
        if let Self::Http1Once = self {
            command.args(["-H", "Connection: close"]);
        }
        command
    }

    /// Runs the load against a server.
    pub(crate) fn put_on(self, server: SocketAddr) -> Result<Outcome, BoxError> {
        let mut command = self.command();
        let output = command.arg(format!("https://{server}/")).output()?;
        let text = String::from_utf8(output.stdout)?;
        let outcome = match self {
            Self::Http1 | Self::Http1Once => of_wrk(&text),
            Self::Http2 | Self::Http2Once => of_h2load(&text),
        };
        outcome.ok_or_else(|| format!("{command:?}: {text}").into())
    }
}

/// The number after the first `words` of a text.
fn number_after(text: &str, words: &str) -> Option<f64> {
    let (_, rest) = text.split_once(words)?;
    let end = rest.trim_start();
    end.split([' ', ',', '\n']).next()?.parse().ok()
}

/// The number before the first `words` of a text.
fn number_before(text: &str, words: &str) -> Option<f64> {
    let (before, _) = text.split_once(words)?;
    before.split_whitespace().next_back()?.parse().ok()
}

fn of_wrk(text: &str) -> Option<Outcome> {
    // Both lines are printed only if something has failed.
    let refused = number_after(text, "Non-2xx or 3xx responses:").unwrap_or(0.0);
    let broken: f64 = match text.split_once("Socket errors:") {
        Some((_, errors)) => ["connect", "read", "write", "timeout"]
            .iter()
            .map(|kind| number_after(errors, kind))
            .sum::<Option<f64>>()?,
        None => 0.0,
    };
    Some(Outcome {
        requests: number_before(text, " requests in ")? as u64,
        failed: (refused + broken) as u64,
        per_second: number_after(text, "Requests/sec:")?,
    })
}

fn of_h2load(text: &str) -> Option<Outcome> {
    let requests = number_after(text, "requests:")? as u64;
    let succeeded = number_before(text, " succeeded")? as u64;
    Some(Outcome {
        requests,
        failed: requests - succeeded,
        per_second: number_before(text, " req/s")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_output_of_wrk_is_parsed() {
        let mut text = "Running 2s test @ https://127.0.0.1:1/
  1 threads and 32 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.00ms    1.00ms  10.00ms   90.00%
    Req/Sec    20.00k     1.00k   22.00k    70.00%
  40000 requests in 2.00s, 3.00MB read
Requests/sec:  19999.50
Transfer/sec:      1.50MB
"
        .to_owned();
        let mut expected = Outcome {
            requests: 40_000,
            failed: 0,
            per_second: 19_999.5,
        };
        assert_eq!(of_wrk(&text), Some(expected));
        text = text.replace(
            "Requests/sec",
            "  Socket errors: connect 1, read 2, write 3, timeout 4
  Non-2xx or 3xx responses: 5
Requests/sec",
        );
        expected = of_wrk(&text).unwrap();
        assert_eq!(expected.failed, 15);
    }

    #[test]
    fn the_output_of_h2load_is_parsed() {
        let text = "starting benchmark...
finished in 1.25s, 1600.50 req/s, 100.00KB/s
requests: 2000 total, 2000 started, 1999 done, 1998 succeeded, 2 failed, 1 errored, 0 timeout
status codes: 1998 2xx, 0 3xx, 0 4xx, 0 5xx
";
        let expected = Outcome {
            requests: 2000,
            failed: 2,
            per_second: 1600.5,
        };
        assert_eq!(of_h2load(text), Some(expected));
        assert_eq!(of_h2load("connect failed"), None);
    }
}
