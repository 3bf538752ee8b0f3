//! A tokio-rustls program runs on pollback after changing the crate name.
//!
//! Everything in `suite` is written against tokio-rustls 0.26 and runs twice, once on each crate.
//! Features that only pollback has are tested separately. `docs/tokio-rustls.md` lists the names;
//! `table` checks that list.

#![expect(clippy::duplicate_mod, reason = "one suite, run on two crates")]

mod conversions;
mod either_side;
mod features;
mod generic;
mod on_pollback;
mod on_tokio_rustls;
mod parts;
mod plain_parts;
mod signatures;
mod support;
mod table;
mod there_and_back;
mod timeouts;
