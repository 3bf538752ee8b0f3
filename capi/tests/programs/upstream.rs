//! The example programs of rustls-ffi, whose sources are in its package, over the callbacks of
//! pollback.

use std::io::{BufRead, BufReader, Read};
use std::net::{Shutdown, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use pollback_testkit::programs;

use crate::build::{Build, Program};

/// The environment of a client, and whether it is expected to succeed.
type Client = (&'static [(&'static str, &'static str)], bool);

const AUTHORITY: (&str, &str) = ("CA_FILE", "testdata/minica.pem");
const LOCALHOST: [(&str, &str); 2] = [
    ("AUTH_CERT", "testdata/localhost/cert.pem"),
    ("AUTH_KEY", "testdata/localhost/key.pem"),
];
const OTHER: [(&str, &str); 2] = [
    ("AUTH_CERT", "testdata/example.com/cert.pem"),
    ("AUTH_KEY", "testdata/example.com/key.pem"),
];
const CHACHA: (&str, &str) = ("RUSTLS_CIPHERSUITE", "TLS13_CHACHA20_POLY1305_SHA256");
const AES: (&str, &str) = ("RUSTLS_CIPHERSUITE", "TLS13_AES_128_GCM_SHA256");
const UNCHECKED: (&str, &str) = ("NO_CHECK_CERTIFICATE", "1");

const ANY: [Client; 4] = [
    (&[AUTHORITY], true),
    (&[AUTHORITY, ("USE_VECTORED_IO", "1")], true),
    (
        &[AUTHORITY, LOCALHOST[0], LOCALHOST[1], ("STDERRKEYLOG", "1")],
        true,
    ),
    (&[("CA_FILE", "testdata/localhost/cert.pem")], false),
];

/// The environment of a server, and its clients.
type Meeting = (&'static [(&'static str, &'static str)], &'static [Client]);

/// The servers, each with its clients.
const SERVERS: [Meeting; 5] = [
    (&[], &ANY),
    (&[("VECTORED_IO", "1"), ("STDERRKEYLOG", "1")], &ANY),
    (
        &[
            ("AUTH_CERT", "testdata/minica.pem"),
            ("AUTH_CRL", "testdata/test.crl.pem"),
        ],
        &[
            (&[AUTHORITY], false),
            (&[AUTHORITY, OTHER[0], OTHER[1]], true),
            (&[AUTHORITY, LOCALHOST[0], LOCALHOST[1]], false),
        ],
    ),
    (
        &[CHACHA],
        &[(&[UNCHECKED, CHACHA], true), (&[UNCHECKED, AES], false)],
    ),
    (
        &[("MAX_TLS13_TICKETS", "3")],
        &[(
            &[
                AUTHORITY,
                ("REQUEST_TLS13_TICKETS", "9"),
                ("EXPECT_TLS13_TICKETS", "3"),
            ],
            true,
        )],
    ),
];

/// Where the package of rustls-ffi has been unpacked.
fn package() -> PathBuf {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--offline"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo can be run");
    let text = String::from_utf8(output.stdout).expect("text");
    let end = text.split("\"manifest_path\":\"").find_map(|path| {
        let path = path.split('"').next()?;
        let folder = path.strip_suffix("/Cargo.toml")?;
        let name = Path::new(folder).file_name()?.to_str()?;
        name.starts_with("rustls-ffi-")
            .then(|| PathBuf::from(folder))
    });
    end.expect("rustls-ffi among the packages")
}

fn build(name: &str, package: &Path, build: Build) -> Option<Program> {
    let mut command = Command::new(programs::find("gcc")?);
    let tests = package.join("tests");
    command
        .args([
            "-D_GNU_SOURCE",
            "-Wl,--wrap=close,--wrap=bind,--wrap=select",
        ])
        .arg("-I")
        .arg(&tests)
        .arg(tests.join(name).with_extension("c"))
        .arg(common(&tests, build)?);
    let sources = ["tests/upstream.c"];
    Some(Program::compile(
        command,
        &format!("upstream-{name}"),
        &sources,
        build,
    ))
}

/// Compiles the code that their programs share, with its callbacks renamed.
fn common(tests: &Path, build: Build) -> Option<PathBuf> {
    let object =
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("upstream-common-{build:?}.o"));
    let mut command = Command::new(programs::find("gcc")?);
    command
        .args([
            "-D_GNU_SOURCE",
            "-Dread_cb=their_read",
            "-Dwrite_cb=their_write",
        ])
        .args(["-Dwrite_vectored_cb=their_write_vectored", "-g", "-c", "-I"])
        .args([env!("RUSTLS_INCLUDE"), "-o"])
        .arg(&object)
        .arg(tests.join("common.c"));
    assert!(
        command.status().expect("gcc can be run").success(),
        "{command:?}"
    );
    Some(object)
}

/// A server that runs until it receives a signal.
struct Server {
    child: Child,
    port: String,
}

impl Server {
    fn start(mut command: Command, package: &Path, told: &[(&str, &str)]) -> Self {
        let mut child = command
            .args(["testdata/localhost/cert.pem", "testdata/localhost/key.pem"])
            .current_dir(package)
            .envs(told.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program can be run");
        let mut output = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut said = String::new();
        while !said.starts_with("listening") {
            said.clear();
            assert!(
                output.read_line(&mut said).expect("a line") > 0,
                "no address"
            );
        }
        let port = said.trim().rsplit(':').next().expect("a port").to_owned();
        Self { child, port }
    }

    /// Stops the server, and expects it to exit with success.
    fn stop(mut self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("a signal");
        // The signal may have arrived before the server waits for a client; a client ends that
        // wait.
        while self.child.try_wait().expect("a state").is_none() {
            let client = TcpStream::connect(format!("127.0.0.1:{}", self.port));
            if let Ok(mut client) = client {
                let _ = client.shutdown(Shutdown::Write);
                let _ = client.read_to_end(&mut Vec::new());
            }
        }
        assert!(
            self.child.wait().expect("an end").success(),
            "the server failed"
        );
    }
}

#[test]
fn the_examples_of_rustls_ffi_work_over_transports() {
    let package = package();
    for kind in [Build::Shared, Build::Address] {
        let (Some(server), Some(client)) = (
            build("server", &package, kind),
            build("client", &package, kind),
        ) else {
            return;
        };
        // On their own, and for one build under valgrind.
        for way in 0..server.commands().len() {
            // Only one of the servers under valgrind, which is slow.
            let servers = if way == 0 {
                &SERVERS[..]
            } else {
                &SERVERS[1..2]
            };
            for &(told, clients) in servers {
                let command = server.commands().swap_remove(way);
                let running = Server::start(command, &package, told);
                for (told, success) in clients {
                    let mut command = client.commands().swap_remove(way);
                    let output = command
                        .args(["localhost", &running.port, "/", "1"])
                        .current_dir(&package)
                        .envs(told.iter().copied())
                        .output()
                        .expect("the program can be run");
                    let said = String::from_utf8_lossy(&output.stderr);
                    assert_eq!(output.status.success(), *success, "{told:?}: {said}");
                    // The client has failed, and no tool has reported an error.
                    assert!(
                        output.status.success() || output.status.code() == Some(1),
                        "{said}"
                    );
                }
                running.stop();
            }
        }
    }
}
