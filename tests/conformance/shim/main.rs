//! A peer for the protocol tests of BoringSSL: their runner starts it once for each test, with
//! options that say what to do.
//!
//! It connects to the given port, sends its shim ID, and is then a TLS client or server; with
//! `-resume-count` several times in a row. It echoes what it reads with every bit inverted. The
//! runner checks the bytes on the wire and the exit status.

mod actions;
mod backend;
mod exchange;
mod expect;
mod options;
mod settings;
mod setup;
mod transport;

use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, Shutdown, TcpStream};
use std::process::ExitCode;

use backend::Failure;
use options::{INITIAL, Options, RESUME};
use setup::Setup;
use transport::Variant;

/// Exit statuses with a meaning for the runner.
const FAILED: u8 = 1;
const UNIMPLEMENTED: u8 = 89;
/// The test has failed, even if it expects a connection that fails.
const MUST_FAIL: u8 = 90;

fn main() -> ExitCode {
    let outcome = Options::parse(std::env::args_os().skip(1))
        .map_err(Failure::from)
        .and_then(|options| run(&options));
    let (status, reason) = match outcome {
        Ok(()) => return ExitCode::SUCCESS,
        Err(Failure::Unimplemented(what)) => {
            (UNIMPLEMENTED, format!("not implemented: {}", what.0))
        }
        Err(Failure::Io(error)) => (FAILED, format!("{:?}: {error}", error.kind())),
        Err(Failure::Unexpected(what)) => (MUST_FAIL, what),
    };
    eprintln!("{reason}");
    ExitCode::from(status)
}

fn run(options: &Options) -> Result<(), Failure> {
    if options.asks_for_handshaker {
        println!("No");
        return Ok(());
    }
    let mut setup = Setup::new()?;
    for connection in 0..=options.resumptions {
        let index = if connection == 0 { INITIAL } else { RESUME };
        let socket = connect(options)?;
        let held = socket.try_clone()?;
        let outcome = converse(options, &mut setup, index, connection > 0, socket);
        if outcome.is_ok() || options.variant != Variant::Dropped {
            // Data in transit is lost if the kernel has to reset the connection.
            drain(held);
        }
        outcome?;
        setup.advance(options.connections[index].delay);
    }
    Ok(())
}

fn connect(options: &Options) -> io::Result<TcpStream> {
    let address: IpAddr = match options.ipv6 {
        true => Ipv6Addr::LOCALHOST.into(),
        false => Ipv4Addr::LOCALHOST.into(),
    };
    let mut socket = TcpStream::connect((address, options.port))?;
    socket.set_nodelay(true)?;
    socket.write_all(&options.shim_id.to_le_bytes())?;
    Ok(socket)
}

fn converse(
    options: &Options,
    setup: &mut Setup,
    index: usize,
    resumes: bool,
    socket: TcpStream,
) -> Result<(), Failure> {
    let mut runtime = match options.variant {
        Variant::Split | Variant::Halves => tokio::runtime::Builder::new_multi_thread(),
        _ => tokio::runtime::Builder::new_current_thread(),
    };
    let runtime = runtime.worker_threads(2).enable_all().build()?;
    runtime.block_on(exchange::run(options, setup, index, resumes, socket))
}

/// Reads what the runner still sends, until it closes, too.
fn drain(mut socket: TcpStream) {
    let mut buf = [0; 4096];
    // The socket may be closed already.
    let _ = socket.set_nonblocking(false);
    let _ = socket.shutdown(Shutdown::Write);
    while matches!(socket.read(&mut buf), Ok(1..)) {}
}
