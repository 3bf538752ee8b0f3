//! C programs, built with gcc and linked dynamically and statically, with and without valgrind.

#![cfg(unix)]

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread;

use pollback_testkit::certificates::Authority;
use pollback_testkit::configs::{Setup, Version};
use pollback_testkit::programs;
use rustls::{ClientConnection, ServerConnection, StreamOwned};

/// How a program is linked with the library.
#[derive(Clone, Copy, Debug)]
enum Linkage {
    Dynamic,
    Static,
}

const LINKAGES: [Linkage; 2] = [Linkage::Dynamic, Linkage::Static];

/// What the static library needs of the system.
const SYSTEM: [&str; 6] = ["-lgcc_s", "-lutil", "-lrt", "-lpthread", "-lm", "-ldl"];

const DRIVE: &str = "../examples/c/drive.c";

fn path(relative: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(relative)
}

/// Builds a program; `None` if there is no compiler.
fn build(name: &str, sources: &[&str], linkage: Linkage) -> Option<PathBuf> {
    let compiler = programs::find("gcc")?;
    // Where the library is that was built for this test.
    let test = std::env::current_exe().expect("a path");
    let libraries = test.parent().expect("a folder");
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{linkage:?}"));
    let mut command = Command::new(compiler);
    command
        .args(["-std=c11", "-D_POSIX_C_SOURCE=200809L", "-g", "-O1"])
        .args(["-Wall", "-Wextra", "-Werror"])
        .arg("-I")
        .arg(path("../include"))
        .args(["-I", env!("RUSTLS_INCLUDE")])
        .args(sources.iter().map(|source| path(source)))
        .arg("-o")
        .arg(&program);
    match linkage {
        Linkage::Dynamic => command
            .arg("-L")
            .arg(libraries)
            .args(["-lpollback_c", "-lpthread"])
            .arg(format!("-Wl,-rpath,{}", libraries.display())),
        Linkage::Static => command.arg(libraries.join("libpollback_c.a")).args(SYSTEM),
    };
    let output = command.output().expect("gcc can be run");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}\n{said}");
    Some(program)
}

/// The program itself, or under valgrind, which then fails it for a leak or an invalid access.
fn commands(program: &Path) -> Vec<Command> {
    let mut commands = vec![Command::new(program)];
    if let Some(valgrind) = programs::find("valgrind") {
        let mut command = Command::new(valgrind);
        command
            .args(["--quiet", "--error-exitcode=99", "--leak-check=full"])
            .args(["--errors-for-leak-kinds=definite,indirect,possible"])
            .arg(program);
        commands.push(command);
    }
    commands
}

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
fn the_transport_keeps_its_promises_to_c() {
    for linkage in LINKAGES {
        let Some(program) = build("checks", &["tests/checks.c"], linkage) else {
            return;
        };
        for mut command in commands(&program) {
            let output = command.output().expect("the program can be run");
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{command:?}: {said}");
        }
    }
}

#[test]
fn the_client_fetches_a_page() {
    let roots = write_file("client-roots.pem", &Authority::shared().pem());
    for linkage in LINKAGES {
        let sources = ["../examples/c/client.c", DRIVE];
        let Some(program) = build("client", &sources, linkage) else {
            return;
        };
        for version in Version::ALL {
            for mut command in commands(&program) {
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
    let Some(program) = build("distrusting-client", &sources, Linkage::Dynamic) else {
        return;
    };
    for mut command in commands(&program) {
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
    for linkage in LINKAGES {
        let sources = ["../examples/c/server.c", DRIVE];
        let Some(program) = build("server", &sources, linkage) else {
            return;
        };
        for mut command in commands(&program) {
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
