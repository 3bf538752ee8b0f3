//! A client whose server is the input.

use tokio::io::AsyncWriteExt;

use super::attack::{Manner, attack, echo};
use super::cryptography::Records;
use super::input::Input;
use super::version::{Handling, Tls, Version};

/// Four bytes determine the behaviour of the server and one that of the client; the rest is what
/// the server sends.
pub(super) fn run<V: Version>(data: &[u8]) -> bool {
    let mut input = Input::new(data);
    let manner = Manner::take(&mut input);
    let choices = input.byte();
    let early = choices & 1 != 0;
    let handling = Handling {
        in_halves: choices & 2 != 0,
        ..Handling::default()
    };
    let config = || match early {
        true => V::acquainted(Records::Unmarked, true).0,
        false => V::client(Records::Unmarked, Tls::Any),
    };
    let bytes = input.rest();
    let expected = V::verdict_of_client(config(), bytes);
    let connect = V::connect(config(), early, handling);
    attack(&manner, bytes, &expected, |end| async move {
        let mut stream = connect(end).await?;
        stream.write_all(b"request").await?;
        echo(stream, manner.room).await
    })
}
