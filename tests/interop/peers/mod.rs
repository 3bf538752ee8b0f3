//! Real programs against the examples: both versions, full and resumed, with and without a client
//! certificate.
//!
//! Each program has a file of its own. Languages also have a source file in `programs/`.

#[cfg(feature = "listener")]
mod chromium;
pub(crate) mod curl;
#[cfg(target_os = "linux")]
mod gnutls;
#[cfg(feature = "listener")]
mod h2load;
#[cfg(target_os = "linux")]
mod haproxy;
mod languages;
#[cfg(target_os = "linux")]
mod nginx;
pub(crate) mod openssl;
#[cfg(target_os = "linux")]
mod plain;
mod sslyze;
mod testssl;

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process;
use std::sync::Mutex;

use pollback_testkit::certificates::Authority;
use pollback_testkit::configs::Version;
use pollback_testkit::programs;
use tokio::process::Command;

use crate::built::example;
use crate::child::{Running, run};
use crate::files::Files;

/// The shortest possible request.
pub(crate) const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// Looks for a program, and prints its version.
///
/// `question` is the argument that makes the program print its version.
pub(crate) fn program(name: &str, question: &str) -> Option<PathBuf> {
    let path = programs::find(name)?;
    let answer = process::Command::new(&path).arg(question).output();
    let answer = answer.unwrap_or_else(|error| panic!("{name} does not start: {error}"));
    let text = [answer.stdout, answer.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    announce(name, text.lines().next().unwrap_or("no version"));
    Some(path)
}

/// Prints once for each program that it is used, bypassing the captured output of a test.
fn announce(name: &str, version: &str) {
    static ANNOUNCED: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    let mut announced = ANNOUNCED.lock().expect("no test fails in here");
    if announced.insert(name.to_owned()) {
        writeln!(io::stderr(), "peer {name}: {version}").expect("stderr can be written");
    }
}

/// A combination of parameters for a program and an example, and the files that they need.
struct Meeting {
    version: Version,
    /// Whether the server requires a client certificate.
    mutual: bool,
    /// Whether the example uses rustls 0.24.
    next: bool,
    files: Files,
}

impl Meeting {
    /// All meetings with `peer` in this role: with rustls 0.24 if the feature is enabled, since
    /// they use 0.23 without it.
    fn all(peer: &str, role: &str) -> impl Iterator<Item = Self> {
        let next = cfg!(feature = "next");
        let ways = [false, true].map(|mutual| Version::ALL.map(|version| (version, mutual)));
        ways.into_iter().flatten().map(move |(version, mutual)| {
            let files = Files::of(&format!("{peer}_as_{role}_{version:?}_{mutual}_{next}"));
            let authority = Authority::new();
            files.write("root.pem", authority.pem());
            let identities = [
                ("server", authority.server()),
                ("client", authority.client("test client")),
            ];
            for (role, identity) in identities {
                let (certificate, key) = (identity.certificate_pem(), identity.key_pem());
                files.write(&format!("{role}.pem"), certificate);
                files.write(&format!("{role}.key"), &key);
                // Some programs need both in one file.
                files.write(&format!("{role}.both.pem"), format!("{certificate}{key}"));
            }
            Self {
                version,
                mutual,
                next,
                files,
            }
        })
    }

    /// A command that runs in the folder with `root.pem`, `server.pem`, `server.key` and the other
    /// files.
    fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.files.folder());
        command
    }

    /// An example as such a command, limited to the version of this meeting.
    async fn example(&self, name: &str) -> Command {
        let mut command = example(name).await;
        command.current_dir(self.files.folder());
        command.arg(match self.version {
            Version::Tls12 => "--tls12",
            Version::Tls13 => "--tls13",
        });
        if self.next {
            command.arg("--next");
        }
        command
    }

    /// The number of the version, as in the names of most programs.
    fn number(&self) -> &'static str {
        match self.version {
            Version::Tls12 => "1.2",
            Version::Tls13 => "1.3",
        }
    }

    /// The response of the example server, and of other servers where possible, over such a
    /// connection.
    fn hello(&self, alpn: &str, kind: &str) -> String {
        let version = self.number().replace('.', "_");
        let certificate = self.certificate();
        format!("hello over TLSv{version}, ALPN {alpn}, {kind} handshake{certificate}")
    }

    /// The end of a `hello`.
    fn certificate(&self) -> &'static str {
        if self.mutual {
            ", with a client certificate"
        } else {
            ""
        }
    }

    /// The responses of a server over a full and a resumed connection.
    fn hellos(&self) -> [String; 2] {
        ["Full", "Resumed"].map(|kind| self.hello("http/1.1", kind))
    }

    fn describe(&self) -> String {
        let Self {
            version,
            mutual,
            next,
            ..
        } = self;
        format!("{version:?}, client certificate: {mutual}, rustls 0.24: {next}")
    }
}

/// Connects a client to the example server twice in one session, with all parameters.
///
/// `visit` returns the response that the client receives at the given port. `alpn` is the expected
/// protocol of the client in the two connections.
async fn meet_client<F>(peer: &str, alpn: [&str; 2], visit: F)
where
    F: AsyncFn(&Meeting, u16) -> String,
{
    // Without tickets, the clients of some programs resume no TLS 1.2 session.
    meet_client_with_tickets(Version::Tls12, peer, alpn, visit).await;
}

/// Like [`meet_client`]. The server uses tickets only with one version; with the other it stores
/// sessions.
async fn meet_client_with_tickets<F>(tickets: Version, peer: &str, alpn: [&str; 2], visit: F)
where
    F: AsyncFn(&Meeting, u16) -> String,
{
    for meeting in Meeting::all(peer, "client") {
        let mut server = meeting.example("server").await;
        server.args(["--listen", "127.0.0.1:0", "--cert", "server.pem"]);
        server.args(["--key", "server.key"]);
        if meeting.mutual {
            server.args(["--client-roots", "root.pem"]);
        }
        if meeting.version == tickets {
            server.arg("--tickets");
        }
        let (server, address) = Running::listening(&mut server).await;
        let told = visit(&meeting, address.port()).await;
        let server = server.end().await;
        let hellos: Vec<_> = told
            .lines()
            .filter(|line| line.starts_with("hello "))
            .collect();
        let expected = [
            meeting.hello(alpn[0], "Full"),
            meeting.hello(alpn[1], "Resumed"),
        ];
        let which = meeting.describe();
        assert_eq!(
            hellos, expected,
            "{peer}, {which}: the response was:\n{told}\n{server:#?}"
        );
        // Events after the response do not matter: some peers then reset the connection.
        let failed = server.stderr.contains("handshake");
        assert!(!failed, "{peer}, {which}: {server:#?}");
    }
}

/// Connects the example client to a server twice in one session, with all parameters.
///
/// `start` returns the server and its port. `says` returns what each of the two responses has to
/// contain.
async fn meet_server<F>(peer: &str, says: fn(&Meeting) -> [String; 2], start: F)
where
    F: AsyncFn(&Meeting) -> (Running, u16),
{
    for meeting in Meeting::all(peer, "server") {
        let (server, port) = start(&meeting).await;
        let mut client = meeting.example("client").await;
        client
            .args(["--root", "root.pem", "--alpn", "http/1.1"])
            .args(["--repeat", "2"]);
        if meeting.mutual {
            client.args(["--cert", "client.pem", "--key", "client.key"]);
        }
        client.arg(format!("https://localhost:{port}/"));
        let client = run(&mut client, b"").await;
        let server = server.end().await;
        let which = meeting.describe();
        assert_eq!(
            client.code,
            Some(0),
            "{peer}, {which}: {client:#?}\n{server:#?}"
        );
        let lines: Vec<_> = client.stderr.lines().collect();
        assert_eq!(lines.len(), 2, "{peer}, {which}: {client:#?}");
        let mut unread = &client.stdout[..];
        for ((line, kind), words) in lines.iter().zip(["Full", "Resumed"]).zip(says(&meeting)) {
            // A full handshake may have needed another key share: FullWithHelloRetryRequest.
            let settled = format!(", ALPN http/1.1, {kind}");
            assert!(line.contains(&settled), "{peer}, {which}: {line}");
            let Some((_, rest)) = unread.split_once(&words) else {
                panic!("{peer}, {which}: no {words:?} in:\n{}", client.stdout);
            };
            unread = rest;
        }
    }
}
