//! The example programs of rustls-ffi itself, over the callbacks of pollback.
