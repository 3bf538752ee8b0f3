//! mysql_async and MariaDB, which starts TLS after a greeting in plaintext.

use mysql_async::prelude::Queryable;
use mysql_async::{Conn, OptsBuilder, SslOpts};
use tokio::process::Command;

use crate::Outcome;
use crate::place::Place;
use crate::process::{Server, free_port, run as run_to_end};
use crate::report::{chain, digest, payload, refused, same};

pub(crate) async fn run(place: &Place) -> Outcome {
    let (_server, port) = mariadb(place).await?;
    let options = |tls: bool| {
        let tls = tls.then(|| {
            SslOpts::default()
                .with_root_certs(vec![place.path("root.pem").into()])
                .with_disable_built_in_roots(true)
        });
        OptsBuilder::default()
            .ip_or_hostname("localhost")
            .tcp_port(port)
            .user(Some("graph"))
            .pass(Some("secret"))
            .db_name(Some("graph"))
            .prefer_socket(false)
            .ssl_opts(tls)
    };
    let plain = Conn::new(options(false)).await.err();
    println!(
        "mysql_async: without TLS: {}",
        plain.map_or_else(|| "no error".to_owned(), |error| chain(&error))
    );

    let mut connection = Conn::new(options(true)).await?;
    let row: Option<(String, String)> = connection
        .query_first("show status like 'Ssl_version'")
        .await?;
    println!("mysql_async: {row:?}");
    connection
        .query_drop("create temporary table rows_of (number int primary key, name longblob)")
        .await?;
    let rows = (0..500).map(|number| (number, format!("row {number}")));
    connection
        .exec_batch("insert into rows_of values (?, ?)", rows)
        .await?;
    let sum: Option<u64> = connection
        .query_first("select cast(sum(number) as unsigned) from rows_of")
        .await?;
    println!("mysql_async: the sum of 500 rows: {sum:?}");
    for length in [0, 1, 16 * 1024 + 1, 5_000_000] {
        let sent = payload(length);
        connection
            .exec_drop("replace into rows_of values (?, ?)", (1000, &sent))
            .await?;
        let got: Option<Vec<u8>> = connection
            .exec_first("select name from rows_of where number = ?", (1000,))
            .await?;
        let got = got.ok_or("no row")?;
        same(&got, &sent)?;
        println!("mysql_async: a value, {}", digest(&got));
    }
    let many: Vec<u32> = connection.query("select seq from seq_1_to_50000").await?;
    println!(
        "mysql_async: {} rows in one result, {:?}",
        many.len(),
        many.last()
    );
    let killed = connection.query_drop("kill connection_id()").await.err();
    println!(
        "mysql_async: killed: {}",
        killed.map_or_else(|| "no error".to_owned(), |error| chain(&error))
    );
    // The end of the connection, or a reset: the server may not have closed it yet.
    let after = connection.query_drop("select 1").await;
    println!("mysql_async: after that: {}", refused(after)?);
    Ok(())
}

async fn mariadb(place: &Place) -> Result<(Server, u16), Box<dyn std::error::Error + Send + Sync>> {
    let port = free_port();
    let data = format!("--datadir={}", place.text_path("data"));
    let user = match rustix::process::geteuid().is_root() {
        true => vec!["--user=root"],
        false => Vec::new(),
    };
    let mut install = Command::new("mariadb-install-db");
    install
        .args([
            "--no-defaults",
            "--skip-test-db",
            "--auth-root-authentication-method=normal",
        ])
        .args([&data])
        .args(&user);
    let output = run_to_end(&mut install, b"").await?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stdout).into());
    }
    let first = place.write(
        "first.sql",
        // One statement per line. Anonymous accounts would take precedence over the others.
        "delete from mysql.global_priv where user = '';\n\
         flush privileges;\n\
         create database graph;\n\
         create user graph identified by 'secret' require ssl;\n\
         grant all on *.* to graph;\n",
    );
    let mut command = Command::new("mariadbd");
    command
        .args([
            "--no-defaults",
            "--bind-address=127.0.0.1",
            "--max-allowed-packet=32M",
        ])
        .arg(&data)
        .arg(format!("--port={port}"))
        .arg(format!("--socket={}", place.text_path("socket")))
        .arg(format!("--pid-file={}", place.text_path("pid")))
        .arg(format!("--init-file={}", first.display()))
        .arg(format!("--ssl-ca={}", place.text_path("root.pem")))
        .arg(format!("--ssl-cert={}", place.text_path("server.pem")))
        .arg(format!("--ssl-key={}", place.text_path("server.key")))
        .args(&user);
    Ok((Server::start_command(place, command, port).await?, port))
}
