//! The scenarios: the operations of both sides.

use std::sync::LazyLock;

use pollback_testkit::configs::Version;
use pollback_testkit::plan::Plan;

use super::acts::Act::{
    self, Adopt, Borrow, Close, EndTls, FinishHandshake, Flush, GoOnInTheClear, Read, ReadToEnd,
    Rebuild, Shutdown, UpdateKeys, Write, WriteSlices, Yield,
};

/// The kind of the handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Handshake {
    Full,
    Resumed,
    ClientCertificate,
    /// The server reads the ClientHello before it chooses its configuration.
    Lazy,
    /// The same, with the ClientHello parsed by the crate under test.
    Peeked {
        /// Whether the transport is rewound, and then accepted normally.
        rewound: bool,
    },
    EarlyData {
        accepted: bool,
    },
    /// Early data is accepted and answered before the handshake is complete.
    HalfRtt,
}

impl Handshake {
    /// Whether the two sides have met before.
    pub(crate) fn is_resumed(self) -> bool {
        matches!(self, Self::Resumed | Self::EarlyData { .. } | Self::HalfRtt)
    }
}

/// The operations of both sides. Each list of acts is a task of its own.
#[derive(Debug)]
pub(crate) struct Scenario {
    pub(crate) name: String,
    pub(crate) version: Version,
    pub(crate) handshake: Handshake,
    pub(crate) client: Vec<Vec<Act>>,
    pub(crate) server: Vec<Vec<Act>>,
    /// The pipe of the sweep.
    pub(crate) plan: Plan,
}

/// More than any scenario has in transit at a time.
const WIDE: usize = 1 << 20;

static SCENARIOS: LazyLock<Vec<Scenario>> = LazyLock::new(make);

/// Every scenario.
pub(crate) fn scenarios() -> &'static [Scenario] {
    &SCENARIOS
}

/// Returns the scenario of this name.
pub(crate) fn scenario(name: &str) -> Option<&'static Scenario> {
    scenarios().iter().find(|scenario| scenario.name == name)
}

impl Scenario {
    fn new(name: &str, version: Version, client: &[&[Act]], server: &[&[Act]]) -> Self {
        let tasks = |tasks: &[&[Act]]| tasks.iter().map(|acts| acts.to_vec()).collect();
        Self {
            name: format!("{name}-{version:?}").to_lowercase(),
            version,
            handshake: Handshake::Full,
            client: tasks(client),
            server: tasks(server),
            plan: Plan::honest(WIDE),
        }
    }

    /// Whether it needs features that only the crate under test has.
    pub(crate) fn is_for_ours(&self) -> bool {
        let acts = || self.client.iter().chain(&self.server).flatten();
        acts().any(Act::is_for_ours)
            || matches!(
                self.handshake,
                Handshake::Peeked { .. } | Handshake::EarlyData { .. } | Handshake::HalfRtt
            )
    }

    /// Whether each side has a task that reads and one that writes.
    pub(crate) fn has_two_tasks(&self) -> bool {
        self.client.len() > 1 && self.server.len() > 1
    }

    fn with(mut self, handshake: Handshake) -> Self {
        self.handshake = handshake;
        self
    }

    fn over(mut self, capacity: usize) -> Self {
        self.plan.capacity = capacity;
        self
    }

    /// Over transports that buffer bytes until they are flushed.
    fn buffered(mut self, limit: usize) -> Self {
        self.plan.left.buffer = Some(limit);
        self.plan.right.buffer = Some(limit);
        self
    }
}

/// A request and a response of this many bytes.
fn echo(name: &str, version: Version, length: usize) -> Scenario {
    Scenario::new(
        name,
        version,
        &[&[Write(length), Flush, Read(length), Shutdown, ReadToEnd]],
        &[&[Read(length), Write(length), Flush, ReadToEnd, Shutdown]],
    )
}

fn make() -> Vec<Scenario> {
    let mut all = Vec::new();
    for version in Version::ALL {
        all.extend(exchanges(version));
        all.extend(endings(version));
        all.extend(seams(version));
        all.push(two_tasks(version));
        all.push(silent_writer(version));
    }
    all.extend(key_updates());
    if cfg!(feature = "early-data") {
        all.extend(early_data());
        all.extend(half_rtt());
    }
    all
}

fn exchanges(version: Version) -> Vec<Scenario> {
    vec![
        echo("echo", version, 1000),
        echo("nothing", version, 0),
        echo("large", version, 40_000),
        Scenario::new(
            "slices",
            version,
            &[&[
                WriteSlices(30_000),
                Flush,
                Read(30_000),
                Shutdown,
                ReadToEnd,
            ]],
            &[&[
                Read(30_000),
                WriteSlices(30_000),
                Flush,
                ReadToEnd,
                Shutdown,
            ]],
        ),
        echo("resumed", version, 10).with(Handshake::Resumed),
        echo("client-certificate", version, 10).with(Handshake::ClientCertificate),
        echo("lazy", version, 10).with(Handshake::Lazy),
        echo("peeked", version, 10).with(Handshake::Peeked { rewound: false }),
        echo("rewound", version, 10).with(Handshake::Peeked { rewound: true }),
        echo("buffered", version, 20_000).buffered(4096),
        echo("narrow", version, 1).with(Handshake::Resumed).over(1),
        echo("middling", version, 2000).over(700),
    ]
}

fn endings(version: Version) -> Vec<Scenario> {
    vec![
        Scenario::new(
            "client-ends-first",
            version,
            &[&[Write(700), Shutdown, Read(700), ReadToEnd]],
            &[&[Read(700), ReadToEnd, Write(700), Shutdown]],
        ),
        Scenario::new(
            "server-ends-first",
            version,
            &[&[Read(700), ReadToEnd, Write(700), Shutdown]],
            &[&[Write(700), Shutdown, Read(700), ReadToEnd]],
        ),
        Scenario::new(
            "client-writes-only",
            version,
            &[&[Write(20_000), Yield(3), Shutdown, ReadToEnd]],
            &[&[Read(20_000), ReadToEnd, Shutdown]],
        ),
        // Nothing is flushed explicitly: the reader has to flush.
        Scenario::new(
            "no-flush",
            version,
            &[&[Write(20_000), Read(20_000), Shutdown, ReadToEnd]],
            &[&[Read(20_000), Write(20_000), ReadToEnd, Shutdown]],
        )
        .buffered(3000),
    ]
}

/// Streams that are disassembled and reassembled at every stage, and other ends than a shutdown.
fn seams(version: Version) -> Vec<Scenario> {
    let again = |name: &str, seam: Act| {
        let client = [Write(9000), seam, Read(4000), seam, Borrow(5000), seam];
        // An error that occurred after the handshake is returned here, since the connection does
        // not store it.
        let server = [
            Read(4000),
            Flush,
            seam,
            Borrow(5000),
            seam,
            Write(9000),
            seam,
        ];
        // Otherwise nothing is flushed: the readers have to flush what the other stream has
        // written.
        let client = [&client[..], &[Write(7), Shutdown, ReadToEnd]].concat();
        let server = [&server[..], &[Read(7), ReadToEnd, Shutdown]].concat();
        Scenario::new(name, version, &[&client], &[&server]).buffered(3000)
    };
    let clear = |name: &str| {
        let last_words = [EndTls, GoOnInTheClear];
        let client = [
            &[Write(300), Read(300)],
            &last_words[..],
            &[Write(200), Flush, Read(90)],
        ];
        let server = [
            &[Read(300), Write(300)],
            &last_words[..],
            &[Read(200), Write(90), Flush],
        ];
        Scenario::new(name, version, &[&client.concat()], &[&server.concat()])
    };
    vec![
        again("rebuilt", Rebuild),
        again("adopted", Adopt),
        Scenario::new(
            "rebuilt-at-the-end",
            version,
            &[&[Write(700), Shutdown, Rebuild, Read(700), Rebuild, ReadToEnd]],
            &[&[Read(700), ReadToEnd, Rebuild, Write(700), Shutdown, Rebuild]],
        ),
        Scenario::new(
            "closed",
            version,
            &[&[Write(700), Read(700), Close]],
            &[&[Read(700), Write(700), Close]],
        )
        .over(500),
        clear("in-the-clear"),
        clear("in-the-clear-buffered").buffered(3000),
        clear("in-the-clear-middling").over(100),
    ]
}

/// Both sides write and read at the same time, in two tasks each.
fn two_tasks(version: Version) -> Scenario {
    Scenario::new(
        "two-tasks",
        version,
        &[&[Write(3000), WriteSlices(2000), Shutdown], &[ReadToEnd]],
        &[&[Write(5000), Flush, Shutdown], &[ReadToEnd]],
    )
    .over(600)
}

/// A writer that stops without a flush, so that the reader has to flush.
fn silent_writer(version: Version) -> Scenario {
    Scenario::new(
        "silent-writer",
        version,
        &[&[Read(1000), Shutdown, ReadToEnd], &[Write(1000)]],
        &[&[Read(1000), Write(1000), Flush, ReadToEnd, Shutdown]],
    )
    .over(300)
}

fn key_updates() -> Vec<Scenario> {
    let version = Version::Tls13;
    vec![
        Scenario::new(
            "keys-of-client",
            version,
            &[&[
                Write(100),
                Flush,
                UpdateKeys,
                Write(100),
                Flush,
                Read(300),
                Shutdown,
                ReadToEnd,
            ]],
            &[&[Read(200), Write(300), Flush, ReadToEnd, Shutdown]],
        ),
        Scenario::new(
            "keys-of-server",
            version,
            &[&[Read(200), Write(300), Flush, ReadToEnd, Shutdown]],
            &[&[
                Write(100),
                Flush,
                UpdateKeys,
                Write(100),
                Flush,
                // Not flushed: the client writes now, and reads only what fits into the pipe.
                UpdateKeys,
                Read(300),
                Shutdown,
                ReadToEnd,
            ]],
        ),
        Scenario::new(
            "keys-of-both-in-two-tasks",
            version,
            &[
                &[
                    Write(2000),
                    UpdateKeys,
                    Write(2000),
                    UpdateKeys,
                    Flush,
                    Shutdown,
                ],
                &[ReadToEnd],
            ],
            &[
                &[Write(1500), UpdateKeys, Write(1500), UpdateKeys, Shutdown],
                &[ReadToEnd],
            ],
        )
        .over(400),
    ]
}

fn early_data() -> Vec<Scenario> {
    let mut all = Vec::new();
    for (name, accepted) in [("accepted", true), ("rejected", false)] {
        let handshake = Handshake::EarlyData { accepted };
        let early = |what: &str, client: &[Act], server: &[Act]| {
            let name = format!("early-data-{name}{what}");
            Scenario::new(&name, Version::Tls13, &[client], &[server]).with(handshake)
        };
        all.push(early(
            "",
            &[
                Write(300),
                Write(300),
                Flush,
                Read(500),
                Shutdown,
                ReadToEnd,
            ],
            &[Read(600), Write(500), Flush, ReadToEnd, Shutdown],
        ));
        // More than the server allows.
        all.push(early(
            "-and-more",
            &[Write(7000), Flush, Read(500), Shutdown, ReadToEnd],
            &[Read(7000), Write(500), Flush, ReadToEnd, Shutdown],
        ));
        all.push(early(
            "-read-first",
            &[Read(500), Shutdown, ReadToEnd],
            &[Write(500), Flush, ReadToEnd, Shutdown],
        ));
        // The response arrives although nothing was flushed.
        all.push(early(
            "-no-flush",
            &[Write(600), Read(500), Shutdown, ReadToEnd],
            &[Read(600), Write(500), ReadToEnd, Shutdown],
        ));
        all.push(early(
            "-rebuilt",
            &[
                Write(300),
                Rebuild,
                Write(300),
                Flush,
                Rebuild,
                FinishHandshake,
                Rebuild,
                Read(500),
                Shutdown,
                ReadToEnd,
            ],
            &[
                Read(100),
                Rebuild,
                Borrow(500),
                Write(500),
                Flush,
                ReadToEnd,
                Shutdown,
            ],
        ));
        all.push(early(
            "-shutdown",
            &[Write(600), Shutdown, Read(500), ReadToEnd],
            &[Read(600), ReadToEnd, Write(500), Shutdown],
        ));
    }
    all
}

/// The server's handshake resolves before the client's Finished.
fn half_rtt() -> Vec<Scenario> {
    let scenario = |what: &str, client: &[&[Act]], server: &[&[Act]]| {
        let name = format!("half-rtt{what}");
        Scenario::new(&name, Version::Tls13, client, server).with(Handshake::HalfRtt)
    };
    vec![
        scenario(
            "",
            &[&[Write(600), Read(500), Write(100), Shutdown, ReadToEnd]],
            &[&[Read(600), Write(500), Flush, Read(100), ReadToEnd, Shutdown]],
        ),
        // More than the server allows.
        scenario(
            "-and-more",
            &[&[Write(7000), Flush, Read(500), Shutdown, ReadToEnd]],
            &[&[Read(7000), Write(500), Flush, ReadToEnd, Shutdown]],
        ),
        scenario(
            "-no-flush",
            &[&[Write(600), Read(500), Shutdown, ReadToEnd]],
            &[&[Read(600), Write(500), ReadToEnd, Shutdown]],
        )
        .buffered(3000),
        scenario(
            "-rebuilt",
            &[&[Write(600), Read(500), Shutdown, ReadToEnd]],
            &[&[
                Borrow(100),
                Rebuild,
                Read(100),
                Rebuild,
                Write(500),
                Rebuild,
                FinishHandshake,
                Rebuild,
                Borrow(400),
                ReadToEnd,
                Shutdown,
            ]],
        ),
        scenario(
            "-adopted",
            &[&[Write(600), Read(500), Shutdown, ReadToEnd]],
            &[&[
                Read(100),
                Flush,
                Adopt,
                Read(500),
                Write(500),
                Flush,
                ReadToEnd,
                Shutdown,
            ]],
        ),
        scenario(
            "-server-ends-first",
            &[&[Write(600), Read(500), ReadToEnd, Shutdown]],
            &[&[Read(600), Write(500), Shutdown, ReadToEnd]],
        ),
        scenario(
            "-two-tasks",
            &[&[Write(3000), Flush, Shutdown], &[ReadToEnd]],
            &[&[ReadToEnd], &[Write(2000), WriteSlices(2000), Shutdown]],
        )
        .over(4000),
    ]
}
