//! The signature of every method, including its bounds, written once and compiled with both crates.
//!
//! A method whose arguments, result, generic parameters or bounds differ does not compile here.
//! Where tokio-rustls requires nothing of the transport, the transport is [`NoTransport`].

use crate::support::rustls::pki_types::ServerName;
use crate::support::rustls::server::{Accepted, Acceptor, ClientHello};
use crate::support::rustls::{
    ClientConfig, ClientConnection, CommonState, ServerConfig, ServerConnection,
};
use std::fmt::Debug;
use std::io;
use std::sync::Arc;
use tokio::io::{AsyncBufRead, AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

/// Implements no trait that a transport needs.
#[derive(Debug)]
struct NoTransport;

type OnClient = fn(&mut ClientConnection);
type OnServer = fn(&mut ServerConnection);

fn is_stream<T: AsyncRead + AsyncBufRead + AsyncWrite + Debug + Send + Sync + Unpin + 'static>() {}

#[cfg(unix)]
fn has_descriptor<T: std::os::fd::AsRawFd>() {}

fn gives<F, T>()
where
    F: Future<Output = T> + Send + Sync + Unpin + 'static,
{
}

macro_rules! signatures {
    ($test:ident, $tls:ident) => {
        #[test]
        fn $test() {
            use $tls::{
                Accept, Connect, FallibleAccept, FallibleConnect, LazyConfigAcceptor,
                StartHandshake, TlsAcceptor, TlsConnector, TlsConnectorWithAlpn, TlsStream, client,
                server,
            };

            // The same types under the names of their modules.
            let _: fn(client::TlsConnector) -> TlsConnector = |same| same;
            let _: fn(client::TlsConnectorWithAlpn<'_>) -> TlsConnectorWithAlpn<'_> = |same| same;
            let _: fn(client::Connect<NoTransport>) -> Connect<NoTransport> = |same| same;
            let _: fn(client::FallibleConnect<NoTransport>) -> FallibleConnect<NoTransport> =
                |same| same;
            let _: fn(server::TlsAcceptor) -> TlsAcceptor = |same| same;
            let _: fn(server::Accept<NoTransport>) -> Accept<NoTransport> = |same| same;
            let _: fn(server::FallibleAccept<NoTransport>) -> FallibleAccept<NoTransport> =
                |same| same;
            let _: fn(server::LazyConfigAcceptor<TcpStream>) -> LazyConfigAcceptor<TcpStream> =
                |same| same;
            let _: fn(server::StartHandshake<NoTransport>) -> StartHandshake<NoTransport> =
                |same| same;

            // The re-exported rustls is the one from which the program's own types come.
            let _: fn($tls::rustls::ClientConfig) -> ClientConfig = |same| same;

            // TlsConnector
            let _: fn(Arc<ClientConfig>) -> TlsConnector = TlsConnector::from;
            let _: fn(&TlsConnector) -> TlsConnector = TlsConnector::clone;
            let _: fn(&TlsConnector) -> &Arc<ClientConfig> = TlsConnector::config;
            let _: fn(&TlsConnector, ServerName<'static>, TcpStream) -> Connect<TcpStream> =
                TlsConnector::connect::<TcpStream>;
            let _: fn(
                &TlsConnector,
                ServerName<'static>,
                TcpStream,
                OnClient,
            ) -> Connect<TcpStream> = TlsConnector::connect_with::<TcpStream, OnClient>;
            let _: fn(&TlsConnector, Vec<Vec<u8>>) -> TlsConnectorWithAlpn<'_> =
                TlsConnector::with_alpn;
            #[cfg(feature = "early-data")]
            let _: fn(TlsConnector, bool) -> TlsConnector = TlsConnector::early_data;

            // TlsConnectorWithAlpn
            let _: fn(
                TlsConnectorWithAlpn<'static>,
                ServerName<'static>,
                TcpStream,
            ) -> Connect<TcpStream> = TlsConnectorWithAlpn::connect::<TcpStream>;
            let _: fn(
                TlsConnectorWithAlpn<'static>,
                ServerName<'static>,
                TcpStream,
                OnClient,
            ) -> Connect<TcpStream> = TlsConnectorWithAlpn::connect_with::<TcpStream, OnClient>;

            // TlsAcceptor
            let _: fn(Arc<ServerConfig>) -> TlsAcceptor = TlsAcceptor::from;
            let _: fn(&TlsAcceptor) -> TlsAcceptor = TlsAcceptor::clone;
            let _: fn(&TlsAcceptor) -> &Arc<ServerConfig> = TlsAcceptor::config;
            let _: fn(&TlsAcceptor, TcpStream) -> Accept<TcpStream> =
                TlsAcceptor::accept::<TcpStream>;
            let _: fn(&TlsAcceptor, TcpStream, OnServer) -> Accept<TcpStream> =
                TlsAcceptor::accept_with::<TcpStream, OnServer>;

            // LazyConfigAcceptor
            let _: fn(Acceptor, TcpStream) -> LazyConfigAcceptor<TcpStream> =
                LazyConfigAcceptor::new;
            let _: fn(&mut LazyConfigAcceptor<TcpStream>) -> Option<TcpStream> =
                LazyConfigAcceptor::take_io;
            gives::<LazyConfigAcceptor<TcpStream>, Result<StartHandshake<TcpStream>, io::Error>>();

            // StartHandshake
            let _: fn(Accepted, TcpStream) -> StartHandshake<TcpStream> =
                StartHandshake::from_parts;
            let _: fn(&StartHandshake<TcpStream>) -> ClientHello<'_> = StartHandshake::client_hello;
            let _: fn(StartHandshake<TcpStream>, Arc<ServerConfig>) -> Accept<TcpStream> =
                StartHandshake::into_stream;
            let _: fn(StartHandshake<TcpStream>, Arc<ServerConfig>, OnServer) -> Accept<TcpStream> =
                StartHandshake::into_stream_with::<OnServer>;
            let _: fn(StartHandshake<NoTransport>) -> (Accepted, NoTransport) =
                |start| (start.accepted, start.io);
            let _: fn(&StartHandshake<NoTransport>) -> &dyn Debug = |start| start;

            // Connect and FallibleConnect
            let _: fn(&Connect<NoTransport>) -> Option<&NoTransport> = Connect::get_ref;
            let _: fn(&mut Connect<NoTransport>) -> Option<&mut NoTransport> = Connect::get_mut;
            let _: fn(Connect<NoTransport>) -> FallibleConnect<NoTransport> =
                Connect::into_fallible;
            gives::<Connect<TcpStream>, io::Result<client::TlsStream<TcpStream>>>();
            gives::<
                FallibleConnect<TcpStream>,
                Result<client::TlsStream<TcpStream>, (io::Error, TcpStream)>,
            >();

            // Accept and FallibleAccept
            let _: fn(&Accept<NoTransport>) -> Option<&NoTransport> = Accept::get_ref;
            let _: fn(&mut Accept<NoTransport>) -> Option<&mut NoTransport> = Accept::get_mut;
            let _: fn(Accept<NoTransport>) -> FallibleAccept<NoTransport> = Accept::into_fallible;
            gives::<Accept<TcpStream>, io::Result<server::TlsStream<TcpStream>>>();
            gives::<
                FallibleAccept<TcpStream>,
                Result<server::TlsStream<TcpStream>, (io::Error, TcpStream)>,
            >();

            // client::TlsStream
            type Client = client::TlsStream<NoTransport>;
            let _: fn(&Client) -> (&NoTransport, &ClientConnection) = Client::get_ref;
            let _: fn(&mut Client) -> (&mut NoTransport, &mut ClientConnection) = Client::get_mut;
            let _: fn(Client) -> (NoTransport, ClientConnection) = Client::into_inner;
            is_stream::<client::TlsStream<TcpStream>>();

            // server::TlsStream
            type Server = server::TlsStream<NoTransport>;
            let _: fn(&Server) -> (&NoTransport, &ServerConnection) = Server::get_ref;
            let _: fn(&mut Server) -> (&mut NoTransport, &mut ServerConnection) = Server::get_mut;
            let _: fn(Server) -> (NoTransport, ServerConnection) = Server::into_inner;
            is_stream::<server::TlsStream<TcpStream>>();

            // TlsStream
            type Either = TlsStream<NoTransport>;
            let _: fn(&Either) -> (&NoTransport, &CommonState) = Either::get_ref;
            let _: fn(&mut Either) -> (&mut NoTransport, &mut CommonState) = Either::get_mut;
            let _: fn(Client) -> Either = Either::from;
            let _: fn(Server) -> Either = Either::from;
            let _: fn(Client) -> Either = Either::Client;
            let _: fn(Server) -> Either = Either::Server;
            let _: fn(Either) -> bool = |stream| match stream {
                // Without a wildcard: a program may match exhaustively.
                TlsStream::Client(_) => true,
                TlsStream::Server(_) => false,
            };
            is_stream::<TlsStream<TcpStream>>();

            #[cfg(unix)]
            {
                has_descriptor::<client::TlsStream<TcpStream>>();
                has_descriptor::<server::TlsStream<TcpStream>>();
                has_descriptor::<TlsStream<TcpStream>>();
            }
        }
    };
}

signatures!(tokio_rustls_has_the_signatures, tokio_rustls);
signatures!(pollback_has_the_signatures, pollback);
