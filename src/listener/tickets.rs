//! Keys of session tickets that several servers share.

use std::error::Error as StdError;
use std::fmt;
use std::fs::File;
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use rustls::crypto::cipher::{
    AeadKey, InboundOpaqueMessage, Iv, OutboundChunks, OutboundPlainMessage,
};
use rustls::crypto::{CryptoProvider, SecureRandom};
use rustls::server::ProducesTickets;
use rustls::{CipherSuite, ContentType, ProtocolVersion, SupportedCipherSuite, Tls13CipherSuite};

/// The default lifetime of a ticket.
const LIFETIME: u32 = 12 * 60 * 60;

/// The valid lengths of a key file, as in nginx.
const LENGTHS: [usize; 2] = [48, 80];

/// The first bytes of a file identify its key, and are part of each ticket.
const NAME: usize = 16;

/// The longest session that fits into a record. Only a large number of client certificates makes
/// one longer; such a client performs full handshakes.
const LONGEST: usize = 16 * 1024;

/// The length of the salt that makes the key of each ticket unique.
const SALT: usize = 32;

/// Keys of session tickets in files, which several servers share: a client resumes its session with
/// any of them.
///
/// The files are those of nginx's `ssl_session_ticket_key`: 80 bytes, or 48, from a good source of
/// random numbers, which must be kept secret. The key in the first file encrypts new tickets, and
/// those in all files decrypt. To rotate, put a new key last in the list on every server, then
/// first, and remove the oldest when its tickets have expired. [`reload`](Self::reload) makes a
/// server use the contents of the files, and [`watch`](Self::watch) does so whenever they have
/// changed.
///
/// Anyone who obtains a key can decrypt the sessions of its tickets, so rotate keys often, and keep
/// none longer than [`with_lifetime`](Self::with_lifetime) requires. rustls accepts no early data
/// with such tickets, since nothing would keep it from being replayed to another server.
///
/// ```no_run
/// use pollback::listener::TicketKeys;
/// use pollback::rustls::ServerConfig;
/// use std::sync::Arc;
/// use std::time::Duration;
///
/// # fn configure(mut config: ServerConfig) -> Result<(), Box<dyn std::error::Error>> {
/// // Created with `openssl rand 80 > current.key`.
/// let keys = TicketKeys::load(config.crypto_provider(), ["current.key", "previous.key"])?;
/// let keys = Arc::new(keys);
/// config.ticketer = keys.clone();
///
/// tokio::spawn(keys.watch(Duration::from_secs(10), |reloaded| {
///     if let Err(error) = reloaded {
///         eprintln!("still using the old ticket keys: {error}");
///     }
/// }));
/// # Ok(())
/// # }
/// ```
pub struct TicketKeys {
    files: Vec<PathBuf>,
    keys: ArcSwap<Vec<Key>>,
    suite: &'static Tls13CipherSuite,
    random: &'static dyn SecureRandom,
    lifetime: u32,
    hasher: RandomState,
    /// The fingerprint of the contents that were loaded last.
    loaded: Mutex<Option<u64>>,
}

/// The contents of the files, each up to the length of a key.
pub(super) type Contents = Vec<io::Result<Vec<u8>>>;

struct Key {
    name: [u8; NAME],
    secret: Vec<u8>,
}

impl TicketKeys {
    /// Loads the keys from `files`, the one for new tickets first. Tickets are encrypted by `provider`,
    /// with AES-256-GCM.
    ///
    /// Blocks for as long as the file system takes.
    ///
    /// # Errors
    ///
    /// If a file cannot be read or has another length, if two of them have the same key, if no file
    /// is given, or if the provider has no TLS 1.3 cipher suite with AES-256-GCM.
    pub fn load<P: Into<PathBuf>>(
        provider: &CryptoProvider,
        files: impl IntoIterator<Item = P>,
    ) -> Result<Self, TicketKeyError> {
        let suite = provider.cipher_suites.iter().find_map(|suite| match suite {
            SupportedCipherSuite::Tls13(suite)
                if suite.common.suite == CipherSuite::TLS13_AES_256_GCM_SHA384 =>
            {
                Some(*suite)
            }
            _ => None,
        });
        let files: Vec<_> = files.into_iter().map(P::into).collect();
        let keys = Self {
            files,
            keys: ArcSwap::default(),
            suite: suite.ok_or_else(|| TicketKeyError::new(Reason::NoCipher))?,
            random: provider.secure_random,
            lifetime: LIFETIME,
            hasher: RandomState::new(),
            loaded: Mutex::new(None),
        };
        keys.reload()?;
        Ok(keys)
    }

    /// Sets how many seconds clients may keep a ticket. It should be no longer than the time for
    /// which a key is in one of the files. The default is 12 hours; the maximum in TLS 1.3 is 7
    /// days.
    #[must_use]
    pub fn with_lifetime(mut self, seconds: u32) -> Self {
        self.lifetime = seconds;
        self
    }

    /// Reads the files again. From then on their keys are used; tickets of other keys lead to full
    /// handshakes.
    ///
    /// # Errors
    ///
    /// As for [`load`](Self::load). All previous keys then stay in use.
    pub fn reload(&self) -> Result<(), TicketKeyError> {
        let (contents, fingerprint) = self.read();
        self.store(contents, fingerprint)
    }

    /// Returns the contents of the files, and a number that in all likelihood differs if they do.
    pub(super) fn read(&self) -> (Contents, u64) {
        let contents: Contents = self.files.iter().map(|file| read(file)).collect();
        let told = contents
            .iter()
            .map(|bytes| bytes.as_ref().map_err(io::Error::kind));
        let fingerprint = self.hasher.hash_one(told.collect::<Vec<_>>());
        (contents, fingerprint)
    }

    /// Uses these contents from now on.
    pub(super) fn store(&self, contents: Contents, fingerprint: u64) -> Result<(), TicketKeyError> {
        let keys = keys(&self.files, contents)?;
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        self.keys.store(Arc::new(keys));
        *loaded = Some(fingerprint);
        Ok(())
    }

    /// Returns the fingerprint of the contents that were loaded last.
    pub(super) fn loaded(&self) -> Option<u64> {
        *self.loaded.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The key and IV of the one ticket that has this salt.
    fn derive(&self, key: &Key, salt: &[u8]) -> Option<(AeadKey, Iv)> {
        let expander = self
            .suite
            .hkdf_provider
            .extract_from_secret(Some(salt), &key.secret);
        let (mut bytes, mut iv) = ([0; 32], [0; 12]);
        expander.expand_slice(&[b"ticket key"], &mut bytes).ok()?;
        expander.expand_slice(&[b"ticket iv"], &mut iv).ok()?;
        Some((AeadKey::from(bytes), Iv::from(iv)))
    }
}

/// A ticket is the name of its key, a salt, and the session as one record of TLS 1.3, so it needs
/// no cryptography beyond that of a handshake.
impl ProducesTickets for TicketKeys {
    fn enabled(&self) -> bool {
        true
    }

    fn lifetime(&self) -> u32 {
        self.lifetime
    }

    fn encrypt(&self, plain: &[u8]) -> Option<Vec<u8>> {
        if plain.len() > LONGEST {
            return None;
        }
        let keys = self.keys.load();
        let key = keys.first()?;
        let mut salt = [0; SALT];
        self.random.fill(&mut salt).ok()?;
        let (aead_key, iv) = self.derive(key, &salt)?;
        let session = OutboundPlainMessage {
            typ: ContentType::ApplicationData,
            version: ProtocolVersion::TLSv1_3,
            payload: OutboundChunks::Single(plain),
        };
        let mut encrypter = self.suite.aead_alg.encrypter(aead_key, iv);
        let record = encrypter.encrypt(session, 0).ok()?;
        Some([&key.name, &salt[..], record.payload.as_ref()].concat())
    }

    fn decrypt(&self, cipher: &[u8]) -> Option<Vec<u8>> {
        let (name, rest) = cipher.split_at_checked(NAME)?;
        let (salt, record) = rest.split_at_checked(SALT)?;
        let keys = self.keys.load();
        let key = keys.iter().find(|key| key.name == name)?;
        let (aead_key, iv) = self.derive(key, salt)?;
        let mut record = record.to_vec();
        let record = InboundOpaqueMessage::new(
            ContentType::ApplicationData,
            ProtocolVersion::TLSv1_2,
            &mut record,
        );
        let mut decrypter = self.suite.aead_alg.decrypter(aead_key, iv);
        let session = decrypter.decrypt(record, 0).ok()?;
        Some(session.payload.to_vec())
    }
}

/// Omits the keys.
impl fmt::Debug for TicketKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TicketKeys")
            .field("files", &self.files)
            .field("lifetime", &self.lifetime)
            .finish_non_exhaustive()
    }
}

/// Parses the keys in these files.
fn keys(files: &[PathBuf], contents: Contents) -> Result<Vec<Key>, TicketKeyError> {
    if files.is_empty() {
        return Err(TicketKeyError::new(Reason::NoFile));
    }
    let mut keys: Vec<Key> = Vec::with_capacity(files.len());
    for (file, bytes) in files.iter().zip(contents) {
        let key = key(bytes).map_err(|reason| TicketKeyError {
            file: Some(file.clone()),
            reason,
        })?;
        if let Some(place) = keys.iter().position(|other| other.name == key.name) {
            return Err(TicketKeyError {
                file: Some(file.clone()),
                reason: Reason::Twice(files[place].clone()),
            });
        }
        keys.push(key);
    }
    Ok(keys)
}

fn read(file: &Path) -> io::Result<Vec<u8>> {
    let most = LENGTHS[1] + 1;
    let mut bytes = Vec::with_capacity(most);
    File::open(file)?
        .take(most as u64)
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn key(bytes: io::Result<Vec<u8>>) -> Result<Key, Reason> {
    let bytes = bytes.map_err(Reason::Io)?;
    match bytes.split_first_chunk() {
        Some((name, secret)) if LENGTHS.contains(&bytes.len()) => Ok(Key {
            name: *name,
            secret: secret.to_vec(),
        }),
        _ => Err(Reason::Length(bytes.len())),
    }
}

/// Why keys of session tickets could not be loaded.
#[derive(Debug)]
pub struct TicketKeyError {
    file: Option<PathBuf>,
    reason: Reason,
}

#[derive(Debug)]
enum Reason {
    Io(io::Error),
    Length(usize),
    Twice(PathBuf),
    NoFile,
    NoCipher,
}

impl TicketKeyError {
    fn new(reason: Reason) -> Self {
        Self { file: None, reason }
    }

    /// Returns the file that is at fault, if there is one.
    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }
}

impl fmt::Display for TicketKeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = &self.file {
            write!(f, "{}: ", file.display())?;
        }
        match &self.reason {
            Reason::Io(error) => error.fmt(f),
            Reason::Length(length) if *length > LENGTHS[1] => {
                f.write_str("a ticket key has 48 or 80 bytes, this file has more")
            }
            Reason::Length(length) => {
                write!(f, "a ticket key has 48 or 80 bytes, this file has {length}")
            }
            Reason::Twice(other) => write!(f, "the same ticket key as in {}", other.display()),
            Reason::NoFile => f.write_str("no ticket key file was given"),
            Reason::NoCipher => {
                f.write_str("the provider has no cipher suite TLS13_AES_256_GCM_SHA384")
            }
        }
    }
}

impl StdError for TicketKeyError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match &self.reason {
            Reason::Io(error) => Some(error),
            _ => None,
        }
    }
}
