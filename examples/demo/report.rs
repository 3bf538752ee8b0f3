//! The report that is printed at the end.

use std::fmt::{self, Debug, Display, Formatter};

use pollback::rustls::CommonState;

use crate::BoxError;
use crate::counting::{Attempts, Counts};
use crate::payload::Sha;
use crate::transfer::Received;

/// What one side of the connection reports.
#[derive(Clone, Debug)]
pub(crate) struct Side {
    /// Where this side received its bytes from, and where it wrote them.
    pub(crate) direction: &'static str,
    /// The digest of what this side sent.
    pub(crate) sent: Sha,
    pub(crate) received: Received,
    pub(crate) counts: Counts,
    pub(crate) negotiated: Negotiated,
}

impl Side {
    /// Fails unless what this side received is what the other side sent.
    fn check(&self, sent: &Sha) -> Result<(), BoxError> {
        if self.received.digest == *sent {
            return Ok(());
        }
        Err(format!(
            "{}: digests differ: {} was sent, {} was received",
            self.direction,
            Hex(sent),
            Hex(&self.received.digest)
        )
        .into())
    }

    fn moved(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mebibytes = self.received.length as f64 / f64::from(1 << 20);
        let seconds = self.received.took.as_secs_f64();
        let rate = mebibytes / seconds.max(f64::EPSILON);
        let (direction, digest) = (self.direction, Hex(&self.received.digest));
        writeln!(
            f,
            "{direction}  {mebibytes:.1} MiB in {seconds:.3} s, {rate:.0} MiB/s"
        )?;
        writeln!(f, "  SHA-256 {digest}")
    }
}

/// The whole report, as printed.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    pub(crate) client: Side,
    pub(crate) server: Side,
}

impl Report {
    /// Fails unless both sides received what was sent to them.
    pub(crate) fn check(&self) -> Result<(), BoxError> {
        self.server.check(&self.client.sent)?;
        self.client.check(&self.server.sent)
    }
}

impl Display for Report {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.server.moved(f)?;
        self.client.moved(f)?;
        if self.check().is_ok() {
            writeln!(
                f,
                "the digests match: each side received what was sent to it"
            )?;
        }
        writeln!(f, "\nnegotiated\n{}", self.client.negotiated)?;
        for (side, counts) in [
            ("client", self.client.counts),
            ("server", self.server.counts),
        ] {
            writeln!(
                f,
                "attempts on the {side}'s transport: reads and writes of its socket"
            )?;
            writeln!(f, "{counts}")?;
        }
        Ok(())
    }
}

/// The parameters that both sides agreed on.
#[derive(Clone, Debug)]
pub(crate) struct Negotiated {
    version: String,
    suite: String,
    group: String,
    alpn: String,
    handshake: String,
}

impl Negotiated {
    pub(crate) fn of(connection: &CommonState) -> Self {
        let suite = connection.negotiated_cipher_suite();
        let group = connection.negotiated_key_exchange_group();
        let alpn = connection.alpn_protocol();
        Self {
            version: name(connection.protocol_version()),
            suite: name(suite.map(|suite| suite.suite())),
            group: name(group.map(|group| group.name())),
            alpn: alpn.map_or_else(|| "none".into(), |name| name.escape_ascii().to_string()),
            handshake: name(connection.handshake_kind()),
        }
    }
}

fn name(value: Option<impl Debug>) -> String {
    value.map_or_else(|| "none".into(), |value| format!("{value:?}"))
}

impl Display for Negotiated {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "  version       {}", self.version)?;
        writeln!(f, "  cipher suite  {}", self.suite)?;
        writeln!(f, "  group         {}", self.group)?;
        writeln!(f, "  ALPN          {}", self.alpn)?;
        writeln!(f, "  handshake     {}", self.handshake)
    }
}

impl Display for Counts {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let heads = (
            "kind",
            "attempts",
            "would block",
            "bytes",
            "bytes per attempt",
        );
        let (kind, made, pending, bytes, each) = heads;
        writeln!(
            f,
            "  {kind:14} {made:>9} {pending:>12} {bytes:>12} {each:>18}"
        )?;
        for (kind, attempts) in [
            ("read", self.read),
            ("write", self.write),
            ("write vectored", self.write_vectored),
            ("flush", self.flush),
        ] {
            let Attempts {
                made,
                pending,
                bytes,
            } = attempts;
            let each = bytes.checked_div(made).unwrap_or(0);
            writeln!(
                f,
                "  {kind:14} {made:>9} {pending:>12} {bytes:>12} {each:>18}"
            )?;
        }
        Ok(())
    }
}

struct Hex<'a>(&'a [u8]);

impl Display for Hex<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
