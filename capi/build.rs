//! Tells the tests where `rustls.h` is.

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if let Some(include) = env::var_os("DEP_RUSTLS_FFI_INCLUDE") {
        let include = include.to_str().expect("a path in UTF-8");
        println!("cargo::rustc-env=RUSTLS_INCLUDE={include}");
    }
}
