//! The proxies as child processes.

use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::configuration::{Setup, load_module};
use crate::BoxError;
use crate::server::Folder;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Program {
    Own,
    Haproxy,
    Nginx,
}

pub(crate) const PROGRAMS: [Program; 3] = [Program::Own, Program::Haproxy, Program::Nginx];

/// A running proxy; it is killed when this is dropped.
pub(crate) struct Proxy {
    program: Program,
    process: Child,
    pub(crate) terminating: SocketAddr,
    pub(crate) passing: SocketAddr,
    folder: PathBuf,
}

/// Looks for a program in `PATH`.
pub(super) fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let mut found = std::env::split_paths(&path).map(|folder| folder.join(name));
    found.find(|file| file.is_file())
}

impl Program {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Own => "the example",
            Self::Haproxy => "haproxy",
            Self::Nginx => "nginx",
        }
    }

    /// The reason why it cannot be measured, if there is one.
    pub(crate) fn missing(self, own: &Path, folder: &Folder) -> Option<String> {
        match self {
            Self::Own => (!own.is_file()).then(|| {
                let build = "cargo build --release --features full --example proxy";
                format!("there is no {}, which `{build}` builds", own.display())
            }),
            Self::Haproxy => find("haproxy")
                .is_none()
                .then(|| "it is not installed".to_owned()),
            Self::Nginx => {
                let Some(program) = find("nginx") else {
                    return Some("it is not installed".to_owned());
                };
                let file = folder.path().join("nginx-check.conf");
                fs::write(
                    &file,
                    format!("{}events {{}}\nstream {{}}\n", load_module()),
                )
                .ok()?;
                let checked = Command::new(program)
                    .args(["-q", "-t", "-p"])
                    .arg(folder.path())
                    .arg("-c")
                    .arg(&file)
                    .stderr(Stdio::null())
                    .status();
                let has_module = checked.is_ok_and(|status| status.success());
                (!has_module).then(|| "its stream module is not installed".to_owned())
            }
        }
    }

    fn command(
        self,
        own: &Path,
        folder: &Path,
        [terminating, passing]: [SocketAddr; 2],
        to: SocketAddr,
        workers: usize,
    ) -> Result<Command, BoxError> {
        let file = folder.join("proxy.conf");
        let setup = Setup {
            folder,
            terminating,
            passing,
            to,
            workers,
        };
        let (command, text) = match self {
            Self::Own => {
                let mut command = Command::new(own);
                let workers = workers.to_string();
                command.arg(&file).env("TOKIO_WORKER_THREADS", workers);
                (command, setup.own())
            }
            Self::Haproxy => {
                let mut command = Command::new("haproxy");
                command.args(["-q", "-db", "-f"]).arg(&file);
                (command, setup.haproxy()?)
            }
            Self::Nginx => {
                let mut command = Command::new("nginx");
                command.arg("-p").arg(folder).arg("-c").arg(&file);
                (command, setup.nginx())
            }
        };
        fs::write(file, text)?;
        Ok(command)
    }
}

impl Proxy {
    /// Starts one with this many worker threads, which relays to the backend at `to`.
    pub(crate) fn start(
        program: Program,
        own: &Path,
        folder: &Folder,
        to: SocketAddr,
        workers: usize,
    ) -> Result<Self, BoxError> {
        // The port is free now, and unlikely to be taken before it is used.
        let free = || -> Result<_, BoxError> { Ok(TcpListener::bind("127.0.0.1:0")?) };
        let listeners = [free()?, free()?];
        let [terminating, passing] = &listeners;
        let ports = [terminating.local_addr()?, passing.local_addr()?];
        drop(listeners);
        let mut command = program.command(own, folder.path(), ports, to, workers)?;
        let process = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let [terminating, passing] = ports;
        let mut proxy = Self {
            program,
            process,
            terminating,
            passing: if program == Program::Own {
                terminating
            } else {
                passing
            },
            folder: folder.path().to_owned(),
        };
        for _ in 0..100 {
            if let Some(status) = proxy.process.try_wait()? {
                return Err(format!("{} has ended: {status}", program.name()).into());
            }
            if TcpStream::connect(proxy.passing).is_ok() {
                return Ok(proxy);
            }
            sleep(Duration::from_millis(50));
        }
        Err(format!("{} does not listen", program.name()).into())
    }

    pub(crate) fn process(&self) -> u32 {
        self.process.id()
    }

    fn about(&self, file: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/{file}", self.process.id()))
    }

    /// The processor time of its threads, including the kernel.
    pub(super) fn processor_time(&self) -> Result<Duration, BoxError> {
        let mut all = Duration::ZERO;
        for thread in fs::read_dir(self.about("task"))? {
            let text = fs::read_to_string(thread?.path().join("schedstat"))?;
            let time = text.split(' ').next().ok_or("a line without a time")?;
            all += Duration::from_nanos(time.parse()?);
        }
        Ok(all)
    }

    /// Its memory use in bytes, without what it shares with others.
    pub(super) fn memory(&self) -> Result<usize, BoxError> {
        let text = fs::read_to_string(self.about("smaps_rollup"))?;
        let anonymous = text
            .lines()
            .find_map(|line| line.strip_prefix("Anonymous:"));
        let kib = anonymous.and_then(|line| line.split_whitespace().next());
        Ok(kib.ok_or("no line about memory")?.parse::<usize>()? * 1024)
    }

    /// How many system calls it makes during `work`.
    pub(super) fn calls(
        &self,
        work: impl FnOnce() -> Result<(), BoxError>,
    ) -> Result<u128, BoxError> {
        let file = self.folder.join("calls");
        let mut strace = Command::new("strace")
            .args(["-f", "-c", "-o"])
            .arg(&file)
            .args(["-p", &self.process.id().to_string()])
            .stderr(Stdio::null())
            .spawn()?;
        // It does not report when it has started.
        sleep(Duration::from_secs(1));
        let done = work();
        kill_process(Pid::from_child(&strace), Signal::INT)?;
        strace.wait()?;
        done?;
        total(&fs::read_to_string(file)?).ok_or_else(|| "strace has no total".into())
    }
}

/// The number of calls in the summary of strace.
fn total(text: &str) -> Option<u128> {
    let line = text.lines().find(|line| line.ends_with(" total"))?;
    line.split_whitespace().nth(3)?.parse().ok()
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // A process that has ended already cannot be killed.
        let _ = match self.program {
            // It has child processes to end.
            Program::Nginx => kill_process(Pid::from_child(&self.process), Signal::TERM).is_ok(),
            _ => self.process.kill().is_ok(),
        };
        let _ = self.process.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_of_strace_is_parsed() {
        let text = "% time     seconds  usecs/call     calls    errors syscall
------ ----------- ----------- --------- --------- ----------------
 60.00    0.000300           3       100           recvfrom
 40.00    0.000200           2       100        10 sendto
------ ----------- ----------- --------- --------- ----------------
100.00    0.000500           2       200        10 total
";
        assert_eq!(total(text), Some(200));
        assert_eq!(total(""), None);
    }
}
