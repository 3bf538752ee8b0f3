//! The proxy as a process.

use std::net::SocketAddr;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStderr, ChildStdout, Command};

use crate::bounded::bounded;
use crate::built::example;
use crate::files::Files;

/// A watchdog timeout: many times what any step needs.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

/// A running proxy, which is killed when this is dropped.
pub(crate) struct Proxy {
    child: Child,
    stdout: Lines<BufReader<ChildStdout>>,
    stderr: Lines<BufReader<ChildStderr>>,
    pub(crate) address: SocketAddr,
    pub(crate) counters: SocketAddr,
}

/// The first table of a configuration, with additional settings.
pub(crate) fn listen(additions: &str) -> String {
    format!("[listen]\naddress = \"127.0.0.1:0\"\ncounters = \"127.0.0.1:0\"\n{additions}\n")
}

/// A route, and a backend with its name and this address.
pub(crate) fn route(name: &str, address: SocketAddr, route: &str, backend: &str) -> String {
    format!(
        "[[route]]\nnames = [{name:?}]\nbackend = {name:?}\n{route}\n\
         [backend.{name:?}]\naddress = \"{address}\"\n{backend}\n"
    )
}

/// A command for the proxy with a configuration, which is written to the folder of `files`.
pub(crate) async fn command(files: &Files, configuration: &str) -> Command {
    files.write("proxy.toml", configuration);
    let mut command = example("proxy").await;
    command
        .arg("proxy.toml")
        .current_dir(files.folder())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

impl Proxy {
    /// Starts a proxy that listens as [`listen`] says.
    pub(crate) async fn start(files: &Files, configuration: &str) -> Self {
        let mut child = command(files, configuration)
            .await
            .spawn()
            .expect("the proxy starts");
        let stdout = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let stderr = BufReader::new(child.stderr.take().expect("a pipe")).lines();
        let mut stderr = stderr;
        let mut said = async |words: &str, rest: &str| {
            let line = bounded(LIMIT, "starting", stderr.next_line()).await;
            let line = line.expect("text").expect("a line");
            let address = line
                .strip_prefix(words)
                .and_then(|line| line.strip_suffix(rest));
            address
                .and_then(|address| address.parse().ok())
                .unwrap_or_else(|| panic!("no {words:?}: {line}"))
        };
        let address = said("listening on ", "").await;
        let counters = said("counters at http://", "/metrics").await;
        Self {
            child,
            stdout,
            stderr,
            address,
            counters,
        }
    }

    /// The log line of the next connection that ends.
    pub(crate) async fn record(&mut self) -> Value {
        let line = bounded(LIMIT, "waiting for a record", self.stdout.next_line()).await;
        let line = line.expect("text").expect("one more line");
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
    }

    /// The next line of stderr.
    pub(crate) async fn said(&mut self) -> String {
        let line = bounded(LIMIT, "waiting for a line", self.stderr.next_line()).await;
        line.expect("text").expect("one more line")
    }

    /// Sends a signal, named as in `kill -NAME`.
    #[cfg(unix)]
    pub(crate) async fn signal(&self, name: &str) {
        let id = self.child.id().expect("it runs");
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("kill -{name} {id}")]);
        let status = bounded(LIMIT, "sending a signal", shell.status()).await;
        assert!(status.expect("a shell").success());
    }

    /// Waits until it has exited, and returns its exit code.
    #[cfg(unix)]
    pub(crate) async fn finish(&mut self) -> Option<i32> {
        let ended = bounded(LIMIT, "waiting for the end", self.child.wait()).await;
        ended.expect("a status").code()
    }
}
