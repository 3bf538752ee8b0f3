//! Handwritten ClientHellos: valid ones that rustls neither sends nor accepts.

fn with_length(width: usize, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).expect("a length").to_be_bytes();
    [&length[4 - width..], body].concat()
}

/// A ClientHello as one handshake message.
pub fn message(version: u16, suites: &[u16], extensions: &[(u16, Vec<u8>)]) -> Vec<u8> {
    let mut body = version.to_be_bytes().to_vec();
    body.extend([0x5a; 32]);
    body.extend(with_length(1, &[0x11; 32]));
    body.extend(with_length(2, &numbers(suites)));
    body.extend(with_length(1, &[0]));
    if !extensions.is_empty() {
        let all: Vec<u8> = extensions
            .iter()
            .flat_map(|(kind, body)| [&kind.to_be_bytes()[..], &with_length(2, body)].concat())
            .collect();
        body.extend(with_length(2, &all));
    }
    [&[1], &with_length(3, &body)[..]].concat()
}

fn numbers(numbers: &[u16]) -> Vec<u8> {
    numbers.iter().flat_map(|n| n.to_be_bytes()).collect()
}

fn server_name(name: &[u8]) -> (u16, Vec<u8>) {
    let entry = [&[0], &with_length(2, name)[..]].concat();
    (0, with_length(2, &entry))
}

/// The message in records of at most this many bytes.
pub fn records(message: &[u8], size: usize) -> Vec<u8> {
    message
        .chunks(size)
        .flat_map(|part| [&[22, 3, 1], &with_length(2, part)[..]].concat())
        .collect()
}

/// A modern client: GREASE, a post-quantum key share, encrypted ClientHello.
pub fn modern(name: &[u8]) -> Vec<u8> {
    let share = |group: u16, length: usize| {
        [&group.to_be_bytes()[..], &with_length(2, &vec![7; length])].concat()
    };
    let shares = [share(0x0a0a, 1), share(4588, 1216), share(29, 32)].concat();
    let ech = [&[0, 0, 1, 0, 1, 9, 0, 1, 3], &with_length(2, &[4; 208])[..]].concat();
    let extensions = [
        (0x4a4a, Vec::new()),
        server_name(name),
        (10, with_length(2, &numbers(&[0x0a0a, 4588, 29, 23]))),
        (16, with_length(2, b"\x02h2\x08http/1.1")),
        (13, with_length(2, &numbers(&[0x0403, 0x0804]))),
        (43, with_length(1, &numbers(&[0x7a7a, 0x0304, 0x0303]))),
        (51, with_length(2, &shares)),
        (0xfe0d, ech),
        (0x6a6a, vec![0]),
    ];
    message(0x0303, &[0x2a2a, 0x1301, 0xc02b], &extensions)
}

/// A client that supports no version above this one, and sends no signature schemes.
pub fn old(version: u16, name: &[u8]) -> Vec<u8> {
    message(version, &[0xc014, 0x0035, 0x00ff], &[server_name(name)])
}

/// A ClientHello whose body has this many bytes.
pub fn of_length(length: usize) -> Vec<u8> {
    let name = server_name(b"long.example");
    let without = message(0x0303, &[0x1301], &[name.clone(), (21, Vec::new())]);
    let padding = vec![0; length - (without.len() - 4)];
    message(0x0303, &[0x1301], &[name, (21, padding)])
}
