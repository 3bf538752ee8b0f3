//! The options that the runner starts its shim with.
//!
//! An option without a prefix applies to every connection of the process. The prefixes
//! `-on-initial`, `-on-resume` and `-on-retry` limit it to the first connection, to those that
//! resume it, or to the rest of a connection whose early data was rejected.

use std::ffi::OsString;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use crate::actions::ACTIONS;
use crate::actions::Action::{
    self, Bytes, Code, Flag, Ignore, IgnoreValue, Number, Process, ProcessValue, Text,
};
use crate::backend::Backend;
use crate::settings::Settings;
use crate::transport::Variant;

/// An option, or a request of one, that is not implemented here. The runner counts the test as not
/// applicable.
#[derive(Debug)]
pub(crate) struct Unimplemented(pub(crate) String);

/// All options of the runner.
pub(crate) struct Options {
    pub(crate) port: u16,
    pub(crate) ipv6: bool,
    pub(crate) shim_id: u64,
    pub(crate) resumptions: usize,
    /// The runner only asks whether handshakes can be moved to another process.
    pub(crate) asks_for_handshaker: bool,
    pub(crate) backend: Backend,
    pub(crate) variant: Variant,
    /// Indexed by the constants below.
    pub(crate) connections: [Settings; 3],
}

pub(crate) const INITIAL: usize = 0;
pub(crate) const RESUME: usize = 1;
/// A client's connection after its early data was rejected.
pub(crate) const RETRY: usize = 2;

impl Options {
    /// Reads the options, without the name of the program.
    pub(crate) fn parse(
        arguments: impl IntoIterator<Item = OsString>,
    ) -> Result<Self, Unimplemented> {
        let mut options = Self {
            port: 0,
            ipv6: false,
            shim_id: 0,
            resumptions: 0,
            asks_for_handshaker: false,
            backend: Backend::Plain,
            variant: Variant::None,
            connections: std::array::from_fn(|_| Settings::new()),
        };
        let mut arguments = arguments.into_iter();
        let mut next = || match arguments.next().map(OsString::into_string).transpose() {
            Ok(argument) => Ok(argument),
            Err(argument) => Err(Unimplemented(format!("{argument:?}"))),
        };
        while let Some(argument) = next()? {
            let (connections, name) = addressed(&argument);
            let action = ACTIONS.get(name).ok_or_else(|| unimplemented(&argument))?;
            let value = match action {
                Ignore | Flag(_) | Process(_) => String::new(),
                _ => next()?.ok_or_else(|| unimplemented(&argument))?,
            };
            options
                .apply(action, connections, value)
                .ok_or_else(|| unimplemented(&argument))?;
        }
        Ok(options)
    }

    /// Returns `None` for an invalid value.
    fn apply(&mut self, action: &Action, connections: &[usize], value: String) -> Option<()> {
        match action {
            Ignore | IgnoreValue => return Some(()),
            Process(act) => {
                act(self);
                return Some(());
            }
            ProcessValue(act) => return act(self, &value),
            _ => {}
        }
        for &index in connections {
            let settings = &mut self.connections[index];
            match action {
                Flag(act) => act(settings),
                Text(act) => act(settings, value.clone()),
                Bytes(act) => act(settings, BASE64_STANDARD.decode(&value).ok()?),
                Number(act) => act(settings, value.parse().ok()?),
                Code(act) => act(settings, value.parse().ok()?),
                Ignore | IgnoreValue | Process(_) | ProcessValue(_) => {}
            }
        }
        Some(())
    }
}

/// The connections to which an option applies, and its name without the prefix.
fn addressed(argument: &str) -> (&[usize], &str) {
    // The handshaker would be another process, which does not exist here.
    let own = argument.strip_prefix("-on-shim").unwrap_or(argument);
    for (prefix, connection) in [
        ("-on-initial", &[INITIAL]),
        ("-on-resume", &[RESUME]),
        ("-on-retry", &[RETRY]),
    ] {
        if let Some(name) = own.strip_prefix(prefix) {
            return (connection, name);
        }
    }
    (&[INITIAL, RESUME, RETRY], own)
}

fn unimplemented(argument: &str) -> Unimplemented {
    Unimplemented(argument.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Options, Unimplemented> {
        Options::parse(line.split_whitespace().map(OsString::from))
    }

    fn parsed(line: &str) -> Options {
        parse(line).unwrap_or_else(|unimplemented| panic!("{}", unimplemented.0))
    }

    #[test]
    fn an_option_without_a_prefix_is_for_every_connection() {
        let options = parsed("-server -port 4433 -curves 29 -curves 23 -backend hello");
        assert_eq!((options.port, options.backend), (4433, Backend::Hello));
        for settings in options.connections {
            assert!(settings.server);
            assert_eq!(settings.groups, [29, 23]);
        }
    }

    #[test]
    fn a_prefix_limits_an_option() {
        let options = parsed("-on-resume-curves 29 -on-retry-expect-alpn foo -on-shim-curves 23");
        let groups = options.connections.each_ref().map(|s| &s.groups[..]);
        assert_eq!(groups, [&[23][..], &[29, 23], &[23]]);
        let alpn = options.connections.map(|s| s.expect.alpn);
        assert_eq!(alpn, [None, None, Some(b"foo".to_vec())]);
    }

    #[test]
    fn options_after_a_new_credential_apply_to_it() {
        let line = "-cert-file a -new-x509-credential -cert-file b -ocsp-response AQI=";
        let [settings, ..] = parsed(line).connections;
        assert_eq!(settings.default_credential.chain, Some("a".into()));
        assert_eq!(settings.credentials[0].chain, Some("b".into()));
        assert_eq!(settings.credentials[0].ocsp, [1, 2]);
    }

    #[test]
    fn unknown_options_are_not_implemented() {
        for line in [
            "-dtls",
            "-on-initial-dtls",
            "server",
            "-port",
            "-port x",
            "-curves 65536",
            "-backend other",
            "-ocsp-response ?",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
