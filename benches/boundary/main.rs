//! The cost of the boundary to C: the same bytes over rustls, over rustls-ffi and over C callbacks,
//! in one run.
//!
//! ```sh
//! cargo bench --features fd,ffi-aws-lc-rs --bench boundary
//! cargo bench --features fd,ffi-aws-lc-rs --bench boundary -- 1024   # MiB, instead of 256
//! ```

#![allow(unsafe_code)]

#[path = "../../tests/ffi/configs.rs"]
#[allow(dead_code)]
mod configs;

mod callbacks;
mod counted;

use std::io::{self, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use pollback::ffi::rustls_ffi::connection::rustls_connection;
use pollback::ffi::rustls_ffi::rustls_result;
use pollback::ffi::{self, FfiConnection, lend_write};
use pollback::rustls::ClientConnection;
use pollback::rustls::pki_types::ServerName;
use pollback::{TlsAcceptor, TlsConnector};
use pollback_testkit::configs::{Setup, Version};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::UnixStream;

use counted::{Counted, Sink};

const MIB: usize = 1 << 20;

/// The size of the application's writes.
const CHUNK: usize = 64 * 1024;

/// How much is queued in a connection, for the second table.
const QUEUED: usize = 3 * MIB;

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    let mut size = std::env::args().filter_map(|argument| argument.parse().ok());
    let bytes = size.next_back().unwrap_or(256) * MIB;

    println!("{} MiB through TLS 1.3 over a socket pair", bytes / MIB);
    println!(
        "                        writes  bytes each    reads  bytes each    MiB/s  CPU us/MiB"
    );
    let (connector, acceptor) = rust_sides();
    let (ours, theirs) = UnixStream::pair()?;
    let (mut ours, mut theirs) = (Counted::new(ours), Counted::new(theirs));
    let (client, server) = tokio::join!(
        connector.connect(localhost(), &mut ours),
        acceptor.accept(&mut theirs),
    );
    let cost = transfer(client?, server?, bytes).await?;
    report("rustls", &ours, &theirs, &cost);

    let (ours, theirs) = UnixStream::pair()?;
    let (mut ours, mut theirs) = (Counted::new(ours), Counted::new(theirs));
    let (client, server) = c_sides();
    let (client, server) = tokio::join!(client.handshake(&mut ours), server.handshake(&mut theirs));
    let cost = transfer(client?, server?, bytes).await?;
    report("rustls-ffi", &ours, &theirs, &cost);

    for (name, vectored) in [("rustls, C transport", true), ("  without vectored", false)] {
        let (ours, theirs) = std::os::unix::net::UnixStream::pair()?;
        let (ours, theirs) = (Arc::new(ours), Arc::new(theirs));
        let mut ours = Counted::new(callbacks::transport(&ours, vectored)?);
        let mut theirs = Counted::new(callbacks::transport(&theirs, vectored)?);
        let (client, server) = tokio::join!(
            connector.connect(localhost(), &mut ours),
            acceptor.accept(&mut theirs),
        );
        let cost = transfer(client?, server?, bytes).await?;
        report(name, &ours, &theirs, &cost);
    }

    println!();
    println!("{} MiB that are queued in a connection", QUEUED / MIB);
    println!("                         calls  bytes each");
    queued_in_rust().await?;
    queued_in_c("rustls-ffi, scalar", false).await?;
    queued_in_c("rustls-ffi, vectored", true).await
}

fn localhost() -> ServerName<'static> {
    ServerName::try_from("localhost").expect("a valid name")
}

fn rust_sides() -> (TlsConnector, TlsAcceptor) {
    let setup = Setup::new(Version::Tls13);
    let (client, server) = (setup.client(), setup.server());
    (Arc::new(client).into(), Arc::new(server).into())
}

fn c_sides() -> (FfiConnection, FfiConnection) {
    let client = configs::ClientConfig::new(Version::Tls13);
    let server = configs::ServerConfig::new(Version::Tls13);
    (client.connection(c"localhost"), server.connection())
}

/// The cost of a MiB.
struct Cost {
    clock: Duration,
    processor: Duration,
}

/// The processor time of all threads of this process. Unlike elapsed time it is comparable on a
/// machine that also runs other programs.
fn processor_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::try_from(time).expect("a time since the start")
}

/// Moves bytes until the end of the stream.
async fn transfer<C, S>(mut client: C, mut server: S, bytes: usize) -> io::Result<Cost>
where
    C: AsyncRead + AsyncWrite + Unpin,
    S: AsyncRead + AsyncWrite + Unpin,
{
    let chunk = vec![7; CHUNK];
    let (start, before) = (Instant::now(), processor_time());
    let (sent, received) = tokio::join!(
        async {
            for _ in 0..bytes / CHUNK {
                client.write_all(&chunk).await?;
            }
            client.shutdown().await
        },
        async {
            let mut room = vec![0; CHUNK];
            let mut total = 0;
            loop {
                match server.read(&mut room).await? {
                    0 => return io::Result::Ok(total),
                    count => total += count,
                }
            }
        },
    );
    sent?;
    assert_eq!(received?, bytes);
    let count = u32::try_from(bytes / MIB).expect("fewer MiB than that");
    Ok(Cost {
        clock: start.elapsed() / count,
        processor: (processor_time() - before) / count,
    })
}

fn report<T>(name: &str, client: &Counted<T>, server: &Counted<T>, cost: &Cost) {
    let (writes, reads) = (&client.writes, &server.reads);
    println!(
        "{name:20} {:9}  {:10} {:8}  {:10} {:8.0} {:11}",
        writes.calls,
        writes.each(),
        reads.calls,
        reads.each(),
        1.0 / cost.clock.as_secs_f64(),
        cost.processor.as_micros(),
    );
}

fn report_queued(name: &str, sink: &Sink) {
    println!("{name:20} {:9}  {:10}", sink.0.calls, sink.0.each());
}

async fn queued_in_rust() -> io::Result<()> {
    let (connector, acceptor) = rust_sides();
    let (ours, theirs) = tokio::io::duplex(CHUNK);
    let (client, server) = tokio::join!(
        connector.connect(localhost(), ours),
        acceptor.accept(theirs)
    );
    let (mut client, _server) = (client?, server?);
    let connection: &mut ClientConnection = client.get_mut().1;
    connection.set_buffer_limit(None);
    connection.writer().write_all(&vec![7; QUEUED])?;
    let mut sink = Sink::default();
    while connection.wants_write() {
        connection.write_tls(&mut sink)?;
    }
    report_queued("rustls, vectored", &sink);
    Ok(())
}

async fn queued_in_c(name: &str, vectored: bool) -> io::Result<()> {
    let (client, server) = c_sides();
    let (ours, theirs) = tokio::io::duplex(CHUNK);
    let (client, _server) = tokio::join!(client.handshake(ours), server.handshake(theirs));
    let mut client = client?;
    let connection = client.get_mut().1.as_mut_ptr();
    rustls_connection::rustls_connection_set_buffer_limit(connection, 2 * QUEUED);
    let (data, mut taken) = (vec![7; QUEUED], 0);
    let result = rustls_connection::rustls_connection_write(
        connection,
        data.as_ptr(),
        data.len(),
        &mut taken,
    );
    assert_eq!((result, taken), (rustls_result::Ok, QUEUED));
    let mut sink = Sink::default();
    while rustls_connection::rustls_connection_wants_write(connection) {
        lend_write(&mut sink, |userdata, out_n| {
            if vectored {
                let write = Some(ffi::write_vectored as _);
                rustls_connection::rustls_connection_write_tls_vectored(
                    connection, write, userdata, out_n,
                )
            } else {
                let write = Some(ffi::write as _);
                rustls_connection::rustls_connection_write_tls(connection, write, userdata, out_n)
            }
        })?;
    }
    report_queued(name, &sink);
    Ok(())
}
