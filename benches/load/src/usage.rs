//! Resource usage of a process.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::process::Child;

use crate::BoxError;

/// The process that is examined.
pub(crate) struct Usage(PathBuf);

impl Usage {
    pub(crate) fn of(process: &Child) -> Self {
        Self(PathBuf::from(format!("/proc/{}", process.id())))
    }

    /// Its memory use in bytes, without the kernel's memory for its sockets.
    pub(crate) fn memory(&self) -> Result<usize, BoxError> {
        let statm = fs::read_to_string(self.0.join("statm"))?;
        let pages: usize = statm
            .split_whitespace()
            .nth(1)
            .ok_or("a line without a number")?
            .parse()?;
        Ok(pages * rustix::param::page_size())
    }

    /// The number of its open files and sockets.
    pub(crate) fn descriptors(&self) -> io::Result<usize> {
        Ok(fs::read_dir(self.0.join("fd"))?.count())
    }
}
