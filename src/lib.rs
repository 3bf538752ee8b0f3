//! TLS streams for tokio.

#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod callback;
mod error;

pub use error::{Error, ErrorKind};
pub use rustls;
