//! The server as a child process: its control, and its resource usage.

use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use clap::ValueEnum;
use pollback_testkit::certificates::Identity;

use crate::BoxError;
use crate::client::identity;
use crate::flood::waits::Threads;
use crate::serve::{CHAIN, KEY, Kind};
use crate::usage::Usage;

/// A temporary folder for certificate and key, removed on drop.
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// With a certificate in it.
    pub(crate) fn new() -> io::Result<Self> {
        let path = std::env::temp_dir().join(format!("pollback-load-{}", std::process::id()));
        fs::create_dir(&path)?;
        let folder = Self(path);
        folder.put(&identity())?;
        Ok(folder)
    }

    /// Replaces the certificate.
    pub(crate) fn put(&self, identity: &Identity) -> io::Result<()> {
        fs::write(self.0.join(CHAIN), identity.certificate_pem())?;
        fs::write(self.0.join(KEY), identity.key_pem())
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Files left in a temporary folder do no harm.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A server in a process of its own, which is killed when this is dropped.
pub(crate) struct Server {
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    address: SocketAddr,
}

impl Server {
    /// Starts one with the certificate in `folder`.
    pub(crate) fn start(kind: Kind, folder: &Folder, deadline: Duration) -> Result<Self, BoxError> {
        let kind = kind.to_possible_value().ok_or("a kind without a name")?;
        let mut process = Command::new(std::env::current_exe()?)
            .arg("serve")
            .arg(kind.get_name())
            .arg(folder.path())
            .arg(deadline.as_secs().to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let input = process.stdin.take().ok_or("no input")?;
        let mut output = BufReader::new(process.stdout.take().ok_or("no output")?);
        let mut line = String::new();
        output.read_line(&mut line)?;
        Ok(Self {
            process,
            input,
            output,
            address: line.trim_end().parse()?,
        })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Makes it reload the certificate.
    pub(crate) fn reload(&mut self) -> io::Result<()> {
        self.input.write_all(b"\n")?;
        match self.output.read_line(&mut String::new())? {
            0 => Err(io::Error::other("the server could not reload")),
            _ => Ok(()),
        }
    }

    /// The processor time of its threads, including the kernel.
    pub(crate) fn processor_time(&self) -> Result<Duration, BoxError> {
        Ok(Threads::all(self.process.id())?.ran()?)
    }

    /// Its resource usage.
    pub(crate) fn usage(&self) -> Usage {
        Usage::of(&self.process)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // A process that has ended already cannot be killed.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
