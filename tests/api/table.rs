//! The table in `docs/tokio-rustls.md` names a test for every name of tokio-rustls.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The contents of the first and the last column, as written between backquotes.
struct Row {
    names: Vec<String>,
    test: String,
}

fn rows() -> Vec<Row> {
    let table = include_str!("../../docs/tokio-rustls.md");
    let quoted = |cell: &str| -> Vec<String> {
        cell.split('`')
            .skip(1)
            .step_by(2)
            .map(str::to_owned)
            .collect()
    };
    let mut rows = Vec::new();
    // The last table lists the differences.
    for line in table
        .lines()
        .take_while(|line| *line != "## What differs")
        .filter(|line| line.starts_with("| ") && !line.ends_with(" test |"))
    {
        let cells: Vec<_> = line.trim_matches('|').split('|').collect();
        let [names, _, test] = cells[..] else {
            panic!("not three cells: {line}")
        };
        let [test] = &quoted(test)[..] else {
            panic!("not one test: {line}")
        };
        rows.push(Row {
            names: quoted(names),
            test: test.clone(),
        });
    }
    assert!(!rows.is_empty(), "no table found");
    rows
}

/// Whether the file with the module of `test` defines a test function of that name.
fn exists(test: &str) -> bool {
    let (module, function) = test.rsplit_once("::").expect("a module and a function");
    let file = module.split("::").next().unwrap();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/api");
    [folder.join("suite"), folder].iter().any(|folder| {
        fs::read_to_string(folder.join(file).with_extension("rs"))
            .is_ok_and(|text| defines(&text, function))
    })
}

/// Whether `text` defines the test `function`, directly or through the macro for signatures.
fn defines(text: &str, function: &str) -> bool {
    let lines: Vec<_> = text.lines().map(str::trim).collect();
    let written = lines.windows(2).any(|pair| {
        let is_test = pair[0].starts_with("#[test]") || pair[0].starts_with("#[tokio::test");
        let definition = pair[1].trim_start_matches("async ");
        is_test && definition.starts_with(&format!("fn {function}("))
    });
    written
        || lines
            .iter()
            .any(|line| line.starts_with(&format!("signatures!({function},")))
}

#[test]
fn every_test_in_the_table_exists() {
    let missing: Vec<_> = rows()
        .into_iter()
        .filter(|row| !exists(&row.test))
        .map(|row| row.test)
        .collect();
    assert!(missing.is_empty(), "no such tests: {missing:#?}");
}

#[test]
fn a_test_that_does_not_exist_is_noticed() {
    assert!(exists("connector::clones_share_the_configuration"));
    assert!(exists("signatures::pollback_has_the_signatures"));
    assert!(!exists("connector::clones_share_the"));
    assert!(!exists("cellar::clones_share_the_configuration"));
    assert!(!exists("support::talk"), "not a test");
}

#[test]
fn every_name_is_in_the_table() {
    // The public names of tokio-rustls 0.26.6, as listed by rustdoc.
    let names = "
        TlsConnector TlsConnector::connect TlsConnector::connect_with TlsConnector::with_alpn
        TlsConnector::config TlsConnector::early_data From<Arc<ClientConfig>> Clone
        TlsConnectorWithAlpn TlsConnectorWithAlpn::connect TlsConnectorWithAlpn::connect_with
        Connect Connect::into_fallible Connect::get_ref Connect::get_mut FallibleConnect Future
        client::TlsConnector client::TlsConnectorWithAlpn client::Connect client::FallibleConnect
        TlsAcceptor TlsAcceptor::accept TlsAcceptor::accept_with TlsAcceptor::config
        From<Arc<ServerConfig>>
        Accept Accept::into_fallible Accept::get_ref Accept::get_mut FallibleAccept
        LazyConfigAcceptor LazyConfigAcceptor::new LazyConfigAcceptor::take_io
        StartHandshake StartHandshake::accepted StartHandshake::io StartHandshake::from_parts
        StartHandshake::client_hello StartHandshake::into_stream StartHandshake::into_stream_with
        server::TlsAcceptor server::Accept server::FallibleAccept server::LazyConfigAcceptor
        server::StartHandshake
        client::TlsStream client::TlsStream::get_ref client::TlsStream::get_mut
        client::TlsStream::into_inner
        server::TlsStream server::TlsStream::get_ref server::TlsStream::get_mut
        server::TlsStream::into_inner
        TlsStream TlsStream::Client TlsStream::Server TlsStream::get_ref TlsStream::get_mut
        From<client::TlsStream> From<server::TlsStream>
        AsyncRead AsyncBufRead AsyncWrite poll_write_vectored is_write_vectored Debug
        AsRawFd AsRawSocket rustls
        default aws_lc_rs aws-lc-rs ring fips logging tls12 early-data brotli zlib
    ";
    let listed: BTreeSet<_> = rows().into_iter().flat_map(|row| row.names).collect();
    let missing: Vec<_> = names
        .split_whitespace()
        .filter(|name| !listed.contains(*name))
        .collect();
    assert!(missing.is_empty(), "not in the table: {missing:?}");
}
