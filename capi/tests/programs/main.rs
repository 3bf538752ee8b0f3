//! C programs, built with gcc, and run as they are, under valgrind and under sanitizers.

#![cfg(unix)]

mod build;

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::thread;

use pollback_testkit::certificates::Authority;
use pollback_testkit::configs::{Setup, Version};
use rustls::{ClientConnection, ServerConnection, StreamOwned};

use build::{Build, Program};

const DRIVE: &str = "../examples/c/drive.c";

/// Writes a file into the folder of the test.
fn write_file(name: &str, text: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&path, text).expect("the file can be written");
    path
}

/// A page that takes many records and more than a socket holds.
fn page() -> String {
    (0..20_000).map(|line| format!("line {line}\n")).collect()
}

/// Serves the page to one client.
fn serve_once(version: Version) -> (SocketAddr, thread::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let config = Arc::new(Setup::new(version).server());
    let server = thread::spawn(move || {
        let (tcp, _) = listener.accept().expect("a client");
        let connection = ServerConnection::new(config).expect("a connection");
        let mut stream = StreamOwned::new(connection, tcp);
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).expect("a request");
            request.extend(byte);
        }
        let head = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n";
        stream.write_all(head.as_bytes()).expect("a head");
        stream.write_all(page().as_bytes()).expect("a page");
        stream.conn.send_close_notify();
        stream.flush().expect("an end");
        // Until the client has left: its own close_notify would meet a closed socket.
        let _ = stream.read_to_end(&mut Vec::new());
    });
    (address, server)
}

#[test]
fn transports_keep_their_promises() {
    for build in Build::ALL {
        let Some(program) = Program::c("checks", &["tests/checks.c"], build) else {
            return;
        };
        program.run(&[]);
    }
}

#[test]
fn forks_signals_and_exits_do_no_harm() {
    // The thread sanitizer cannot follow threads that are started in a forked child.
    for build in [Build::Shared, Build::Static, Build::Address] {
        let Some(program) = Program::c("processes", &["tests/processes.c"], build) else {
            return;
        };
        let program = program.that_forks();
        program.run(&[]);
        // Not under valgrind, which has limits of its own.
        let output = program.command().arg("lack").output();
        let output = output.expect("the program can be run");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{build:?}: {said}");
    }
}

#[test]
fn the_client_fetches_a_page() {
    let roots = write_file("client-roots.pem", &Authority::shared().pem());
    for build in Build::ALL {
        let sources = ["../examples/c/client.c", DRIVE];
        let Some(program) = Program::c("client", &sources, build) else {
            return;
        };
        for version in Version::ALL {
            for mut command in program.commands() {
                let (address, server) = serve_once(version);
                let port = address.port().to_string();
                command.args(["127.0.0.1", &port]).arg(&roots);
                let output = command.output().expect("the program can be run");
                let said = String::from_utf8_lossy(&output.stderr);
                assert!(output.status.success(), "{command:?}: {said}");
                assert!(output.stdout == page().as_bytes(), "another page");
                server.join().expect("a served client");
            }
        }
    }
}

#[test]
fn the_client_refuses_a_server_that_it_does_not_trust() {
    let roots = write_file("stranger.pem", &Authority::new().pem());
    let sources = ["../examples/c/client.c", DRIVE];
    let Some(program) = Program::c("distrusting-client", &sources, Build::Shared) else {
        return;
    };
    for mut command in program.commands() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener
            .local_addr()
            .expect("an address")
            .port()
            .to_string();
        let config = Arc::new(Setup::new(Version::Tls13).server());
        let server = thread::spawn(move || {
            let (mut tcp, _) = listener.accept().expect("a client");
            let mut connection = ServerConnection::new(config).expect("a connection");
            connection.complete_io(&mut tcp).expect_err("an alert")
        });
        command.args(["127.0.0.1", &port]).arg(&roots);
        let output = command.output().expect("the program can be run");
        assert_eq!(output.status.code(), Some(1));
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains("UnknownIssuer"), "{said}");
        let told = server.join().expect("a served client").to_string();
        assert!(told.contains("UnknownCA"), "{told}");
    }
}

#[test]
fn the_server_serves_clients_and_survives_the_others() {
    let identity = Authority::shared().server();
    let chain = write_file("server-chain.pem", identity.certificate_pem());
    let key = write_file("server-key.pem", &identity.key_pem());
    for build in Build::ALL {
        let sources = ["../examples/c/server.c", DRIVE];
        let Some(program) = Program::c("server", &sources, build) else {
            return;
        };
        for mut command in program.commands() {
            let arguments: [&OsStr; 4] = [chain.as_ref(), key.as_ref(), "0".as_ref(), "4".as_ref()];
            let mut server = command
                .args(arguments)
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .expect("the program can be run");
            let mut said = String::new();
            BufReader::new(server.stdout.take().expect("a pipe"))
                .read_line(&mut said)
                .expect("an address");
            let address = said
                .trim()
                .strip_prefix("listening on ")
                .expect("an address");
            assert_eq!(greet(address), [21, 3, 3, 0, 2, 2, 50]);
            drop(TcpStream::connect(address).expect("a connection"));
            for version in Version::ALL {
                assert!(get(address, version).ends_with("\r\n\r\nhello from C\n"));
            }
            let output = server.wait_with_output().expect("an end");
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{command:?}: {said}");
            assert!(said.contains("InvalidContentType") && said.contains("the client has left"));
        }
    }
}

/// Says something that is not TLS; what is answered.
fn greet(address: &str) -> Vec<u8> {
    let mut tcp = TcpStream::connect(address).expect("a connection");
    tcp.write_all(b"GET / HTTP/1.1\r\n\r\n").expect("a write");
    let mut heard = Vec::new();
    tcp.read_to_end(&mut heard).expect("an alert and an end");
    heard
}

fn get(address: &str, version: Version) -> String {
    let config = Arc::new(Setup::new(version).client());
    let name = "localhost".try_into().expect("a name");
    let connection = ClientConnection::new(config, name).expect("a connection");
    let tcp = TcpStream::connect(address).expect("a connection");
    let mut stream = StreamOwned::new(connection, tcp);
    let request = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    stream.write_all(request).expect("a request");
    let mut page = String::new();
    stream
        .read_to_string(&mut page)
        .expect("a page and a clean end");
    page
}
