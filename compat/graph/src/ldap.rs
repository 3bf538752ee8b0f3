//! ldap3 and slapd, on GnuTLS: TLS from the start and with StartTLS.

use std::collections::HashSet;
use std::sync::Arc;

use ldap3::{LdapConnAsync, LdapConnSettings, Scope, SearchEntry};

use crate::Outcome;
use crate::place::Place;
use crate::process::{Server, free_port};
use crate::report::{chain, digest, text};

const ENTRIES: usize = 100;

pub(crate) async fn run(place: &Place) -> Outcome {
    std::fs::create_dir_all(place.path("data"))?;
    let config = format!(
        "include /etc/ldap/schema/core.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile {pid}
TLSCACertificateFile {root}
TLSCertificateFile {certificate}
TLSCertificateKeyFile {key}
database mdb
suffix dc=graph
rootdn cn=admin,dc=graph
rootpw secret
directory {data}
",
        pid = place.text_path("pid"),
        root = place.text_path("root.pem"),
        certificate = place.text_path("server.pem"),
        key = place.text_path("server.key"),
        data = place.text_path("data"),
    );
    place.write("slapd.conf", config);
    let (port, tls_port) = (free_port(), free_port());
    let arguments = [
        "-d0",
        "-f",
        &place.text_path("slapd.conf"),
        "-h",
        &format!("ldap://127.0.0.1:{port} ldaps://127.0.0.1:{tls_port}"),
    ];
    let _server = Server::start(place, "slapd", arguments, tls_port).await?;

    for (url, starttls) in [
        (format!("ldaps://localhost:{tls_port}"), false),
        (format!("ldap://localhost:{port}"), true),
    ] {
        let settings = LdapConnSettings::new()
            .set_starttls(starttls)
            .set_config(Arc::new(place.client_config(&[])));
        let (connection, mut ldap) = LdapConnAsync::with_settings(settings, &url).await?;
        let driven = tokio::spawn(connection.drive());
        ldap.simple_bind("cn=admin,dc=graph", "secret")
            .await?
            .success()?;
        if !starttls {
            fill(&mut ldap).await?;
        }
        let found = ldap
            .search(
                "dc=graph",
                Scope::Subtree,
                "(objectClass=person)",
                vec!["sn", "description"],
            )
            .await?;
        let (entries, _) = found.success()?;
        let mut texts: Vec<_> = entries
            .into_iter()
            .map(|entry| SearchEntry::construct(entry).attrs["description"].concat())
            .collect();
        texts.sort();
        println!(
            "ldap3: StartTLS {starttls}: {} entries, {}",
            texts.len(),
            digest(texts.concat().as_bytes())
        );
        ldap.unbind().await?;
        println!(
            "ldap3: after an unbind: {}",
            driven
                .await?
                .map_or_else(|error| chain(&error), |()| "no error".to_owned())
        );
    }
    Ok(())
}

async fn fill(ldap: &mut ldap3::Ldap) -> Outcome {
    let set = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect();
    let attributes: Vec<(String, HashSet<String>)> = vec![
        ("objectClass".to_owned(), set(&["dcObject", "organization"])),
        ("dc".to_owned(), set(&["graph"])),
        ("o".to_owned(), set(&["graph"])),
    ];
    ldap.add("dc=graph", attributes).await?.success()?;
    for number in 0..ENTRIES {
        let name = format!("person {number}");
        let attributes = vec![
            ("objectClass".to_owned(), set(&["person"])),
            ("cn".to_owned(), set(&[&name])),
            ("sn".to_owned(), set(&[&name])),
            ("description".to_owned(), set(&[&text(number * 100 + 1)])),
        ];
        ldap.add(&format!("cn={name},dc=graph"), attributes)
            .await?
            .success()?;
    }
    Ok(())
}
