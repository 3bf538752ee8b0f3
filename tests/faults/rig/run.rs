//! Runs a case.

use std::io;
use std::rc::Rc;
use std::sync::{Arc, LazyLock};

use pollback::rustls::client::Resumption;
use pollback::rustls::server::NoServerSessionStorage;
use pollback::rustls::{ClientConfig, ServerConfig};
use pollback_testkit::configs::Setup;
use pollback_testkit::executor::Executor;
use pollback_testkit::pipe::{Answer, Control, Counts, End, Operation};
use pollback_testkit::tickets::Acquaintance;
use pollback_testkit::watched::Watched;
use tokio::runtime::Runtime;

use super::acts::{Act, perform, receive};
use super::case::{Case, Role};
use super::makes::{ClientConfigs, Make, ServerConfigs};
#[cfg(feature = "next")]
use super::next_world::NextWorld;
use super::scenarios::{Handshake, Scenario};
use super::side::{Ending, Side, Task};

/// How many bytes of early data a server accepts. rustls buffers all rejected early data until the
/// client's next flight, up to 18 KiB of ciphertext, and each byte may be a record of 23 bytes.
pub(super) const EARLY: u32 = 700;

/// More rounds than any plan can prevent all progress.
const ROUNDS: usize = 1000;

/// The runtime whose timer is used by handshake timeouts. It is never driven, so no timeout
/// elapses.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_time().build().expect("a runtime")
});

/// The configurations of a scenario, created once for all of its runs.
pub(crate) struct World {
    scenario: &'static Scenario,
    configs: Configs,
    #[cfg(feature = "next")]
    next: NextWorld,
}

enum Configs {
    Strangers(Box<(ClientConfig, ServerConfig)>),
    Acquainted(Box<Acquaintance>),
}

impl World {
    pub(crate) fn new(scenario: &'static Scenario) -> Self {
        let setup = Setup::new(scenario.version);
        let strangers =
            |setup: Setup| Configs::Strangers(Box::new((setup.client(), setup.server())));
        let configs = match scenario.handshake {
            Handshake::Full | Handshake::Lazy | Handshake::Peeked { .. } => strangers(setup),
            Handshake::ClientCertificate => strangers(setup.client_auth()),
            Handshake::Resumed => Configs::Acquainted(Box::new(Acquaintance::new(&setup))),
            Handshake::EarlyData { .. } | Handshake::HalfRtt => {
                Configs::Acquainted(Box::new(Acquaintance::new(&setup.early_data(EARLY))))
            }
        };
        Self {
            scenario,
            configs,
            #[cfg(feature = "next")]
            next: NextWorld::new(scenario),
        }
    }

    /// The configurations for all implementations.
    fn all_configs(&self, case: &Case) -> (ClientConfigs, ServerConfigs) {
        let (client, server) = self.configs();
        #[cfg(feature = "next")]
        {
            let (next_client, next_server) = self.next.configs(case);
            ((client, next_client), (server, next_server))
        }
        #[cfg(not(feature = "next"))]
        {
            let _ = case;
            (client, server)
        }
    }

    fn configs(&self) -> (ClientConfig, ServerConfig) {
        let (client, mut server) = match &self.configs {
            Configs::Strangers(both) => {
                let (mut client, server) = (**both).clone();
                // Otherwise it would resume a session of an earlier run.
                client.resumption = Resumption::in_memory_sessions(1);
                (client, server)
            }
            Configs::Acquainted(both) => both.configs(),
        };
        if self.scenario.handshake == (Handshake::EarlyData { accepted: false }) {
            server.session_storage = Arc::new(NoServerSessionStorage {});
            // rustls counts a skipped record again with every piece that arrives after it.
            server.max_early_data_size = 1 << 24;
        }
        server.send_half_rtt_data = self.scenario.handshake == Handshake::HalfRtt;
        (client, server)
    }
}

/// How a run ended on each side.
pub(crate) struct Outcome {
    pub(crate) client: Result,
    pub(crate) server: Result,
}

/// How a run ended on one side.
pub(crate) struct Result {
    pub(crate) ending: Ending,
    pub(crate) sent: usize,
    /// How much a failed write may have accepted.
    pub(crate) unsure: usize,
    pub(crate) received: usize,
    /// The calls of the transport.
    pub(crate) calls: Vec<Operation>,
    pub(crate) counts: Counts,
    /// The injected results that were returned.
    pub(crate) applied: Vec<(Operation, Answer)>,
    /// Whether the point was reached at which the case stops this side.
    pub(crate) stopped: bool,
}

impl Outcome {
    pub(crate) fn of(&self, role: Role) -> &Result {
        match role {
            Role::Client => &self.client,
            Role::Server => &self.server,
        }
    }
}

/// Runs a case to completion.
///
/// # Panics
///
/// If it does not complete, or if a stream returns bytes that were not sent.
pub(crate) fn run(case: &Case, world: &World) -> Outcome {
    let _timer = RUNTIME.enter();
    let (client_end, server_end) = case.plan.open();
    let controls = [client_end.control(), server_end.control()];
    let (client_config, server_config) = world.all_configs(case);
    let mut executor = Executor::new();
    executor.between_rounds(step(controls.clone()));

    let client = spawn(
        &mut executor,
        case,
        Role::Client,
        client_end,
        &controls[0],
        move |end: End, _: Rc<Side>| {
            let early = matches!(
                case.scenario.handshake,
                Handshake::EarlyData { .. } | Handshake::HalfRtt
            );
            let io = case.carrier.over(end);
            case.client.connect(client_config, early, io)
        },
    );
    let server = spawn(
        &mut executor,
        case,
        Role::Server,
        server_end,
        &controls[1],
        move |end: End, side: Rc<Side>| async move {
            let io = case.carrier.over(end);
            let mut stream = match case.scenario.handshake {
                Handshake::Lazy => case.server.accept_lazily(server_config, io, &side).await?,
                Handshake::Peeked { rewound } => {
                    let accepted = case.server.accept_peeked(server_config, rewound, io, &side);
                    accepted.await?
                }
                other => {
                    let early = other == Handshake::HalfRtt;
                    case.server.accept(server_config, early, io).await?
                }
            };
            receive(Role::Server, &side, &stream.take_early());
            Ok(stream)
        },
    );
    executor.run();
    drop(executor);
    let [client_io, server_io] = controls;
    Outcome {
        client: result(&client, &client_io),
        server: result(&server, &server_io),
    }
}

/// Advances both ends by a step, and checks that bytes are moved now and then.
fn step(ends: [Control; 2]) -> impl FnMut() -> bool {
    let (mut moved, mut rounds) = (0, 0);
    move || {
        let now = ends.iter().map(|end| end.counts().moved()).sum();
        rounds = if now == moved { rounds + 1 } else { 0 };
        moved = now;
        assert!(
            rounds < ROUNDS,
            "spinning: {ROUNDS} rounds, and no byte was moved"
        );
        let [left, right] = &ends;
        left.step() | right.step()
    }
}

fn spawn<'a, F>(
    executor: &mut Executor<'a>,
    case: &'a Case,
    role: Role,
    end: End,
    control: &'a Control,
    handshake: impl FnOnce(End, Rc<Side>) -> F + 'a,
) -> Rc<Side>
where
    F: Future<Output = io::Result<Box<dyn super::streams::Stream>>> + 'a,
{
    let tasks = match role {
        Role::Client => &case.scenario.client,
        Role::Server => &case.scenario.server,
    };
    let stop = case.stop.filter(|(who, _)| *who == role);
    if let Some(strike) = case.strike.filter(|strike| strike.role == role) {
        control.strike(strike.call, strike.answer);
    }
    let side = Side::new(case.make(role), tasks.len(), stop.map(|(_, stop)| stop));
    let mut first = Some((end, handshake));
    for (slot, acts) in tasks.iter().enumerate() {
        let first = first.take();
        let of_task = Rc::clone(&side);
        let future = async move {
            match first {
                Some((end, handshake)) => {
                    let handshake = handshake(end, Rc::clone(&of_task));
                    let stream = watched(case.make(role), control, handshake).await?;
                    of_task.establish(stream);
                }
                None => of_task.established().await,
            }
            watched(case.make(role), control, perform(role, &of_task, acts)).await
        };
        executor.spawn(&format!("{role:?} {slot}"), Task::new(&side, slot, future));
    }
    side
}

/// Checks that each `Pending` of ours has a reason.
async fn watched<F: Future>(make: Make, control: &Control, future: F) -> F::Output {
    if make.is_ours() {
        Watched::new(future, &[control]).await
    } else {
        future.await
    }
}

fn result(side: &Side, control: &Control) -> Result {
    Result {
        ending: side.ending(),
        sent: side.sent.get(),
        unsure: side.unsure.get(),
        received: side.received.get(),
        calls: control.calls(),
        counts: control.counts(),
        applied: control.applied(),
        stopped: side.is_stopped(),
    }
}

/// How many bytes a list of tasks sends.
pub(super) fn sends(tasks: &[Vec<Act>]) -> usize {
    tasks
        .iter()
        .flatten()
        .map(|act| match act {
            Act::Write(length) | Act::WriteSlices(length) => *length,
            _ => 0,
        })
        .sum()
}
