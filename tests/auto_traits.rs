//! Which public types are `Send`, `Sync` and `Unpin`, in one table.
//!
//! A type that holds a transport or callbacks has the auto traits of these; every other type has
//! all three. A "no" is checked as well as a "yes".

use pollback::callback::{
    Absent, Attempt, CallbackIo, Callbacks, Direction, Polled, ReadinessHandle, Signalled,
};
use pollback::hello::{
    ClientHello, Extensions, Incoming, Parser, Peek, PeekOrPlain, Peeked, Refuse, Rewind,
};
use pollback::rustls::{ClientConnection, ServerConnection};
use pollback::stream::{self, FallibleHandshake, Handshake, Parts};
use pollback::{
    Accept, Connect, Error, ErrorKind, FallibleAccept, FallibleConnect, LazyConfigAcceptor,
    StartHandshake, TlsAcceptor, TlsConnector, TlsConnectorWithAlpn, TlsStream, client, server,
};
use std::cell::Cell;
use std::marker::{PhantomData, PhantomPinned};
use std::rc::Rc;
use tokio::net::TcpStream;

/// A transport that cannot leave its thread.
struct Local {
    _shared: Rc<TcpStream>,
}

#[cfg(unix)]
impl std::os::fd::AsFd for Local {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self._shared.as_fd()
    }
}

/// A transport that can be sent to another thread but not shared with one.
struct Unshared {
    _state: Cell<u8>,
}

/// A transport that must not move once it was polled.
struct Pinned {
    _stays: PhantomPinned,
}

type Function = fn();

/// Checks whether a type has a trait: if it does, the inherent constant takes precedence over the
/// trait's.
struct Probe<T: ?Sized>(PhantomData<T>);

trait Otherwise {
    const SEND: bool = false;
    const SYNC: bool = false;
    const UNPIN: bool = false;
}

impl<T: ?Sized> Otherwise for Probe<T> {}

impl<T: ?Sized + Send> Probe<T> {
    const SEND: bool = true;
}

impl<T: ?Sized + Sync> Probe<T> {
    const SYNC: bool = true;
}

impl<T: ?Sized + Unpin> Probe<T> {
    const UNPIN: bool = true;
}

/// Each row that does not match the table, with the actual result.
macro_rules! differences {
    ($($type:ty => $send:ident $sync:ident $unpin:ident;)*) => {
        [$((
            stringify!($type),
            [stringify!($send), stringify!($sync), stringify!($unpin)],
            [Probe::<$type>::SEND, Probe::<$type>::SYNC, Probe::<$type>::UNPIN],
        )),*]
        .into_iter()
        .filter(|(_, wanted, found)| *wanted != found.map(|has| if has { "yes" } else { "no" }))
        .map(|(name, wanted, found)| format!("{name}: {wanted:?} wanted, {found:?} found"))
        .collect::<Vec<_>>()
    };
}

#[test]
#[rustfmt::skip]
fn public_types_are_send_sync_and_unpin_where_their_parts_are() {
    let differences = differences! {
        // type                                        Send Sync Unpin
        TlsConnector                                => yes yes yes;
        TlsConnectorWithAlpn<'static>               => yes yes yes;
        TlsAcceptor                                 => yes yes yes;
        Error                                       => yes yes yes;
        ErrorKind                                   => yes yes yes;

        TlsStream<TcpStream>                        => yes yes yes;
        TlsStream<Local>                            => no  no  yes;
        TlsStream<Unshared>                         => yes no  yes;
        TlsStream<Pinned>                           => yes yes no;
        client::TlsStream<TcpStream>                => yes yes yes;
        client::TlsStream<Local>                    => no  no  yes;
        client::TlsStream<Unshared>                 => yes no  yes;
        client::TlsStream<Pinned>                   => yes yes no;
        server::TlsStream<TcpStream>                => yes yes yes;
        server::TlsStream<Local>                    => no  no  yes;
        server::TlsStream<Unshared>                 => yes no  yes;
        server::TlsStream<Pinned>                   => yes yes no;
        stream::TlsStream<TcpStream, Unshared>      => yes no  yes;
        Parts<TcpStream, ClientConnection>          => yes yes yes;
        Parts<Local, ServerConnection>              => no  no  yes;
        Parts<Pinned, ServerConnection>             => yes yes no;

        Connect<TcpStream>                          => yes yes yes;
        Connect<Local>                              => no  no  yes;
        Connect<Unshared>                           => yes no  yes;
        Connect<Pinned>                             => yes yes no;
        Accept<TcpStream>                           => yes yes yes;
        Accept<Local>                               => no  no  yes;
        Accept<Unshared>                            => yes no  yes;
        Accept<Pinned>                              => yes yes no;
        FallibleConnect<TcpStream>                  => yes yes yes;
        FallibleConnect<Local>                      => no  no  yes;
        FallibleAccept<TcpStream>                   => yes yes yes;
        FallibleAccept<Local>                       => no  no  yes;
        Handshake<TcpStream, ServerConnection>      => yes yes yes;
        FallibleHandshake<Unshared, ClientConnection> => yes no yes;
        LazyConfigAcceptor<TcpStream>               => yes yes yes;
        LazyConfigAcceptor<Local>                   => no  no  yes;
        StartHandshake<TcpStream>                   => yes yes yes;
        StartHandshake<Local>                       => no  no  yes;

        Peek<TcpStream>                             => yes yes yes;
        Peek<Local>                                 => no  no  yes;
        Peek<Unshared>                              => yes no  yes;
        Peek<Pinned>                                => yes yes no;
        PeekOrPlain<TcpStream>                      => yes yes yes;
        PeekOrPlain<Local>                          => no  no  yes;
        Peeked<TcpStream>                           => yes yes yes;
        Peeked<Local>                               => no  no  yes;
        Incoming<TcpStream>                         => yes yes yes;
        Incoming<Local>                             => no  no  yes;
        Incoming<Unshared>                          => yes no  yes;
        ClientHello                                 => yes yes yes;
        Parser                                      => yes yes yes;
        Rewind<TcpStream>                           => yes yes yes;
        Rewind<Local>                               => no  no  yes;
        Rewind<Pinned>                              => yes yes no;
        Refuse<TcpStream>                           => yes yes yes;
        Refuse<Local>                               => no  no  yes;
        Extensions<'static>                         => yes yes yes;

        // An attempt exists only within one poll: a `Context` belongs to its thread.
        Attempt<'static, 'static, TcpStream>        => no  no  yes;
        Attempt<'static, 'static, Pinned>           => no  no  yes;
        Absent                                      => yes yes yes;
        Direction                                   => yes yes yes;
        Polled                                      => yes yes yes;
        ReadinessHandle                             => yes yes yes;
        Signalled                                   => yes yes yes;
        Callbacks<Function, Function>               => yes yes yes;
        Callbacks<Function, Local>                  => no  no  yes;
        Callbacks<Function, Function, Unshared>     => yes no  yes;
        Callbacks<Function, Function, Absent, Local> => no no  yes;
        CallbackIo<Function, Signalled>             => yes yes yes;
        CallbackIo<Local, Signalled>                => no  no  yes;
        CallbackIo<Function, Unshared>              => yes no  yes;
        CallbackIo<Pinned, Polled>                  => yes yes yes;
    };
    assert!(differences.is_empty(), "\n{}", differences.join("\n"));
}

#[cfg(all(unix, feature = "fd"))]
#[test]
#[rustfmt::skip]
fn a_descriptor_has_the_auto_traits_of_its_owner() {
    use pollback::callback::Descriptor;
    use std::os::fd::OwnedFd;

    let differences = differences! {
        Descriptor<OwnedFd>                         => yes yes yes;
        Descriptor<Local>                           => no  no  yes;
    };
    assert!(differences.is_empty(), "\n{}", differences.join("\n"));
}

#[cfg(feature = "ffi")]
#[test]
#[rustfmt::skip]
fn the_c_side_has_the_auto_traits_of_the_transport() {
    use pollback::ffi::{CCallbacks, FfiAccepted, FfiAcceptor, FfiConnection, FfiError};

    let differences = differences! {
        CCallbacks                                  => yes yes yes;
        FfiConnection                               => yes yes yes;
        FfiAcceptor<TcpStream>                      => yes yes yes;
        FfiAcceptor<Local>                          => no  no  yes;
        FfiAccepted<TcpStream>                      => yes yes yes;
        FfiAccepted<Unshared>                       => yes no  yes;
        FfiError                                    => yes yes yes;
        stream::TlsStream<TcpStream, FfiConnection> => yes yes yes;
        Handshake<TcpStream, FfiConnection>         => yes yes yes;
        Handshake<Local, FfiConnection>             => no  no  yes;
    };
    assert!(differences.is_empty(), "\n{}", differences.join("\n"));
}

#[cfg(feature = "next")]
#[test]
#[rustfmt::skip]
fn types_on_rustls_0_24_have_the_same_auto_traits() {
    use pollback::next::rustls::{ClientSide, ServerSide};
    use pollback::next::{
        Connection, LazyConfigAcceptor, ReadHalf, StartHandshake, TlsAcceptor, TlsConnector,
        TlsStream, WriteHalf,
    };

    let differences = differences! {
        TlsConnector                                => yes yes yes;
        TlsAcceptor                                 => yes yes yes;
        Connection<ClientSide>                      => yes yes yes;
        Connection<ServerSide>                      => yes yes yes;
        TlsStream<TcpStream, ClientSide>            => yes yes yes;
        TlsStream<Local, ClientSide>                => no  no  yes;
        TlsStream<Unshared, ServerSide>             => yes no  yes;
        TlsStream<Pinned, ServerSide>               => yes yes no;
        Handshake<TcpStream, Connection<ClientSide>> => yes yes yes;
        LazyConfigAcceptor<TcpStream>               => yes yes yes;
        LazyConfigAcceptor<Local>                   => no  no  yes;
        StartHandshake<TcpStream>                   => yes yes yes;
        ReadHalf<TcpStream, TcpStream, ClientSide>  => yes yes yes;
        ReadHalf<Local, TcpStream, ClientSide>      => no  no  yes;
        // The other half is behind a mutex.
        WriteHalf<Unshared, ServerSide>             => yes yes yes;
        WriteHalf<Local, ServerSide>                => no  no  yes;
    };
    assert!(differences.is_empty(), "\n{}", differences.join("\n"));
}

#[cfg(feature = "listener")]
#[test]
#[rustfmt::skip]
fn a_listener_has_the_auto_traits_of_its_source() {
    use pollback::listener::{
        AcceptError, ClientAuthorities, ClientFiles, ConfigsByName, Connection, HandshakeData,
        HandshakeFn, LoadError, PemFiles, PemPart, Peer, SharedConfig, ShutdownHandle, SocketOptions,
        Stage, TicketKeyError, TicketKeys, TlsListener, TlsOrPlain, Transports, WhenFull,
    };
    use tokio::net::TcpListener;

    let differences = differences! {
        // The failure callback need not be shared between threads.
        TlsListener<TcpListener, SharedConfig>      => yes no  yes;
        Connection<TcpStream, u8, HandshakeData>    => yes yes yes;
        Connection<Local, u8, HandshakeData>        => no  no  yes;
        Connection<Unshared, u8, HandshakeData>     => yes no  yes;
        Connection<Pinned, u8, HandshakeData>       => yes yes no;
        Peer<u8, HandshakeData>                     => yes yes yes;
        ShutdownHandle                              => yes yes yes;
        SocketOptions                               => yes yes yes;
        HandshakeData                               => yes yes yes;
        AcceptError<u8>                             => yes yes yes;
        Stage                                       => yes yes yes;
        WhenFull                                    => yes yes yes;
        SharedConfig                                => yes yes yes;
        PemFiles                                    => yes yes yes;
        ClientFiles                                 => yes yes yes;
        ClientAuthorities                           => yes yes yes;
        ConfigsByName                               => yes yes yes;
        LoadError                                   => yes yes yes;
        PemPart                                     => yes yes yes;
        HandshakeFn<Function>                       => yes yes yes;
        TlsOrPlain<Function>                        => yes yes yes;
        TicketKeys                                  => yes yes yes;
        TicketKeyError                              => yes yes yes;
        Transports<TcpStream>                       => yes yes yes;
        Transports<Local>                           => no  no  yes;
    };
    assert!(differences.is_empty(), "\n{}", differences.join("\n"));
}

#[cfg(feature = "proxy-protocol")]
#[test]
#[rustfmt::skip]
fn a_proxy_header_has_all_auto_traits() {
    use pollback::proxy_protocol::{
        HeaderError, ProxiedAddress, ProxyHeader, Ssl, Tlvs, Transport, UnixAddress,
    };

    let differences = differences! {
        ProxyHeader                                 => yes yes yes;
        ProxiedAddress                              => yes yes yes;
        UnixAddress                                 => yes yes yes;
        Transport                                   => yes yes yes;
        Tlvs<'static>                               => yes yes yes;
        Ssl<'static>                                => yes yes yes;
        HeaderError                                 => yes yes yes;
    };
    assert!(differences.is_empty(), "\n{}", differences.join("\n"));
}

#[test]
fn a_wrong_row_is_noticed() {
    assert!(differences! { u8 => yes yes yes; Rc<u8> => no no yes; }.is_empty());
    assert_eq!(
        differences! { u8 => no yes yes; Rc<u8> => yes no yes; }.len(),
        2
    );
    assert_eq!(
        differences! { Cell<u8> => yes yes yes; PhantomPinned => yes yes yes; }.len(),
        2
    );
}
