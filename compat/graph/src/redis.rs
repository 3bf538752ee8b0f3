//! redis and redis-server, with a client certificate.

use redis::{AsyncCommands, Client, ClientTlsConfig, TlsCertificates};
use tokio_stream::StreamExt;

use crate::Outcome;
use crate::place::Place;
use crate::process::{Server, free_port};
use crate::report::{digest, payload, refused, same};

pub(crate) async fn run(place: &Place) -> Outcome {
    let port = free_port();
    let file = |name: &str| place.text_path(name);
    let arguments = [
        ["--port", "0"],
        ["--bind", "127.0.0.1"],
        ["--tls-port", &port.to_string()],
        ["--tls-cert-file", &file("server.pem")],
        ["--tls-key-file", &file("server.key")],
        ["--tls-ca-cert-file", &file("root.pem")],
        ["--tls-auth-clients", "yes"],
        ["--save", ""],
        ["--dir", &file("")],
    ];
    let _server = Server::start(place, "redis-server", arguments.as_flattened(), port).await?;
    let certificates = |with_identity: bool| TlsCertificates {
        client_tls: with_identity.then(|| ClientTlsConfig {
            client_cert: place.read("client.pem"),
            client_key: place.read("client.key"),
        }),
        root_cert: Some(place.read("root.pem")),
    };
    let url = format!("rediss://localhost:{port}/");
    let client = Client::build_with_tls(url.as_str(), certificates(true))?;
    let mut connection = client.get_multiplexed_async_connection().await?;

    for length in [0, 1, 16 * 1024 + 1, 5_000_000] {
        let sent = payload(length);
        let () = connection.set("key", &sent).await?;
        let got: Vec<u8> = connection.get("key").await?;
        same(&got, &sent)?;
        println!("redis: a value, {}", digest(&got));
    }
    let mut pipeline = redis::pipe();
    for number in 0..2000 {
        pipeline.incr("counter", number).ignore();
    }
    let (sum,): (i64,) = pipeline.get("counter").query_async(&mut connection).await?;
    println!("redis: the sum of 2000 in one pipeline: {sum}");

    // Many tasks on one connection.
    let tasks: Vec<_> = (0..50_usize)
        .map(|number| {
            let mut connection = connection.clone();
            tokio::spawn(async move {
                let () = connection.set(number, number).await?;
                connection.get::<_, usize>(number).await
            })
        })
        .collect();
    let mut sum = 0;
    for task in tasks {
        sum += task.await??;
    }
    println!("redis: the sum of 50 tasks: {sum}");

    let mut subscriber = client.get_async_pubsub().await?;
    subscriber.subscribe("news").await?;
    for number in 0..100 {
        let () = connection.publish("news", number).await?;
    }
    let news: Vec<i32> = subscriber
        .on_message()
        .take(100)
        .map(|message| message.get_payload().unwrap_or(-1))
        .collect()
        .await;
    println!("redis: {} messages, {} the last", news.len(), news[99]);

    let mut killed = client.get_multiplexed_async_connection().await?;
    let id: i64 = redis::cmd("CLIENT")
        .arg("ID")
        .query_async(&mut killed)
        .await?;
    let _: i64 = redis::cmd("CLIENT")
        .arg(&["KILL", "ID", &id.to_string()])
        .query_async(&mut connection)
        .await?;
    let error = killed.get::<_, i64>("counter").await.err();
    println!(
        "redis: a connection that the server has closed: {}",
        error.map_or_else(|| "no error".to_owned(), |error| kind_of_end(&error))
    );

    let stranger = Client::build_with_tls(url.as_str(), certificates(false))?;
    let outcome = stranger.get_multiplexed_async_connection().await;
    println!("redis: without a client certificate: {}", refused(outcome)?);
    Ok(())
}

/// Whether the connection's own task or the next command notices the end first is random, so only
/// the properties that a program can rely on are printed.
fn kind_of_end(error: &redis::RedisError) -> String {
    format!("dropped: {}", error.is_connection_dropped())
}
