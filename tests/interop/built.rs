//! The examples as built programs.

use std::env;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use tokio::sync::OnceCell;

use crate::bounded::bounded;

/// Enough for all dependencies on a slow machine.
const BUILD: Duration = Duration::from_secs(1800);

macro_rules! enabled {
    ($($feature:literal)*) => {
        [$((cfg!(feature = $feature), $feature)),*]
    };
}

/// A command for the example `name`.
pub(crate) async fn example(name: &str) -> Command {
    static FOLDER: OnceCell<PathBuf> = OnceCell::const_new();
    let folder = FOLDER.get_or_init(build).await;
    Command::new(folder.join(format!("{name}{}", env::consts::EXE_SUFFIX)))
}

/// Builds all examples with the settings of this test, and returns their folder.
///
/// Cargo builds them before a run of all tests, but not before a run of a single test, which would
/// find none, or outdated ones.
async fn build() -> PathBuf {
    let features: Vec<_> = enabled!(
        "aws-lc-rs" "aws_lc_rs" "axum-08" "brotli" "bytes" "default" "early-data" "fd" "ffi"
        "ffi-aws-lc-rs" "ffi-fips" "ffi-ring" "fips" "full" "handshake-threads" "listener"
        "logging" "next" "proxy-protocol" "relay" "ring" "tls12" "tonic" "zlib"
    )
    .into_iter()
    .filter_map(|(enabled, feature)| enabled.then_some(feature))
    .collect();
    // This test is TARGET/PROFILE/deps/NAME.
    let test = env::current_exe().expect("the path of this test");
    let output = test.ancestors().nth(2).expect("a folder of the profile");
    let profile = match output.file_name().and_then(|name| name.to_str()) {
        Some("debug") | None => "dev",
        Some(name) => name,
    };
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .args(["build", "--quiet", "--examples", "--no-default-features"])
        .args(["--features", &features.join(",")])
        .args(["--profile", profile])
        .arg("--target-dir")
        .args(output.parent())
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdin(Stdio::null())
        .kill_on_drop(true);
    // If these are set, some build scripts run again, and everything that depends on them is
    // rebuilt.
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_MANIFEST_") || text.starts_with("CARGO_PKG_") {
            cargo.env_remove(name);
        }
    }
    let status = bounded(BUILD, "cargo build", cargo.status()).await;
    assert!(
        status.expect("cargo starts").success(),
        "the examples do not build"
    );
    output.join("examples")
}
