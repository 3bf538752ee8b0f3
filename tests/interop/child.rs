//! Programs that are started, watched and stopped through handles.

use std::io;
use std::net::SocketAddr;
#[cfg(target_os = "linux")]
use std::net::TcpListener;
#[cfg(target_os = "linux")]
use std::os::fd::OwnedFd;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdout, Command};
use tokio::task::JoinHandle;

use crate::bounded::bounded;

/// A watchdog: many times what any of the programs needs.
pub(crate) const LIMIT: Duration = Duration::from_secs(180);

/// The result of a program.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// A running program, which is killed when this is dropped.
pub(crate) struct Running {
    child: Child,
    stdout: BufReader<ChildStdout>,
    stderr: JoinHandle<io::Result<String>>,
}

/// Runs a program until it exits.
pub(crate) async fn run(command: &mut Command, input: &[u8]) -> Finished {
    Running::start(command, input).await.finish().await
}

impl Running {
    /// Starts a program with `input` on stdin.
    pub(crate) async fn start(command: &mut Command, input: &[u8]) -> Self {
        let mut running = Self::spawn(command.stdin(Stdio::piped()));
        let mut stdin = running.child.stdin.take().expect("a pipe");
        // A program that exits without reading reports the reason itself.
        let _ = bounded(LIMIT, "feeding the program", stdin.write_all(input)).await;
        running
    }

    /// Starts a program that accepts connections from `listener`, its descriptor 0.
    #[cfg(target_os = "linux")]
    pub(crate) fn start_on(command: &mut Command, listener: TcpListener) -> Self {
        Self::spawn(command.stdin(OwnedFd::from(listener)))
    }

    /// Starts a program that prints the address that it listens on.
    pub(crate) async fn listening(command: &mut Command) -> (Self, SocketAddr) {
        let mut running = Self::start(command, b"").await;
        let address = running.address("listening on ").await;
        (running, address)
    }

    fn spawn(command: &mut Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
        let mut stderr = child.stderr.take().expect("a pipe");
        let stdout = BufReader::new(child.stdout.take().expect("a pipe"));
        Self {
            child,
            stdout,
            // Read continuously, so that a program with much output is not blocked.
            stderr: tokio::spawn(async move {
                let mut text = Vec::new();
                stderr.read_to_end(&mut text).await?;
                Ok(String::from_utf8_lossy(&text).into_owned())
            }),
        }
    }

    /// Waits for the line of stdout that contains `words`, followed by the address that it listens
    /// on.
    pub(crate) async fn address(&mut self, words: &str) -> SocketAddr {
        self.line(words).await.parse().expect("an address")
    }

    /// Waits for the line of stdout that contains `words`, and returns what follows them.
    pub(crate) async fn line(&mut self, words: &str) -> String {
        let search = async {
            let mut line = String::new();
            while self.stdout.read_line(&mut line).await? > 0 {
                if let Some((_, rest)) = line.split_once(words) {
                    return Ok(rest.trim().to_owned());
                }
                line.clear();
            }
            Err(io::ErrorKind::UnexpectedEof)?
        };
        let found: io::Result<String> = bounded(LIMIT, "waiting for a line", search).await;
        match found {
            Ok(rest) => rest,
            Err(error) => panic!("no {words:?} ({error}): {:#?}", self.wait().await),
        }
    }

    /// Sends a signal, named as in `kill -NAME`, to the program.
    #[cfg(all(unix, feature = "axum-08"))]
    pub(crate) async fn signal(&self, name: &str) {
        let id = self.child.id().expect("it runs");
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("kill -{name} {id}")]);
        run(&mut shell, b"").await.succeeded();
    }

    /// Waits until the program exits.
    pub(crate) async fn finish(mut self) -> Finished {
        self.wait().await
    }

    /// Kills the program.
    pub(crate) async fn end(mut self) -> Finished {
        self.child.start_kill().expect("a handle of a child");
        self.wait().await
    }

    async fn wait(&mut self) -> Finished {
        let mut stdout = Vec::new();
        let ended = async {
            self.stdout.read_to_end(&mut stdout).await?;
            self.child.wait().await
        };
        let status = bounded(LIMIT, "waiting for the end of the program", ended).await;
        let stderr = bounded(LIMIT, "waiting for the rest of stderr", &mut self.stderr).await;
        Finished {
            code: status.expect("a status").code(),
            stdout: String::from_utf8_lossy(&stdout).into_owned(),
            stderr: stderr.expect("no panic").expect("a pipe that can be read"),
        }
    }
}

impl Finished {
    /// Expects success.
    #[track_caller]
    pub(crate) fn succeeded(self) -> Self {
        assert_eq!(self.code, Some(0), "{self:#?}");
        self
    }

    /// Expects this exit code, and words on stderr that name the cause.
    #[track_caller]
    pub(crate) fn failed(self, code: i32, cause: &str) -> Self {
        assert_eq!(self.code, Some(code), "{self:#?}");
        assert!(self.stderr.contains(cause), "no {cause:?} in {self:#?}");
        self
    }
}
