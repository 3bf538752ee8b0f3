//! tonic at both ends, with nginx between them, which terminates one TLS connection and opens the
//! other.

use std::convert::Infallible;
use std::net::Ipv4Addr;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio_stream::wrappers::TcpListenerStream;
use tokio_stream::{Stream, StreamExt};
use tonic::body::Body;
use tonic::client::Grpc;
use tonic::codegen::http::{self, uri::PathAndQuery};
use tonic::server::{Grpc as Serving, NamedService, StreamingService};
use tonic::transport::{
    Certificate, Channel, ClientTlsConfig, Endpoint, Identity, Server, ServerTlsConfig,
};
use tonic::{Request, Response, Status, Streaming};
use tonic_prost::ProstCodec;
use tower_service::Service;

use crate::Outcome;
use crate::http_clients::as_user;
use crate::place::Place;
use crate::process::{Server as Process, free_port};
use crate::report::{payload, refused, same};

/// A message: prost encodes plain bytes as the well-known type `BytesValue`.
type Message = Vec<u8>;
type Codec = ProstCodec<Message, Message>;

/// Sends every message of a stream back as soon as it has arrived.
#[derive(Clone)]
struct Echo;

impl NamedService for Echo {
    const NAME: &'static str = "graph.Echo";
}

type Messages = Pin<Box<dyn Stream<Item = Result<Message, Status>> + Send>>;
type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;

impl StreamingService<Message> for Echo {
    type Response = Message;
    type ResponseStream = Messages;
    type Future = Boxed<Result<Response<Messages>, Status>>;

    fn call(&mut self, request: Request<Streaming<Message>>) -> Self::Future {
        Box::pin(async { Ok(Response::new(Box::pin(request.into_inner()) as Messages)) })
    }
}

impl Service<http::Request<Body>> for Echo {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Boxed<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        Box::pin(async {
            Ok(Serving::new(Codec::default())
                .streaming(Echo, request)
                .await)
        })
    }
}

pub(crate) async fn run(place: &Place) -> Outcome {
    let tcp = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let backend = tcp.local_addr()?.port();
    let identity = |name: &str| {
        let part = |kind| place.read(&format!("{name}.{kind}"));
        Identity::from_pem(part("pem"), part("key"))
    };
    let root = Certificate::from_pem(place.read("root.pem"));
    let config = ServerTlsConfig::new()
        .identity(identity("server"))
        .client_ca_root(root.clone());
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let server = Server::builder().tls_config(config)?.add_service(Echo);
    let server = tokio::spawn(server.serve_with_incoming_shutdown(
        TcpListenerStream::new(tcp),
        async {
            let _ = stopped.await;
        },
    ));
    let (_nginx, proxy) = nginx(place, backend).await?;

    let trusting = ClientTlsConfig::new()
        .domain_name("localhost")
        .ca_certificate(root);
    let with_identity = trusting.clone().identity(identity("client"));
    for (through, port, config) in [
        ("no proxy", backend, with_identity),
        ("nginx", proxy, trusting.clone()),
    ] {
        let endpoint = Endpoint::from_shared(format!("https://localhost:{port}"))?;
        let channel = endpoint.tls_config(config)?.connect().await?;
        exercise(through, channel).await?;
    }
    let endpoint = Endpoint::from_shared(format!("https://localhost:{backend}"))?;
    let channel = endpoint.tls_config(trusting)?.connect_lazy();
    let outcome = exercise("no certificate", channel).await;
    println!("tonic: without a client certificate: {}", refused(outcome)?);
    let _ = stop.send(());
    server.await??;
    println!("tonic: graceful shutdown");
    Ok(())
}

/// Two streams of messages at the same time, one in each direction.
async fn exercise(through: &str, channel: Channel) -> Outcome {
    let mut client = Grpc::new(channel);
    client.ready().await?;
    let path = PathAndQuery::from_static("/graph.Echo/Stream");
    let lengths = [1, 16 * 1024 + 1, 1024 * 1024].into_iter().cycle().take(60);
    let sent = tokio_stream::iter(lengths.clone().map(payload));
    let response = client.streaming(Request::new(sent), path, Codec::default());
    let mut incoming = response.await?.into_inner();
    for length in lengths {
        let message: Message = incoming.next().await.ok_or("the stream has ended")??;
        same(&message, &payload(length))?;
    }
    let rest = incoming.next().await;
    println!("tonic: 60 messages both ways, {through}, then {rest:?}");
    Ok(())
}

async fn nginx(place: &Place, backend: u16) -> Result<(Process, u16), String> {
    let port = free_port();
    let file = |name: &str| place.text_path(name);
    let config = format!(
        "daemon off; worker_processes 1; pid {pid}; error_log stderr warn;
         {user}
         events {{}}
         http {{
             access_log off;
             client_body_temp_path {temp}; proxy_temp_path {temp}; fastcgi_temp_path {temp};
             uwsgi_temp_path {temp}; scgi_temp_path {temp};
             client_max_body_size 0;
             server {{
                 listen 127.0.0.1:{port} ssl http2;
                 ssl_certificate {certificate};
                 ssl_certificate_key {key};
                 location / {{
                     grpc_pass grpcs://127.0.0.1:{backend};
                     grpc_ssl_certificate {client};
                     grpc_ssl_certificate_key {client_key};
                     grpc_ssl_verify on;
                     grpc_ssl_name localhost;
                     grpc_ssl_trusted_certificate {root};
                 }}
             }}
         }}",
        pid = file("nginx.pid"),
        user = as_user(),
        temp = file("temp"),
        certificate = file("server.pem"),
        key = file("server.key"),
        client = file("client.pem"),
        client_key = file("client.key"),
        root = file("root.pem"),
    );
    let config = place.write("nginx.conf", config);
    let arguments = [
        "-c".as_ref(),
        config.as_os_str(),
        "-p".as_ref(),
        place.path("").as_os_str(),
    ]
    .map(ToOwned::to_owned);
    let server = Process::start(place, "nginx", arguments, port).await?;
    Ok((server, port))
}
