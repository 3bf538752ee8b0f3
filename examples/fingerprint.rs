//! Prints a fingerprint of each client that connects, in the manner of JA4, and closes the
//! connection with an alert.
//!
//! ```sh
//! cargo run --example fingerprint -- 127.0.0.1:4433
//! openssl s_client -connect 127.0.0.1:4433 -servername example.com -alpn h2
//! ```
//!
//! With `--once` it exits after the first client.

use std::env;
use std::io;
use std::process::ExitCode;
use std::time::Duration;

use pollback::hello::{self, ClientHello};
use pollback::rustls::{AlertDescription, ProtocolVersion};
use sha2::{Digest, Sha256};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

const SERVER_NAME: u16 = 0;
const SIGNATURE_ALGORITHMS: u16 = 13;
const ALPN: u16 = 16;

const HELP: &str = "\
Prints a fingerprint of each client that connects, and closes the connection with an alert.

usage: fingerprint [--once] [ADDRESS]

  ADDRESS  where to listen, by default 127.0.0.1:4433
  --once   exits after the first client
  --help   prints this
";

#[tokio::main]
async fn main() -> ExitCode {
    let (mut address, mut once) = ("127.0.0.1:4433".to_owned(), false);
    for argument in env::args().skip(1) {
        match argument.as_str() {
            "--help" | "-h" => {
                print!("{HELP}");
                return ExitCode::SUCCESS;
            }
            "--once" => once = true,
            option if option.starts_with('-') => {
                eprintln!("fingerprint: there is no option {option}\n\n{HELP}");
                return ExitCode::from(2);
            }
            _ => address = argument,
        }
    }
    // In a task of the runtime's workers: the main task would have to be woken for each connection.
    let listening = tokio::spawn(listen(address.clone(), once)).await;
    match listening.unwrap_or_else(|error| Err(error.into())) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("fingerprint: {address}: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn listen(address: String, once: bool) -> io::Result<()> {
    let listener = TcpListener::bind(address).await?;
    println!("listening on {}", listener.local_addr()?);
    loop {
        let (tcp, peer) = listener.accept().await?;
        let client = tokio::spawn(async move {
            match timeout(Duration::from_secs(10), inspect(tcp)).await {
                Ok(Ok(fingerprint)) => println!("{peer} {fingerprint}"),
                Ok(Err(error)) => println!("{peer} sent no ClientHello: {error}"),
                Err(_) => println!("{peer} sent no ClientHello within 10 seconds"),
            }
        });
        if once {
            client.await?;
            return Ok(());
        }
    }
}

async fn inspect(tcp: TcpStream) -> io::Result<String> {
    let incoming = hello::peek(tcp).await?;
    let fingerprint = fingerprint(incoming.client_hello());
    incoming.refuse(AlertDescription::AccessDenied).await;
    Ok(fingerprint)
}

/// The three parts of JA4: what is offered in clear text, a digest of the cipher suites, and one of
/// the extensions and signature schemes.
fn fingerprint(hello: &ClientHello) -> String {
    let version = hello
        .versions()
        .filter(|version| !is_grease(u16::from(*version)));
    let version = match version.max_by_key(|version| u16::from(*version)) {
        Some(ProtocolVersion::TLSv1_3) => "13",
        Some(ProtocolVersion::TLSv1_2) => "12",
        Some(ProtocolVersion::TLSv1_1) => "11",
        Some(ProtocolVersion::TLSv1_0) => "10",
        Some(ProtocolVersion::SSLv3) => "s3",
        _ => "00",
    };
    let mut suites: Vec<u16> = hello.cipher_suites().map(u16::from).collect();
    suites.retain(|suite| !is_grease(*suite));
    suites.sort_unstable();
    let mut extensions: Vec<u16> = hello.extensions().map(|(kind, _)| kind).collect();
    extensions.retain(|kind| !is_grease(*kind));
    let name = if extensions.contains(&SERVER_NAME) {
        'd'
    } else {
        'i'
    };
    let clear = format!(
        "t{version}{name}{:02}{:02}{}",
        suites.len().min(99),
        extensions.len().min(99),
        alpn(hello.alpn().and_then(|mut protocols| protocols.next())),
    );
    extensions.retain(|kind| ![SERVER_NAME, ALPN].contains(kind));
    extensions.sort_unstable();
    // In the client's order, unlike the rest.
    let schemes: Vec<u16> = match extensions.contains(&SIGNATURE_ALGORITHMS) {
        true => hello.signature_schemes().map(u16::from).collect(),
        false => Vec::new(),
    };
    let offered = match schemes.is_empty() {
        true => list(&extensions),
        false => format!("{}_{}", list(&extensions), list(&schemes)),
    };
    format!("{clear}_{}_{}", digest(&list(&suites)), digest(&offered))
}

/// Values that a client sends only to test that servers ignore them (RFC 8701).
fn is_grease(value: u16) -> bool {
    let [high, low] = value.to_be_bytes();
    high == low && low & 0x0f == 0x0a
}

/// The first and last letter of a protocol.
fn alpn(protocol: Option<&[u8]>) -> String {
    match protocol {
        Some([first, .., last])
            if first.is_ascii_alphanumeric() && last.is_ascii_alphanumeric() =>
        {
            [char::from(*first), char::from(*last)].iter().collect()
        }
        Some([first, .., last]) => format!("{:x}{:x}", first >> 4, last & 0x0f),
        Some(_) | None => "00".to_owned(),
    }
}

fn list(values: &[u16]) -> String {
    let values: Vec<String> = values.iter().map(|value| format!("{value:04x}")).collect();
    values.join(",")
}

fn digest(list: &str) -> String {
    match list {
        "" => "000000000000".to_owned(),
        list => Sha256::digest(list)[..6]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect(),
    }
}
