//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;

pub(crate) const USAGE: &str = "\
usage: proxy [--check] CONFIGURATION
       proxy --help
";

pub(crate) const HELP: &str = "\
Routes TLS clients by server name: terminates TLS, or passes it through.

usage: proxy [--check] CONFIGURATION
       proxy --help

  CONFIGURATION  a TOML file; examples/proxy/proxy.toml explains every key, and can be used as it is
  --check        checks the configuration and the files that it names, and exits
  --help         prints this

Each connection adds a line of JSON to stdout. Messages of the proxy itself go to stderr, beginning
with the addresses that it listens on. Lines that cannot be written are dropped and counted.

  SIGHUP           reloads the configuration and its files
  SIGTERM, SIGINT  stops accepting, and exits when all connections have ended, or after grace_ms;
                   a second one exits at once

It exits with 0 if all is well, with 1 if the configuration is wrong, the proxy cannot listen on an
address or connections were aborted at the end, and with 2 for wrong arguments.
";

/// What the proxy is started for.
#[derive(Debug, PartialEq)]
pub(crate) enum Task {
    Run(PathBuf),
    Check(PathBuf),
    Help,
}

impl Task {
    /// Errors describe the invalid argument.
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
            return Err("expected a configuration file".to_owned());
        };
        match (files.is_empty(), check) {
            (false, _) => Err("expected one configuration".to_owned()),
            (true, true) => Ok(Self::Check(file)),
            (true, false) => Ok(Self::Run(file)),
        }
    }
}
