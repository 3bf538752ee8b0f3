//! What is asked for on the command line.

use std::ffi::OsString;
use std::path::PathBuf;

pub(crate) const USAGE: &str = "\
usage: proxy [--check] CONFIGURATION
       proxy --help
";

pub(crate) const HELP: &str = "\
Routes TLS clients by the name of the server that they ask for: terminates TLS, or passes it through.

usage: proxy [--check] CONFIGURATION
       proxy --help

  CONFIGURATION  a TOML file; examples/proxy/proxy.toml has every key, and starts as it is
  --check        says whether the configuration and the files that it names are right, and ends
  --help         shows this

Each connection leaves a line of JSON on stdout. What the proxy itself has to say is on stderr: the
addresses that it listens on first. Lines that nobody takes are dropped, and counted.

  SIGHUP           reads the configuration and its files again
  SIGTERM, SIGINT  accepts no more, and ends when all connections have, or after grace_ms;
                   a second one ends it at once

It exits with 0 when all is well, with 1 when the configuration is wrong, an address cannot be
listened on or connections were cut off at the end, and with 2 when it is called in another way.
";

/// What the proxy is started for.
#[derive(Debug, PartialEq)]
pub(crate) enum Task {
    Run(PathBuf),
    Check(PathBuf),
    Help,
}

impl Task {
    /// An error says what is wrong.
    pub(crate) fn parse(arguments: impl Iterator<Item = OsString>) -> Result<Self, String> {
        let (mut check, mut files, mut is_file) = (false, Vec::new(), false);
        for argument in arguments {
            match argument.to_str() {
                Some("--") if !is_file => is_file = true,
                Some("--help" | "-h") if !is_file => return Ok(Self::Help),
                Some("--check") if !is_file => check = true,
                Some(option) if !is_file && option.len() > 1 && option.starts_with('-') => {
                    return Err(format!("there is no option {option}"));
                }
                _ => files.push(argument.into()),
            }
        }
        let Some(file) = files.pop() else {
            return Err("which configuration?".to_owned());
        };
        match (files.is_empty(), check) {
            (false, _) => Err("expected one configuration".to_owned()),
            (true, true) => Ok(Self::Check(file)),
            (true, false) => Ok(Self::Run(file)),
        }
    }
}
