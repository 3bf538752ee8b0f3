//! Servers and clients as processes of their own.

use std::ffi::OsStr;
use std::fs::File;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Output, Stdio};
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use crate::place::Place;

/// A free port on the loopback interface.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a socket");
    listener.local_addr().expect("an address").port()
}

/// A server, which is killed when this is dropped.
pub(crate) struct Server {
    _child: Child,
}

impl Server {
    /// Starts `program` and waits until it accepts connections on `port`.
    ///
    /// Its output is written to `PROGRAM.log` in the folder of the scenario.
    pub(crate) async fn start<S: AsRef<OsStr>>(
        place: &Place,
        program: &str,
        arguments: impl IntoIterator<Item = S>,
        port: u16,
    ) -> Result<Self, String> {
        let mut command = Command::new(program);
        command.args(arguments);
        Self::start_command(place, command, port).await
    }

    pub(crate) async fn start_command(
        place: &Place,
        mut command: Command,
        port: u16,
    ) -> Result<Self, String> {
        let name = Path::new(command.as_std().get_program())
            .file_name()
            .map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        let log = File::create(place.path(&format!("{name}.log"))).expect("a new file");
        let child = command
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a file"))
            .stderr(log)
            .kill_on_drop(true)
            .spawn();
        let mut child = child.map_err(|error| format!("{name} does not start: {error}"))?;
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port))
            .await
            .is_err()
        {
            if let Ok(Some(status)) = child.try_wait() {
                return Err(format!("{name} has exited: {status}"));
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(Self { _child: child })
    }
}

/// Runs a client until it exits, and returns its output.
pub(crate) async fn run(command: &mut Command, input: &[u8]) -> std::io::Result<Output> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let mut stdin = child.stdin.take().expect("a pipe");
    let feed = async {
        // A client that is finished closes the pipe.
        let _ = stdin.write_all(input).await;
        drop(stdin);
    };
    let (output, ()) = tokio::join!(child.wait_with_output(), feed);
    output
}
