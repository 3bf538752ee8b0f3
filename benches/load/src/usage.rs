//! What a process uses.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::process::Child;

use crate::BoxError;

/// A process that is looked at.
pub(crate) struct Usage(PathBuf);

impl Usage {
    pub(crate) fn of(process: &Child) -> Self {
        Self(PathBuf::from(format!("/proc/{}", process.id())))
    }

    /// How much memory it has in use, in bytes. That of the kernel for its sockets is not in it.
    pub(crate) fn memory(&self) -> Result<usize, BoxError> {
        let statm = fs::read_to_string(self.0.join("statm"))?;
        let pages: usize = statm
            .split_whitespace()
            .nth(1)
            .ok_or("a line without a number")?
            .parse()?;
        Ok(pages * rustix::param::page_size())
    }

    /// How many files and sockets it has open.
    pub(crate) fn descriptors(&self) -> io::Result<usize> {
        Ok(fs::read_dir(self.0.join("fd"))?.count())
    }
}
