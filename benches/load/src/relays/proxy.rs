//! The example proxy, with working and failing backends.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::IDLE;
use super::backends::Backends;
use crate::BoxError;
use crate::flood::waits::Threads;
use crate::serve::{CHAIN, KEY};
use crate::server::Folder;
use crate::usage::Usage;

/// It is killed when this is dropped.
pub(super) struct Proxy {
    process: Child,
    pub(super) address: SocketAddr,
    counters: SocketAddr,
    stderr: BufReader<ChildStderr>,
}

impl Proxy {
    pub(super) fn start(own: &Path, folder: &Folder, to: &Backends) -> Result<Self, BoxError> {
        let file = folder.path().join("relays.toml");
        let mut text =
            "[listen]\naddress = \"127.0.0.1:0\"\ncounters = \"127.0.0.1:0\"\n".to_owned();
        for (name, address) in to.all() {
            text += &format!(
                "[[route]]\nnames = [\"{name}\"]\nbackend = \"{name}\"\n\
                 terminate = {{ chain = \"{CHAIN}\", key = \"{KEY}\" }}\n"
            );
            let idle = match name {
                "hangs.example" => format!("idle_timeout_ms = {}\n", IDLE.as_millis()),
                _ => String::new(),
            };
            text += &format!("[backend.\"{name}\"]\naddress = \"{address}\"\n{idle}");
        }
        fs::write(&file, text)?;
        let mut process = Command::new(own)
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        let stderr = process.stderr.take().ok_or("no pipe")?;
        let mut stderr = BufReader::new(stderr);
        let mut said = |before: &str, behind: &str| -> Result<SocketAddr, BoxError> {
            let mut line = String::new();
            stderr.read_line(&mut line)?;
            let address = line.trim_end().strip_prefix(before);
            let address = address.and_then(|rest| rest.strip_suffix(behind));
            Ok(address.ok_or(line.as_str())?.parse()?)
        };
        let address = said("listening on ", "")?;
        let counters = said("counters at http://", "/metrics")?;
        Ok(Self {
            process,
            address,
            counters,
            stderr,
        })
    }

    pub(super) fn usage(&self) -> Usage {
        Usage::of(&self.process)
    }

    /// The processor time of its threads, including the kernel.
    pub(super) fn processor_time(&self) -> Result<Duration, BoxError> {
        Ok(Threads::all(self.process.id())?.ran()?)
    }

    /// Makes it reload its configuration.
    pub(super) fn reload(&mut self) -> Result<(), BoxError> {
        kill_process(Pid::from_child(&self.process), Signal::HUP)?;
        let mut line = String::new();
        self.stderr.read_line(&mut line)?;
        match line.trim_end() {
            "reloaded" => Ok(()),
            other => Err(other.into()),
        }
    }

    /// The number of connections it currently relays.
    pub(super) fn relays(&self) -> Result<u64, BoxError> {
        let mut tcp = TcpStream::connect(self.counters)?;
        tcp.write_all(b"GET /metrics HTTP/1.1\r\nHost: proxy\r\nConnection: close\r\n\r\n")?;
        let mut text = String::new();
        tcp.read_to_string(&mut text)?;
        let mut lines = text.lines();
        let count = lines.find_map(|line| line.strip_prefix("proxy_connections_open "));
        Ok(count.ok_or("no counter")?.trim().parse()?)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // A process that has ended already cannot be killed.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
