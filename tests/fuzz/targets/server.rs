//! A server whose client is the input.

use super::attack::{Manner, attack, echo};
use super::cryptography::Records;
use super::input::Input;
use super::version::{Handling, Tls, Version};

/// Four bytes determine the behaviour of the client and one that of the server; the rest is what
/// the client sends.
pub(super) fn run<V: Version>(data: &[u8]) -> bool {
    let mut input = Input::new(data);
    let manner = Manner::take(&mut input);
    let choices = input.byte();
    let lazy = choices & 1 != 0;
    let handling = Handling {
        in_halves: choices & 2 != 0,
        ..Handling::default()
    };
    let bytes = input.rest();
    // Each session is resumed once.
    let config = || match choices & 4 != 0 {
        true => V::acquainted(Records::Unmarked, true).1,
        false => V::server(Records::Unmarked, Tls::Any),
    };
    let expected = V::verdict_of_server(config(), lazy, bytes);
    let accept = match lazy {
        true => V::accept_lazily(config(), handling),
        false => V::accept(config(), handling),
    };
    attack(&manner, bytes, &expected, |end| async move {
        let stream = accept(end).await?;
        echo(stream, manner.room).await
    })
}
