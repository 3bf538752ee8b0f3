//! Early data, which comes right behind a hello.

use super::{WIDE, configs, localhost};
use pollback::{TlsConnector, hello};
use pollback_testkit::configs::{Setup, Version};
use pollback_testkit::executor;
use pollback_testkit::pipe::pipe;
use std::io::Read;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

#[test]
fn early_data_behind_the_hello_stays_with_the_transport() {
    let (client, server) = configs(&Setup::new(Version::Tls13).early_data(1024));
    for round in 0..2 {
        let (near, far) = pipe(WIDE);
        let io = far.control();
        let (server, client) = (Arc::clone(&server), Arc::clone(&client));
        let (asked, ()) = executor::join(
            async move {
                let incoming = hello::peek(far).await.unwrap();
                assert_eq!(incoming.client_hello().records()[0], 22);
                if round == 1 {
                    assert!(io.unread() > 0, "early data is there and was not read");
                }
                let mut stream = incoming.accept(server).await.unwrap();
                let mut asked = String::new();
                if let Some(mut early) = stream.get_mut().1.early_data() {
                    early.read_to_string(&mut asked).unwrap();
                }
                stream.write_all(b"answer").await.unwrap();
                stream.shutdown().await.unwrap();
                stream.read_to_end(&mut Vec::new()).await.unwrap();
                asked
            },
            async move {
                let connector = TlsConnector::from(client).early_data(true);
                let mut stream = connector.connect(localhost(), near).await.unwrap();
                if round == 1 {
                    stream.write_all(b"early question").await.unwrap();
                }
                let mut answer = String::new();
                stream.read_to_string(&mut answer).await.unwrap();
                assert_eq!(answer, "answer");
                stream.shutdown().await.unwrap();
            },
        );
        if round == 1 {
            assert_eq!(asked, "early question");
        }
    }
}
