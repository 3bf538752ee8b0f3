//! A handshake of rustls 0.24 that pauses while its peer is verified, which may take time.

use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use rustls_next::client::WriteEarlyData;
use rustls_next::crypto::VerifiedIdentity;
use rustls_next::split::SplitConnection;
use rustls_next::{ConnectionOutputs, Error, NeedsInput, Tcp, VerifyPeerIdentity};

use super::in_place::Window;
use super::next_sides::{Sided, Step};
use super::output::OutputBuffer;
use super::{Failure, InputBuffer};

/// The verification of one peer.
pub(crate) type Verification =
    Pin<Box<dyn Future<Output = Result<VerifiedIdentity<'static>, Error>> + Send>>;

/// Starts verifications of peers.
pub(crate) type Verifier<S> = Arc<dyn Begin<S>>;

/// Starts the verification of the peer of a connection on the side `S`.
pub(crate) trait Begin<S: Sided>: Send + Sync {
    fn begin(&self, presented: &S::PeerIdentity<'_>) -> Verification;
}

impl<S, F, V> Begin<S> for F
where
    S: Sided,
    F: Fn(&S::PeerIdentity<'_>) -> V + Send + Sync,
    V: Future<Output = Result<VerifiedIdentity<'static>, Error>> + Send + 'static,
{
    fn begin(&self, presented: &S::PeerIdentity<'_>) -> Verification {
        Box::pin(self(presented))
    }
}

/// A handshake in progress.
pub(super) struct Verifying<S: Sided> {
    waits: Waits<S>,
    config: S::Config,
    verifier: Verifier<S>,
    /// Defaults, since rustls reveals nothing about such a handshake before its end.
    pub(super) outputs: ConnectionOutputs,
    pub(super) side: S,
}

enum Waits<S: Sided> {
    Input(NeedsInput<S>),
    /// The mutex is never locked: it makes the type `Sync`, since only one thread at a time polls
    /// the future.
    Verification(VerifyPeerIdentity<S, Tcp>, Mutex<Verification>),
    /// It has failed.
    Nothing,
}

/// Both directions, once the handshake is over.
type Completed<S> = Option<SplitConnection<S>>;

impl<S: Sided> Verifying<S> {
    pub(super) fn new(start: NeedsInput<S>, config: S::Config, verifier: Verifier<S>) -> Self {
        Self {
            waits: Waits::Input(start),
            config,
            verifier,
            outputs: ConnectionOutputs::default(),
            side: S::default(),
        }
    }

    /// Whether it has paused, and accepts no ciphertext.
    pub(super) fn is_stopped(&self) -> bool {
        matches!(self.waits, Waits::Verification(..))
    }

    pub(super) fn early_data(&mut self) -> Option<WriteEarlyData<'_>> {
        match &mut self.waits {
            Waits::Input(handshake) => S::early_data_of(handshake),
            _ => None,
        }
    }

    /// Processes the visible part of `input`.
    pub(super) fn process(
        &mut self,
        input: &mut InputBuffer,
        output: &mut OutputBuffer,
    ) -> Result<Completed<S>, Failure> {
        let step = match mem::replace(&mut self.waits, Waits::Nothing) {
            Waits::Input(handshake) => Step::Nothing(handshake),
            waits => {
                self.waits = waits;
                return Ok(None);
            }
        };
        with_alert(output, |output| self.go_on(step, input, output))
    }

    /// Ready unless it has paused for a verification that is still in progress.
    pub(super) fn poll_verified(
        &mut self,
        input: &mut InputBuffer,
        output: &mut OutputBuffer,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Completed<S>, Failure>> {
        let Waits::Verification(_, verification) = &mut self.waits else {
            return Poll::Ready(Ok(None));
        };
        let verification = verification
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner);
        let verified = ready!(verification.as_mut().poll(cx));
        let Waits::Verification(peer, _) = mem::replace(&mut self.waits, Waits::Nothing) else {
            unreachable!("it was just polled");
        };
        Poll::Ready(with_alert(output, |output| {
            let handshake = peer.continue_with(verified, output)?;
            let step = match S::step(handshake, &self.config, output)? {
                // The messages that follow may have arrived already.
                Step::Input(handshake) => Step::Nothing(handshake),
                step => step,
            };
            self.go_on(step, input, output)
        }))
    }

    /// Continues until ciphertext or a verification is needed.
    fn go_on(
        &mut self,
        mut step: Step<S>,
        input: &mut InputBuffer,
        output: &mut Vec<u8>,
    ) -> Result<Completed<S>, Error> {
        loop {
            step = match step {
                Step::Nothing(handshake) => {
                    let handshake = handshake.process(&mut Window(input), output)?;
                    S::step(handshake, &self.config, output)?
                }
                Step::Input(handshake) => {
                    self.waits = Waits::Input(handshake);
                    return Ok(None);
                }
                Step::Verification(peer) => {
                    let presented = peer.presented_identity();
                    let begun = presented.map(|presented| self.verifier.begin(&presented));
                    match begun {
                        Ok(verification) => {
                            self.waits = Waits::Verification(peer, Mutex::new(verification));
                            return Ok(None);
                        }
                        Err(error) => {
                            let handshake = peer.continue_with(Err(error), output)?;
                            S::step(handshake, &self.config, output)?
                        }
                    }
                }
                Step::Traffic(parts) => return Ok(Some(parts)),
            };
        }
    }
}

/// Calls `act`, and records in its failure whether it has queued an alert.
fn with_alert<T>(
    output: &mut OutputBuffer,
    act: impl FnOnce(&mut Vec<u8>) -> Result<T, Error>,
) -> Result<T, Failure> {
    let queued = output.len();
    let outcome = act(output.end());
    output.release();
    let owed = output.len() > queued;
    outcome.map_err(|error| Failure::from(error).with_alert(owed))
}
