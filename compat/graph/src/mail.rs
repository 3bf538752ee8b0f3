//! lettre and the SMTP server aiosmtpd, which starts TLS after a command in plaintext.

use std::collections::HashSet;

use lettre::message::header::ContentType;
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};

use crate::Outcome;
use crate::place::Place;
use crate::process::{Server, free_port};
use crate::report::{chain, digest, text};

pub(crate) async fn run(place: &Place) -> Outcome {
    let port = free_port();
    let arguments = [
        "--nosetuid",
        "--tlscert",
        &place.text_path("server.pem"),
        "--tlskey",
        &place.text_path("server.key"),
        "--listen",
        &format!("127.0.0.1:{port}"),
        "--class",
        "aiosmtpd.handlers.Debugging",
        "stdout",
    ];
    let _server = Server::start(place, "aiosmtpd", arguments, port).await?;

    let parameters = |root: Option<&str>| {
        let mut builder = TlsParameters::builder("localhost".to_owned())
            .certificate_store(CertificateStore::None);
        if let Some(root) = root {
            builder = builder.add_root_certificate(Certificate::from_pem(&place.read(root))?);
        }
        builder.build_rustls()
    };
    let transport = |tls| {
        AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous("localhost")
            .port(port)
            .tls(tls)
            .build()
    };
    let mail = |body: String| {
        Message::builder()
            .from("Graph <graph@localhost>".parse()?)
            .to("Reader <reader@localhost>".parse()?)
            .subject("TLS")
            .header(ContentType::TEXT_PLAIN)
            .body(body)
            .map_err(Box::<dyn std::error::Error + Send + Sync>::from)
    };

    let sender = transport(Tls::Required(parameters(Some("root.pem"))?));
    for length in [1, 70, 1_000_000] {
        // Lines that a mail may contain.
        let body = text(length);
        let lines: Vec<_> = body
            .as_bytes()
            .chunks(70)
            .map(String::from_utf8_lossy)
            .collect();
        let response = sender.send(mail(lines.join("\r\n"))?).await?;
        println!(
            "lettre: {} with {}",
            response.code(),
            digest(body.as_bytes())
        );
        let log = String::from_utf8(place.read("aiosmtpd.log"))?;
        let logged: HashSet<_> = log.lines().collect();
        if let Some(line) = lines.iter().find(|line| !logged.contains(&***line)) {
            return Err(format!("a line is missing: {line}").into());
        }
    }

    let plain = transport(Tls::None)
        .send(mail("no TLS".to_owned())?)
        .await
        .err();
    println!(
        "lettre: without TLS: {}",
        plain.map_or_else(|| "no error".to_owned(), |error| chain(&error))
    );
    let stranger = transport(Tls::Required(parameters(None)?));
    let refused = stranger.send(mail("no trust".to_owned())?).await.err();
    println!(
        "lettre: without the root: {}",
        refused.map_or_else(|| "no error".to_owned(), |error| chain(&error))
    );
    Ok(())
}
