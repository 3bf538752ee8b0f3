//! The command line of the proxy.

use std::process::Output;

use crate::bounded::bounded;
use crate::built::example;
use crate::files;
use crate::files::Files;
use crate::process::{LIMIT, listen, route};

/// Calls the proxy, and waits until it has exited.
async fn call(files: &Files, arguments: &[&str]) -> Output {
    let mut command = example("proxy").await;
    command.args(arguments).current_dir(files.folder());
    let ended = bounded(LIMIT, "the end", command.kill_on_drop(true).output()).await;
    ended.expect("the proxy starts")
}

#[tokio::test]
async fn help_explains_the_arguments() {
    let files = Files::of("help_explains_the_arguments");
    for arguments in [&["--help"][..], &["-h"], &["--check", "x.toml", "--help"]] {
        let output = call(&files, arguments).await;
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        let text = String::from_utf8(output.stdout).expect("text");
        for words in ["usage: proxy", "--check", "SIGHUP", "CONFIGURATION"] {
            assert!(text.contains(words), "no {words:?}: {text}");
        }
        assert_eq!(output.stderr, b"");
    }
}

#[tokio::test]
async fn invalid_arguments_print_the_usage() {
    let files = Files::of("a_call_that_makes_no_sense");
    for (arguments, reason) in [
        (&[][..], "expected a configuration file"),
        (&["--check"], "expected a configuration file"),
        (&["one.toml", "two.toml"], "expected one configuration"),
        (&["--chekc", "one.toml"], "there is no option --chekc"),
        (&["-x"], "there is no option -x"),
    ] {
        let output = call(&files, arguments).await;
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let text = String::from_utf8(output.stderr).expect("text");
        assert!(text.starts_with("usage: proxy"), "{text}");
        assert!(text.contains(reason), "no {reason:?}: {text}");
    }
}

#[tokio::test]
async fn a_missing_file_is_named() {
    let files = Files::of("a_missing_file_is_named");
    for arguments in [
        &["none.toml"][..],
        &["--check", "none.toml"],
        &["--", "none.toml"],
    ] {
        let output = call(&files, arguments).await;
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        assert!(output.stderr.starts_with(b"none.toml: "), "{output:?}");
    }
}

#[tokio::test]
async fn a_configuration_is_checked_without_being_used() {
    let files = files("a_configuration_is_checked", &["one.example"]);
    // Listening here would fail, since the port is in use.
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address");
    let right = listen("").replace("127.0.0.1:0", &address.to_string())
        + &route("one.example", address, crate::TERMINATE, "");
    files.write("proxy.toml", &right);
    let output = call(&files, &["--check", "proxy.toml"]).await;
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(output.stdout, b"proxy.toml is valid\n");

    files.write("proxy.toml", right.replace("key.pem", "none.pem"));
    let output = call(&files, &["--check", "proxy.toml"]).await;
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let text = String::from_utf8(output.stderr).expect("text");
    assert!(text.contains("none.pem: "), "{text}");
    assert_eq!(output.stdout, b"");
}
