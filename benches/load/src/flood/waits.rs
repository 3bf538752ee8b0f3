//! The time that threads have waited for a processor.

use std::cmp::Reverse;
use std::fs::{self, File};
use std::io::{self, Error};
use std::os::unix::fs::FileExt;
use std::time::Duration;

use crate::BoxError;

/// Threads of a process.
pub(crate) struct Threads(Vec<File>);

impl Threads {
    /// This thread.
    pub(crate) fn own() -> io::Result<Self> {
        Ok(Self(vec![File::open("/proc/thread-self/schedstat")?]))
    }

    /// All threads of a process and of its children.
    pub(crate) fn all(process: u32) -> Result<Self, BoxError> {
        Ok(Self(
            threads(process)?
                .into_iter()
                .map(|(_, file)| file)
                .collect(),
        ))
    }

    /// The `count` threads with the longest run time, other than those that only perform
    /// handshakes.
    pub(crate) fn serving(process: u32, count: usize) -> Result<Self, BoxError> {
        let mut serving = Vec::new();
        for (name, file) in threads(process)? {
            if name != "tls-handshakes" {
                serving.push((times(&file)?.0, file));
            }
        }
        serving.sort_by_key(|(ran, _)| Reverse(*ran));
        let serving = serving.into_iter().take(count).map(|(_, file)| file);
        Ok(Self(serving.collect()))
    }

    /// Their total run time so far.
    pub(crate) fn ran(&self) -> io::Result<Duration> {
        self.0.iter().map(|file| Ok(times(file)?.0)).sum()
    }

    /// The waiting time of each so far.
    pub(crate) fn waits(&self) -> io::Result<Vec<Duration>> {
        let waited = self.0.iter().map(|file| Ok(times(file)?.1));
        waited.collect()
    }
}

/// The threads of a process and of its children, with their names.
fn threads(process: u32) -> Result<Vec<(String, File)>, BoxError> {
    let mut threads = Vec::new();
    let mut processes = vec![process];
    while let Some(process) = processes.pop() {
        for thread in fs::read_dir(format!("/proc/{process}/task"))? {
            let thread = thread?.path();
            let children = fs::read_to_string(thread.join("children"))?;
            let children = children.split_whitespace().map(str::parse);
            processes.extend(children.collect::<Result<Vec<u32>, _>>()?);
            let name = fs::read_to_string(thread.join("comm"))?;
            let file = File::open(thread.join("schedstat"))?;
            threads.push((name.trim_end().to_owned(), file));
        }
    }
    Ok(threads)
}

/// The run time and the waiting time of a thread.
fn times(file: &File) -> io::Result<(Duration, Duration)> {
    let mut text = [0; 100];
    let count = file.read_at(&mut text, 0)?;
    let text = String::from_utf8_lossy(&text[..count]);
    let mut times = text
        .split(' ')
        .map(|time| time.parse().map(Duration::from_nanos));
    match (times.next(), times.next()) {
        (Some(Ok(ran)), Some(Ok(waited))) => Ok((ran, waited)),
        _ => Err(Error::other("a line without times")),
    }
}
