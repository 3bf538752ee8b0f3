//! async-nats and nats-server, which starts TLS after a first line in plaintext.

use async_nats::ConnectOptions;
use tokio_stream::StreamExt;

use crate::Outcome;
use crate::place::Place;
use crate::process::{Server, free_port};
use crate::report::{digest, payload, refused, same};

pub(crate) async fn run(place: &Place) -> Outcome {
    let port = free_port();
    let file = |name: &str| place.text_path(name);
    let config = format!(
        "listen: \"127.0.0.1:{port}\"
         tls {{ cert_file: \"{}\", key_file: \"{}\", ca_file: \"{}\", verify: true }}",
        file("server.pem"),
        file("server.key"),
        file("root.pem"),
    );
    let config = place.write("nats.conf", config);
    let arguments = ["-c".as_ref(), config.as_os_str()];
    let _server = Server::start(place, "nats-server", arguments, port).await?;

    let options = || {
        ConnectOptions::new()
            .add_root_certificates(place.path("root.pem"))
            .require_tls(true)
    };
    let url = format!("nats://localhost:{port}");
    let client = options()
        .add_client_certificate(place.path("client.pem"), place.path("client.key"))
        .connect(&url)
        .await?;

    let mut messages = client.subscribe("many.*").await?;
    for number in 0..2000 {
        client
            .publish(format!("many.{number}"), number.to_string().into())
            .await?;
    }
    client.flush().await?;
    let mut sum = 0_u64;
    for _ in 0..2000 {
        let message = messages.next().await.ok_or("the subscription has ended")?;
        sum += std::str::from_utf8(&message.payload)?.parse::<u64>()?;
    }
    println!("async-nats: the sum of 2000 messages: {sum}");

    let mut requests = client.subscribe("echo").await?;
    let server = client.clone();
    tokio::spawn(async move {
        while let Some(request) = requests.next().await {
            if let Some(reply) = request.reply {
                let _ = server.publish(reply, request.payload).await;
            }
        }
    });
    // The server accepts at most 1 MiB.
    for length in [0, 1, 16 * 1024 + 1, 1_000_000] {
        let sent = payload(length);
        let got = client.request("echo", sent.clone().into()).await?.payload;
        same(&got, &sent)?;
        println!("async-nats: there and back, {}", digest(&got));
    }
    client.drain().await?;

    let outcome = options().connect(&url).await;
    println!(
        "async-nats: without a client certificate: {}",
        refused(outcome)?
    );
    Ok(())
}
