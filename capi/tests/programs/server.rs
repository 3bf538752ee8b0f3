//! The example servers.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use pollback_testkit::certificates::Authority;
use pollback_testkit::configs::{Setup, Version};
use rustix::process::{Resource, getrlimit, setrlimit};
use rustls::{ClientConnection, StreamOwned};

use crate::build::{Build, Program};
use crate::{DRIVE, write_file};

const SETUP: &str = "../examples/c/setup.c";

/// A running server.
struct Server {
    child: Child,
    address: String,
}

impl Server {
    /// Starts a server for some clients.
    fn start(mut command: Command, name: &str, clients: usize) -> Self {
        let (chain, key) = identity(name);
        let mut child = command
            .arg(chain)
            .arg(key)
            .args(["0", &clients.to_string()])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program can be run");
        let mut said = String::new();
        BufReader::new(child.stdout.take().expect("a pipe"))
            .read_line(&mut said)
            .expect("an address");
        let address = said.trim().strip_prefix("listening on ");
        let address = address.expect("an address").to_owned();
        Self { child, address }
    }

    /// Waits until it has exited with success, and returns what it has written to stderr.
    fn join(self) -> String {
        let output = self.child.wait_with_output().expect("an end");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{said}");
        said
    }
}

fn identity(name: &str) -> (PathBuf, PathBuf) {
    let identity = Authority::shared().server();
    (
        write_file(&format!("{name}-chain.pem"), identity.certificate_pem()),
        write_file(&format!("{name}-key.pem"), &identity.key_pem()),
    )
}

#[test]
fn the_server_serves_clients_and_survives_invalid_ones() {
    for build in Build::ALL {
        let sources = ["../examples/c/server.c", SETUP, DRIVE];
        let Some(program) = Program::c("server", &sources, build) else {
            return;
        };
        for command in program.commands() {
            let server = Server::start(command, "server", 4);
            assert_eq!(greet(&server.address), [21, 3, 3, 0, 2, 2, 50]);
            drop(TcpStream::connect(&server.address).expect("a connection"));
            for version in Version::ALL {
                let mut client = connect(&server.address, version);
                assert!(get(&mut client).ends_with("\r\n\r\nhello from C\n"));
            }
            let said = server.join();
            assert!(said.contains("InvalidContentType") && said.contains("the client has left"));
        }
    }
}

#[test]
fn the_server_with_an_event_loop_serves_many_clients_at_the_same_time() {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(
        Resource::Nofile,
        rustix::process::Rlimit {
            current: limit.maximum,
            ..limit
        },
    )
    .expect("the limit on descriptors can be raised");
    for build in Build::ALL {
        let sources = ["../examples/c/poll_server.c", SETUP, DRIVE];
        let Some(program) = Program::c("poll-server", &sources, build) else {
            return;
        };
        for (number, command) in program.commands().into_iter().enumerate() {
            // The tools that check a program make it slow.
            let many = match (build, number) {
                (Build::Static, 0) => 1000,
                _ => 20,
            };
            let server = Server::start(command, "poll-server", many + 2);
            greet(&server.address);
            drop(TcpStream::connect(&server.address).expect("a connection"));
            let mut clients: Vec<_> = (0..many)
                .map(|number| connect(&server.address, Version::ALL[number % 2]))
                .collect();
            for client in clients.iter_mut().rev() {
                assert!(get(client).ends_with("\r\n\r\nhello from C\n"));
            }
            server.join();
        }
    }
}

/// Sends something that is not TLS, and returns the response.
fn greet(address: &str) -> Vec<u8> {
    let mut tcp = TcpStream::connect(address).expect("a connection");
    tcp.write_all(b"GET / HTTP/1.1\r\n\r\n").expect("a write");
    let mut heard = Vec::new();
    tcp.read_to_end(&mut heard).expect("an alert and an end");
    heard
}

/// A client after its handshake.
fn connect(address: &str, version: Version) -> StreamOwned<ClientConnection, TcpStream> {
    let config = Arc::new(Setup::new(version).client());
    let name = "localhost".try_into().expect("a name");
    let mut connection = ClientConnection::new(config, name).expect("a connection");
    let mut tcp = TcpStream::connect(address).expect("a connection");
    while connection.is_handshaking() {
        connection.complete_io(&mut tcp).expect("a handshake");
    }
    StreamOwned::new(connection, tcp)
}

fn get(stream: &mut StreamOwned<ClientConnection, TcpStream>) -> String {
    let request = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    stream.write_all(request).expect("a request");
    let mut page = String::new();
    stream
        .read_to_string(&mut page)
        .expect("a page and a clean end");
    page
}
