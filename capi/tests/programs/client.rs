//! The example client.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread;

use pollback_testkit::certificates::Authority;
use pollback_testkit::configs::{Setup, Version};
use rustls::{ServerConnection, StreamOwned};

use crate::build::{Build, Program};
use crate::{DRIVE, write_file};

/// A page that needs many records and exceeds the buffers of a socket.
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
        // Waits until the client has closed: otherwise its close_notify would reach a closed
        // socket.
        let _ = stream.read_to_end(&mut Vec::new());
    });
    (address, server)
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
                assert!(output.stdout == page().as_bytes(), "the page differs");
                server.join().expect("a served client");
            }
        }
    }
}

#[test]
fn the_client_rejects_an_untrusted_server() {
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
