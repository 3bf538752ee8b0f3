//! tokio-postgres-rustls and PostgreSQL.

use std::os::unix::fs::chown;
use std::pin::pin;

use bytes::Bytes;
use futures_util::SinkExt;
use tokio::process::Command;
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};
use tokio_postgres_rustls::MakeRustlsConnect;
use tokio_stream::StreamExt;

use crate::Outcome;
use crate::place::Place;
use crate::process::{Server, free_port, run as run_to_end};
use crate::report::{chain, digest, payload, same};

pub(crate) async fn run(place: &Place) -> Outcome {
    let (_server, port) = postgres(place).await?;
    let tls = MakeRustlsConnect::new(place.client_config(&[]));
    let parameters = format!("host=localhost port={port} user=graph dbname=postgres");
    let wanted = format!("{parameters} sslmode=require");

    let refused = tokio_postgres::connect(&format!("{parameters} sslmode=disable"), NoTls).await;
    let refused = refused
        .err()
        .ok_or("a connection without TLS was accepted")?;
    println!(
        "tokio-postgres-rustls: without TLS: {}",
        first_line(&chain(&refused))
    );

    let (client, connection) = tokio_postgres::connect(&wanted, tls.clone()).await?;
    let driven = tokio::spawn(connection);
    let row = client
        .query_one(
            "select version, cipher from pg_stat_ssl where pid = pg_backend_pid()",
            &[],
        )
        .await?;
    let (version, cipher): (String, String) = (row.get(0), row.get(1));
    println!("tokio-postgres-rustls: {version}, {cipher}");
    work(&client).await?;

    // A request to cancel is sent over a connection of its own.
    let token = client.cancel_token();
    let (slept, cancelled) = tokio::join!(client.simple_query("select pg_sleep(60)"), async {
        // The request must not arrive before the query.
        while !sleeping(&wanted, tls.clone()).await? {}
        token.cancel_query(tls.clone()).await
    });
    cancelled?;
    let slept = slept.err().ok_or("nothing was cancelled")?;
    println!("tokio-postgres-rustls: cancelled: {}", chain(&slept));

    let ended = client
        .simple_query("select pg_terminate_backend(pg_backend_pid())")
        .await;
    let ended = ended
        .err()
        .ok_or("the server has not ended the connection")?;
    println!(
        "tokio-postgres-rustls: ended by the server: {}",
        chain(&ended)
    );
    let outcome = driven.await?;
    println!(
        "tokio-postgres-rustls: the connection: {}",
        outcome.map_or_else(|error| chain(&error), |()| "no error".to_owned())
    );
    Ok(())
}

/// Rows one by one and in bulk, and a large value in both directions.
async fn work(client: &Client) -> Outcome {
    client
        .batch_execute("create temp table rows (number int8 primary key, name text)")
        .await?;
    let insert = client.prepare("insert into rows values ($1, $2)").await?;
    for number in 0..200_i64 {
        client
            .execute(&insert, &[&number, &format!("row {number}")])
            .await?;
    }
    {
        let mut sink = pin!(client.copy_in("copy rows from stdin").await?);
        for number in 200..20_000 {
            sink.feed(Bytes::from(format!("{number}\trow {number}\n")))
                .await?;
        }
        sink.close().await?;
    }
    let mut copied = Vec::new();
    {
        let mut out = pin!(
            client
                .copy_out("copy (select * from rows order by 1) to stdout")
                .await?
        );
        while let Some(chunk) = out.next().await {
            copied.extend_from_slice(&chunk?);
        }
    }
    println!("tokio-postgres-rustls: 20000 rows, {}", digest(&copied));
    let sent = payload(5_000_000);
    let row = client.query_one("select $1::bytea", &[&sent]).await?;
    let got: Vec<u8> = row.get(0);
    same(&got, &sent)?;
    println!("tokio-postgres-rustls: a value, {}", digest(&got));
    Ok(())
}

/// Whether the query that is to be cancelled has begun.
async fn sleeping(parameters: &str, tls: MakeRustlsConnect) -> Result<bool, tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(parameters, tls).await?;
    let driven = tokio::spawn(connection);
    let found = client
        .simple_query("select 1 from pg_stat_activity where wait_event = 'PgSleep'")
        .await?;
    drop(client);
    let _ = driven.await;
    Ok(found
        .iter()
        .any(|message| matches!(message, SimpleQueryMessage::Row(_))))
}

/// The first line; the second one is the location in the sources of the server.
fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

async fn postgres(
    place: &Place,
) -> Result<(Server, u16), Box<dyn std::error::Error + Send + Sync>> {
    let port = free_port();
    // PostgreSQL refuses to run as root, and rejects a key that others may read.
    let user = user("postgres").await?;
    let as_user = |program: &str| {
        let mut command = Command::new(program);
        if let Some((uid, gid)) = user {
            command.uid(uid).gid(gid);
        }
        command.current_dir("/");
        command
    };
    let home = place.path("home");
    std::fs::create_dir_all(&home)?;
    let certificate = place.write("home/server.pem", place.read("server.pem"));
    let key = place.write("home/server.key", place.read("server.key"));
    let access = place.write(
        "home/access.conf",
        "hostssl all all 127.0.0.1/32 trust\nhostssl all all ::1/128 trust\n",
    );
    restrict(&key)?;
    if let Some((uid, gid)) = user {
        for path in [&home, &certificate, &key, &access] {
            chown(path, Some(uid), Some(gid))?;
        }
    }
    let data = home.join("data");
    let mut initdb = as_user("initdb");
    initdb
        .args(["--auth=trust", "--username=graph", "--no-sync", "--pgdata"])
        .arg(&data);
    let output = run_to_end(&mut initdb, b"").await?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    let mut command = as_user("postgres");
    command.arg("-D").arg(&data);
    for (name, value) in [
        ("ssl", "on".to_owned()),
        ("ssl_cert_file", certificate.display().to_string()),
        ("ssl_key_file", key.display().to_string()),
        ("hba_file", access.display().to_string()),
        ("listen_addresses", "127.0.0.1".to_owned()),
        ("port", port.to_string()),
        ("unix_socket_directories", String::new()),
        ("fsync", "off".to_owned()),
    ] {
        command.arg("-c").arg(format!("{name}={value}"));
    }
    let server = Server::start_command(place, command, port).await?;
    let ready = format!("pg_isready --quiet --host=127.0.0.1 --port={port}");
    let ready: Vec<_> = ready.split(' ').collect();
    while !run_to_end(Command::new(ready[0]).args(&ready[1..]), b"")
        .await?
        .status
        .success()
    {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    Ok((server, port))
}

fn restrict(path: &std::path::Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))
}

/// The number of a user and of its group, if we are root and have to switch to it.
async fn user(name: &str) -> std::io::Result<Option<(u32, u32)>> {
    if !rustix::process::geteuid().is_root() {
        return Ok(None);
    }
    let mut numbers = Vec::new();
    for kind in ["-u", "-g"] {
        let output = run_to_end(Command::new("id").args([kind, name]), b"").await?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        numbers.push(text.trim().parse().map_err(std::io::Error::other)?);
    }
    Ok(Some((numbers[0], numbers[1])))
}
