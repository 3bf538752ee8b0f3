//! The differences between the two sides of rustls 0.24.

use std::sync::Arc;

use rustls_next::client::{ClientHandshake, WriteEarlyData};
use rustls_next::server::ServerHandshake;
use rustls_next::split::SplitConnection;
use rustls_next::{
    ClientSide, Connection, Error, KeyingMaterialExporter, MessageHandler, NeedsInput,
    ServerConfig, ServerSide, SideData, Tcp, VerifyPeerIdentity,
};

/// A side of a connection of rustls 0.24.
pub trait Sided: SideData + Default {
    const IS_SERVER: bool;

    /// The configuration, on the side whose handshake needs it only after it has begun.
    type Config: Send + Sync;

    /// Returns the next step of a handshake that pauses for verification.
    fn step(
        handshake: Self::Handshake,
        config: &Self::Config,
        output: &mut Vec<u8>,
    ) -> Result<Step<Self>, Error>;

    /// Returns early data of a client in the input that the connection is about to process; plain
    /// reads of rustls would drop it.
    fn received_early(handler: &mut MessageHandler<'_, '_, Self>) -> Option<Vec<u8>> {
        let _ = handler;
        None
    }

    /// Returns the exporter of early data, once a server has accepted it.
    fn accepted_early(connection: &mut Connection<Self, Tcp>) -> Option<KeyingMaterialExporter> {
        let _ = connection;
        None
    }

    /// Returns the writer of a client's early data.
    fn early_data(connection: &mut Connection<Self, Tcp>) -> Option<WriteEarlyData<'_>> {
        let _ = connection;
        None
    }

    /// The same in a handshake that pauses for verification.
    fn early_data_of(handshake: &mut NeedsInput<Self>) -> Option<WriteEarlyData<'_>> {
        let _ = handshake;
        None
    }

    fn is_early_data_accepted(&self) -> bool {
        false
    }
}

/// What a handshake that pauses for verification needs next.
#[expect(missing_debug_implementations, reason = "cannot be named outside")]
pub enum Step<S: SideData> {
    /// More ciphertext.
    Input(NeedsInput<S>),
    /// Nothing: it can continue with the ciphertext that it has received already.
    Nothing(NeedsInput<S>),
    Verification(VerifyPeerIdentity<S, Tcp>),
    Traffic(SplitConnection<S>),
}

impl Sided for ClientSide {
    const IS_SERVER: bool = false;

    type Config = ();

    fn step(
        handshake: ClientHandshake,
        (): &Self::Config,
        _: &mut Vec<u8>,
    ) -> Result<Step<Self>, Error> {
        Ok(match handshake {
            ClientHandshake::NeedsInput(handshake) => Step::Input(handshake),
            ClientHandshake::VerifyServerIdentity(peer) => Step::Verification(peer),
            ClientHandshake::Complete(parts) => Step::Traffic(parts),
            _ => return Err(unknown_state()),
        })
    }

    fn early_data(connection: &mut Connection<Self, Tcp>) -> Option<WriteEarlyData<'_>> {
        connection.early_data()
    }

    fn early_data_of(handshake: &mut NeedsInput<Self>) -> Option<WriteEarlyData<'_>> {
        handshake.early_data()
    }

    fn is_early_data_accepted(&self) -> bool {
        Self::is_early_data_accepted(self)
    }
}

impl Sided for ServerSide {
    const IS_SERVER: bool = true;

    type Config = Arc<ServerConfig>;

    fn step(
        handshake: ServerHandshake,
        config: &Self::Config,
        output: &mut Vec<u8>,
    ) -> Result<Step<Self>, Error> {
        Ok(match handshake {
            ServerHandshake::NeedsInput(handshake) => Step::Input(handshake),
            ServerHandshake::Accepted(accepted) => {
                match accepted.choose_config(Arc::clone(config), output)? {
                    ServerHandshake::NeedsInput(handshake) => Step::Nothing(handshake),
                    _ => return Err(unknown_state()),
                }
            }
            ServerHandshake::VerifyClientIdentity(peer) => Step::Verification(peer),
            ServerHandshake::Complete(parts) => Step::Traffic(parts),
            _ => return Err(unknown_state()),
        })
    }

    fn received_early(handler: &mut MessageHandler<'_, '_, Self>) -> Option<Vec<u8>> {
        // The next call on the connection returns the error again.
        let payload = handler.next_early_data()?.ok()?;
        Some(payload.bytes().to_vec())
    }

    fn accepted_early(connection: &mut Connection<Self, Tcp>) -> Option<KeyingMaterialExporter> {
        // A server has an early exporter only in this case.
        connection.early_exporter().ok()
    }
}

fn unknown_state() -> Error {
    Error::General("a handshake in a state that this version of pollback does not know".into())
}
