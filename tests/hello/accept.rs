//! Accepting a connection after `peek`.

use super::{WIDE, configs, connect, for_each_shape, in_records_of, meet, setup};
use pollback::rustls::server::Acceptor;
use pollback::{LazyConfigAcceptor, hello};
use pollback_testkit::configs::Version;
use pollback_testkit::executor::Executor;
use pollback_testkit::pipe::pipe;
use std::sync::Arc;
use tokio::task::yield_now;

#[test]
fn a_configuration_is_chosen_after_peek_over_every_transport() {
    for_each_shape(|version, shape| {
        let (near, far) = shape.open();
        let (client, server) = configs(&setup(version));
        meet(connect(client, near), async move {
            let incoming = hello::peek(far).await?;
            assert_eq!(incoming.client_hello().server_name(), Some("localhost"));
            // The choice may take time.
            yield_now().await;
            incoming.accept(server).await
        });
    });
}

#[test]
fn the_connection_can_be_changed_and_the_lazy_acceptor_can_continue() {
    let (client, server) = configs(&setup(Version::Tls13));
    let (near, far) = pipe(WIDE);
    let config = Arc::clone(&server);
    meet(connect(Arc::clone(&client), near), async move {
        let incoming = hello::peek(far).await?;
        let stream = incoming
            .accept_with(config, |connection| connection.set_buffer_limit(Some(100)))
            .await?;
        Ok(stream)
    });
    let (near, far) = pipe(WIDE);
    meet(connect(client, near), async move {
        let incoming = hello::peek(far).await?;
        let acceptor = LazyConfigAcceptor::new(Acceptor::default(), incoming.into_rewind());
        acceptor.await?.into_stream(server).await
    });
}

#[test]
fn a_hello_in_many_records_is_accepted() {
    for version in Version::ALL {
        let (client, server) = configs(&setup(version));
        let (near, far) = pipe(WIDE);
        let (near_io, far_io) = (near.control(), far.control());
        let mut executor = Executor::new();
        let client = executor.spawn("client", connect(client, near));
        executor.run_until_stalled();
        far_io.inject(&in_records_of(7, &near_io.take_unread_by_peer()));
        let server = executor.spawn("server", async move {
            hello::peek(far).await?.accept(server).await
        });
        executor.run();
        client.take().expect("the client connects");
        server.take().expect("the server accepts");
    }
}
