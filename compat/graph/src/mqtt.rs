//! rumqttc and mosquitto, on OpenSSL.

use std::sync::Arc;
use std::time::Duration;

use rumqttc::{AsyncClient, Event, MqttOptions, Packet, QoS, TlsConfiguration, Transport};

use crate::Outcome;
use crate::place::Place;
use crate::process::{Server, free_port};
use crate::report::{chain, digest, payload, refused};

const MESSAGES: usize = 150;

pub(crate) async fn run(place: &Place) -> Outcome {
    let port = free_port();
    // With a limit on messages in flight, mosquitto 2.0.11 acknowledges some that it never delivers.
    let config = format!(
        "listener {port} 127.0.0.1
         cafile {root}
         certfile {certificate}
         keyfile {key}
         require_certificate true
         allow_anonymous true
         max_inflight_messages 0
         {user}",
        root = place.text_path("root.pem"),
        certificate = place.text_path("server.pem"),
        key = place.text_path("server.key"),
        user = match rustix::process::geteuid().is_root() {
            true => "user root",
            false => "",
        },
    );
    let lines: Vec<_> = config.lines().map(str::trim).collect();
    let config = place.write("mosquitto.conf", lines.join("\n"));
    let arguments = ["-c".as_ref(), config.as_os_str()];
    let _server = Server::start(place, "mosquitto", arguments, port).await?;

    let options = |name: &str, config| {
        let mut options = MqttOptions::new(name, "localhost", port);
        options.set_keep_alive(Duration::from_secs(5));
        options.set_max_packet_size(1024 * 1024, 1024 * 1024);
        let tls = TlsConfiguration::Rustls(Arc::new(config));
        options.set_transport(Transport::Tls(tls));
        options
    };
    let with_identity = place.client_config_with_identity();
    let (client, mut events) = AsyncClient::new(options("graph", with_identity), 10);
    client.subscribe("graph/#", QoS::ExactlyOnce).await?;
    let publisher = client.clone();
    tokio::spawn(async move {
        let services = [QoS::AtMostOnce, QoS::AtLeastOnce, QoS::ExactlyOnce];
        for (number, service) in services.into_iter().cycle().take(MESSAGES).enumerate() {
            let sent = payload(number * number * 10);
            publisher
                .publish("graph/topic", service, false, sent)
                .await?;
        }
        Ok::<_, rumqttc::ClientError>(())
    });
    // Messages of different services may overtake each other.
    let mut received = Vec::new();
    while received.len() < MESSAGES {
        if let Event::Incoming(Packet::Publish(message)) = events.poll().await? {
            received.push(message.payload);
        }
    }
    received.sort_by_key(|message| message.len());
    println!(
        "rumqttc: {MESSAGES} messages, {}",
        digest(&received.concat())
    );
    client.disconnect().await?;
    let end = loop {
        if let Err(error) = events.poll().await {
            break chain(&error);
        }
    };
    println!("rumqttc: after a disconnect: {end}");

    let (_client, mut events) = AsyncClient::new(options("other", place.client_config(&[])), 10);
    let outcome = events.poll().await;
    println!(
        "rumqttc: without a client certificate: {}",
        refused(outcome)?
    );
    Ok(())
}
