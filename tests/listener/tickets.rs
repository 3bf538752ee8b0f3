//! Keys of session tickets that servers share.

use super::localhost;
use super::watch::{WITHIN, in_time};
use pollback::listener::{SharedConfig, TicketKeyError, TicketKeys, TlsListener};
use pollback::rustls::crypto::CryptoProvider;
use pollback::rustls::server::ProducesTickets;
use pollback::rustls::{CipherSuite, ClientConfig, HandshakeKind, SupportedCipherSuite};
use pollback::{TlsConnector, client};
use pollback_testkit::configs::{Setup, Version, provider};
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::sync::mpsc;
use tokio::time::timeout;

/// A folder with ticket keys, which is removed when this is dropped.
struct Keys(PathBuf);

impl Keys {
    fn of(test: &str) -> Self {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("tickets-{test}"));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn put(&self, file: &str, bytes: &[u8]) {
        fs::write(self.0.join(file), bytes).unwrap();
    }

    fn load(&self, files: &[&str]) -> Result<TicketKeys, TicketKeyError> {
        TicketKeys::load(&provider(), files.iter().map(|file| self.0.join(file)))
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// 80 bytes, which differ for each number.
fn key(number: u8) -> [u8; 80] {
    std::array::from_fn(|place| number.wrapping_mul(31).wrapping_add(place as u8))
}

/// A separate server, with keys from these files.
struct Server {
    door: mpsc::UnboundedSender<std::io::Result<(DuplexStream, usize)>>,
    keys: Arc<TicketKeys>,
}

impl Server {
    fn start(setup: &Setup, keys: TicketKeys) -> Self {
        let keys = Arc::new(keys);
        let mut config = setup.server();
        config.ticketer = Arc::<TicketKeys>::clone(&keys);
        let (door, pipes) = super::pipes();
        let mut listener = TlsListener::new(pipes, SharedConfig::new(config));
        tokio::spawn(async move {
            while let Some(mut connection) = listener.accept().await {
                connection.write_all(b"hi").await.unwrap();
                connection.shutdown().await.unwrap();
            }
        });
        Self { door, keys }
    }

    /// Connects a client, which stores the tickets that it receives.
    async fn meet(&self, config: &Arc<ClientConfig>) -> HandshakeKind {
        let (near, far) = duplex(64 * 1024);
        self.door.send(Ok((far, 1))).expect("the listener is there");
        let connect = TlsConnector::from(Arc::clone(config)).connect(localhost(), near);
        let mut stream: client::TlsStream<_> = connect.await.expect("a handshake");
        let mut words = Vec::new();
        stream.read_to_end(&mut words).await.unwrap();
        assert_eq!(words, b"hi");
        stream.get_ref().1.handshake_kind().expect("it is over")
    }
}

fn is_resumed(kind: HandshakeKind) -> bool {
    kind == HandshakeKind::Resumed
}

#[tokio::test]
async fn a_client_resumes_with_another_server() {
    let folder = Keys::of("another-server");
    folder.put("shared", &key(1));
    folder.put("own", &key(2)[..48]);
    for version in Version::ALL {
        let setup = Setup::new(version).client_auth();
        let one = Server::start(&setup, folder.load(&["shared"]).unwrap());
        let two = Server::start(&setup, folder.load(&["own", "shared"]).unwrap());
        let three = Server::start(&setup, folder.load(&["own"]).unwrap());
        let client = Arc::new(setup.client());
        assert!(!is_resumed(one.meet(&client).await));
        assert!(is_resumed(one.meet(&client).await));
        assert!(is_resumed(two.meet(&client).await));
        // That server has issued a ticket with its own key.
        assert!(is_resumed(three.meet(&client).await));
        assert!(
            !is_resumed(one.meet(&client).await),
            "it does not have this key"
        );
        assert!(!is_resumed(three.meet(&client).await), "nor this one");
    }
}

#[tokio::test]
async fn keys_are_rotated_without_a_full_handshake() {
    let folder = Keys::of("rotated");
    folder.put("current", &key(1));
    folder.put("other", &key(2));
    let load = || folder.load(&["current", "other"]).unwrap();
    for version in Version::ALL {
        let setup = Setup::new(version);
        let servers = [Server::start(&setup, load()), Server::start(&setup, load())];
        let client = Arc::new(setup.client());
        servers[0].meet(&client).await;
        for number in 3..8 {
            // The next key is known everywhere before one of the servers uses it.
            fs::rename(folder.0.join("other"), folder.0.join("next")).unwrap();
            fs::rename(folder.0.join("current"), folder.0.join("other")).unwrap();
            fs::rename(folder.0.join("next"), folder.0.join("current")).unwrap();
            servers[0].keys.reload().unwrap();
            assert!(is_resumed(servers[0].meet(&client).await), "{number}");
            assert!(is_resumed(servers[1].meet(&client).await), "{number}");
            servers[1].keys.reload().unwrap();
            assert!(is_resumed(servers[1].meet(&client).await), "{number}");
            folder.put("other", &key(number));
            servers
                .iter()
                .for_each(|server| server.keys.reload().unwrap());
            assert!(is_resumed(servers[0].meet(&client).await), "{number}");
        }
        // A removed key is no longer valid.
        folder.put("current", &key(100));
        folder.put("other", &key(101));
        servers[0].keys.reload().unwrap();
        assert!(!is_resumed(servers[0].meet(&client).await));
        folder.put("current", &key(1));
        folder.put("other", &key(2));
    }
}

#[test]
fn an_invalid_key_file_is_named_and_the_old_keys_stay() {
    let folder = Keys::of("no-key");
    folder.put("good", &key(1));
    folder.put("turned", &key(2));
    let keys = folder.load(&["good", "turned"]).unwrap();
    let ticket = keys.encrypt(b"session").expect("a ticket");
    for (bytes, cause) in [
        (&b""[..], "48 or 80 bytes, this file has 0"),
        (&key(2)[..47], "48 or 80 bytes, this file has 47"),
        (&key(2)[..79], "48 or 80 bytes, this file has 79"),
        (&[0; 81], "48 or 80 bytes, this file has more"),
        (&[0; 100_000], "48 or 80 bytes, this file has more"),
        (&key(1), "the same ticket key as in "),
        (&key(1)[..48], "the same ticket key as in "),
    ] {
        folder.put("turned", bytes);
        let error = keys.reload().expect_err("no key");
        assert!(error.to_string().contains(cause), "{error}");
        assert_eq!(error.file(), Some(&*folder.0.join("turned")));
        assert_eq!(
            folder.load(&["good", "turned"]).unwrap_err().to_string(),
            error.to_string()
        );
        assert_eq!(keys.decrypt(&ticket).as_deref(), Some(&b"session"[..]));
    }
    fs::remove_file(folder.0.join("turned")).unwrap();
    let error = keys.reload().expect_err("no file");
    assert!(std::error::Error::source(&error).is_some(), "{error:?}");
    assert!(error.to_string().contains("turned: "), "{error}");
    assert!(folder.load(&[]).unwrap_err().file().is_none());

    let mut weak = (*provider()).clone();
    weak.cipher_suites.truncate(0);
    let error = TicketKeys::load(&weak, [folder.0.join("good")]).unwrap_err();
    assert!(error.to_string().contains("AES_256_GCM"), "{error}");
}

/// The clock is paused: the files are checked when nothing else is left to do.
#[tokio::test(start_paused = true)]
async fn changed_keys_are_used_in_time_and_an_invalid_key_is_reported_once() {
    let folder = Keys::of("watched");
    folder.put("current", &key(1));
    let keys = Arc::new(folder.load(&["current"]).unwrap());
    let ticket = keys.encrypt(b"session").expect("a ticket");
    let is_known = || keys.decrypt(&ticket).is_some();
    let (sender, mut reports) = mpsc::unbounded_channel();
    tokio::spawn(keys.watch(WITHIN, move |report| sender.send(report).unwrap()));
    timeout(5 * WITHIN, reports.recv())
        .await
        .expect_err("nothing has changed");

    folder.put("current", b"no key");
    let error = in_time(&mut reports).await.expect_err("no key");
    assert_eq!(error.file(), Some(&*folder.0.join("current")));
    assert!(is_known());
    timeout(5 * WITHIN, reports.recv())
        .await
        .expect_err("it is reported once");

    for number in [2, 1] {
        folder.put("current", &key(number));
        in_time(&mut reports).await.expect("a key");
        assert_eq!(is_known(), number == 1);
    }
}

#[test]
fn a_provider_without_the_cipher_of_tickets_is_refused() {
    let keys = Keys::of("cipher");
    keys.put("one", &key(1));
    let mut provider = CryptoProvider::clone(&provider());
    let others =
        |suite: &SupportedCipherSuite| suite.suite() != CipherSuite::TLS13_AES_256_GCM_SHA384;
    provider.cipher_suites.retain(others);
    let error = TicketKeys::load(&provider, [keys.0.join("one")]).expect_err("no cipher");
    assert!(error.to_string().contains("AES_256_GCM"), "{error}");
}

/// Servers may use different providers.
#[cfg(all(feature = "ring", feature = "aws_lc_rs"))]
#[test]
fn providers_read_each_others_tickets() {
    use pollback::rustls::crypto::{aws_lc_rs, ring};

    let folder = Keys::of("providers");
    folder.put("key", &key(1));
    let providers = [ring::default_provider(), aws_lc_rs::default_provider()];
    let [one, two] =
        providers.map(|provider| TicketKeys::load(&provider, [folder.0.join("key")]).unwrap());
    for (from, to) in [(&one, &two), (&two, &one)] {
        let ticket = from.encrypt(b"session").expect("a ticket");
        assert_eq!(to.decrypt(&ticket).as_deref(), Some(&b"session"[..]));
    }
}

#[test]
fn a_ticket_is_complete_or_rejected() {
    let folder = Keys::of("whole");
    folder.put("one", &key(1));
    folder.put("two", &key(2));
    // A key with the same name and another secret.
    let mut other = key(1);
    other[79] ^= 1;
    folder.put("other", &other);
    let keys = folder.load(&["one", "two"]).unwrap().with_lifetime(60);
    assert!(keys.enabled());
    assert_eq!(keys.lifetime(), 60);
    for length in [0, 1, 300, 16_000] {
        let session = vec![7; length];
        let ticket = keys.encrypt(&session).expect("a ticket");
        assert_ne!(
            keys.encrypt(&session),
            Some(ticket.clone()),
            "each ticket differs"
        );
        assert_eq!(keys.decrypt(&ticket), Some(session));
        assert_eq!(folder.load(&["other"]).unwrap().decrypt(&ticket), None);
        for place in (0..ticket.len()).step_by(1 + length / 300) {
            assert_eq!(keys.decrypt(&ticket[..place]), None);
            let mut changed = ticket.clone();
            changed[place] ^= 0x10;
            assert_eq!(keys.decrypt(&changed), None, "{place}");
        }
        assert_eq!(keys.decrypt(&[&ticket[..], &[0]].concat()), None);
    }
    // A session that is too long for a ticket has none.
    let longest = vec![7; 16 * 1024];
    let ticket = keys.encrypt(&longest).expect("a ticket");
    assert_eq!(keys.decrypt(&ticket), Some(longest));
    assert_eq!(keys.encrypt(&[7; 16 * 1024 + 1]), None);
    let shown = format!("{keys:?}");
    assert!(
        shown.contains("one") && !shown.contains("[31, 32"),
        "{shown}"
    );
}
