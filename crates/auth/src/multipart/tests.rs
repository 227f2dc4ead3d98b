use proptest::prelude::*;

use super::*;

const SIGNATURE: [u8; 16] = [1, 0, 0, 0, 0x74, 0x9b, 6, 2, 0x7d, 0xf6, 0x3e, 0x36, 0, 0, 0, 0];

fn sample() -> (String, Vec<u8>) {
    write(SPNEGO, 5, &SIGNATURE, b"hello")
}

/// A change to the text parts of the sample; the sealed bytes contain none of them.
fn changed(from: &str, to: &str) -> Vec<u8> {
    let text: String = sample().1.iter().map(|&byte| char::from(byte)).collect();
    assert!(text.contains(from), "{from:?} is not in the sample");
    text.replace(from, to)
        .chars()
        .map(|letter| u8::try_from(letter).unwrap())
        .collect()
}

fn refusal(body: &[u8]) -> String {
    match read(&sample().0, body) {
        Err(
            error @ Error::Malformed {
                message: "sealed body",
                ..
            },
        ) => error.to_string(),
        other => panic!("expected a refusal, found {other:?}"),
    }
}

#[test]
fn body_is_written_as_windows_writes_it() {
    let (content_type, body) = sample();
    assert_eq!(
        content_type,
        "multipart/encrypted;protocol=\"application/HTTP-SPNEGO-session-encrypted\";boundary=\"Encrypted Boundary\""
    );
    let mut expected = b"--Encrypted Boundary\r\n\
        \tContent-Type: application/HTTP-SPNEGO-session-encrypted\r\n\
        \tOriginalContent: type=application/soap+xml;charset=UTF-8;Length=5\r\n\
        --Encrypted Boundary\r\n\
        \tContent-Type: application/octet-stream\r\n\
        \x10\0\0\0"
        .to_vec();
    expected.extend_from_slice(&SIGNATURE);
    expected.extend_from_slice(b"hello--Encrypted Boundary--\r\n");
    assert_eq!(body, expected);
}

#[test]
fn what_real_servers_write_differently_is_read() {
    let variants = [
        ("--Encrypted Boundary", "-- Encrypted Boundary"),
        ("--Encrypted Boundary--\r\n", "--Encrypted Boundary\r\n"),
        ("--Encrypted Boundary--\r\n", "--Encrypted Boundary-\r\n"),
        ("--Encrypted Boundary--\r\n", "--Encrypted Boundary--"),
        ("\tContent-Type", "Content-Type"),
        ("\tContent-Type", "    content-type"),
        ("OriginalContent: type", "originalcontent:type"),
        (";Length=5", "; length = 5"),
        (";Length=5\r\n", ";Length=5\r\n\r\n"),
        (";Length=5\r\n", ";Length=5\r\n\tSomething: else\r\n"),
        ("application/octet-stream", "Application/Octet-Stream"),
        ("HTTP-SPNEGO-session-encrypted", "http-spnego-SESSION-encrypted"),
        ("\r\n\t", "\n\t"),
    ];
    for (from, to) in variants {
        let ((content_type, _), body) = (sample(), changed(from, to));
        let part = read(&content_type, &body).unwrap_or_else(|error| panic!("{from:?} -> {to:?}: {error}"));
        assert_eq!(
            (part.length, part.signature, part.data),
            (5, SIGNATURE.as_slice(), b"hello".as_slice())
        );
    }
}

#[test]
fn content_types_of_real_servers_are_understood() {
    let (_, body) = sample();
    for content_type in [
        "multipart/encrypted; protocol=application/HTTP-SPNEGO-session-encrypted; boundary=Encrypted Boundary",
        "Multipart/Encrypted;Protocol=\"application/HTTP-SPNEGO-session-encrypted\"",
    ] {
        assert_eq!(
            read(content_type, &body).unwrap().data,
            b"hello",
            "{content_type}"
        );
    }
    for content_type in [
        "application/soap+xml;charset=UTF-8",
        "",
        "multipart/encrypted",
        "multipart/x-multi-encrypted;protocol=x",
    ] {
        assert!(read(content_type, &body).is_err(), "{content_type}");
    }
    assert!(is_sealed("multipart/encrypted ; protocol=x") && !is_sealed("application/soap+xml"));
}

#[test]
fn a_part_that_lies_about_its_length_is_refused() {
    assert_eq!(
        refusal(&changed("Length=5", "Length=4")),
        "malformed sealed body: expected the closing boundary, found 25 other bytes"
    );
    assert_eq!(
        refusal(&changed("Length=5", "Length=6")),
        "malformed sealed body: expected the closing boundary, found 23 other bytes"
    );
    assert_eq!(
        refusal(&changed("Length=5", "Length=29")),
        "malformed sealed body: expected the closing boundary, found 0 other bytes"
    );
    assert_eq!(
        refusal(&changed("Length=5", "Length=30")),
        "malformed sealed body: expected as many sealed bytes as Length announces, found 29 of 30 bytes"
    );
    for wrong in [
        "Length=",
        "Length=+5",
        "Length=-1",
        "Length=99999999999999999999",
        "Size=5",
    ] {
        assert!(
            refusal(&changed("Length=5", wrong)).contains("OriginalContent with a Length"),
            "{wrong}"
        );
    }
}

#[test]
fn a_signature_that_lies_about_its_length_is_refused() {
    for length in ["\x0f\0\0\0", "\x11\0\0\0", "\0\0\0\0"] {
        refusal(&changed("\x10\0\0\0", length));
    }
    assert!(refusal(&changed("\x10\0\0\0", "\u{1}\u{1}\0\0")).ends_with("found 257 bytes"));
    assert!(refusal(&changed("\x10\0\0\0", "\u{ff}\u{ff}\u{ff}\u{ff}")).ends_with("found 4294967295 bytes"));
}

#[test]
fn other_structures_are_refused() {
    let cases = [
        ("application/octet-stream", "text/plain"),
        (
            "\tContent-Type: application/HTTP-SPNEGO-session-encrypted\r\n",
            "",
        ),
        (
            "Content-Type: application/HTTP-SPNEGO",
            "Content-Type: application/HTTP-Kerberos",
        ),
        ("--Encrypted Boundary\r\n", "--Other\r\n"),
        ("--Encrypted Boundary--", "--Encrypted Boundary--x"),
        (
            ";Length=5\r\n",
            ";Length=5\r\nA:\r\nB:\r\nC:\r\nD:\r\nE:\r\nF:\r\nG:\r\nH:\r\n",
        ),
    ];
    for (from, to) in cases {
        refusal(&changed(from, to));
    }
    let endless = [
        b"--Encrypted Boundary\r\n\tContent-Type: ".as_slice(),
        &[b'a'; 4096],
    ]
    .concat();
    assert!(refusal(&endless).contains("512 bytes without a line end"));
}

#[test]
fn truncated_bodies_are_refused() {
    let (content_type, body) = sample();
    // The last four bytes are those that some servers leave out.
    for end in 0..body.len() - 4 {
        assert!(read(&content_type, &body[..end]).is_err(), "{end} bytes");
    }
}

proptest! {
    #[test]
    fn every_message_comes_back(
        signature in proptest::collection::vec(any::<u8>(), 0..=256),
        data in proptest::collection::vec(any::<u8>(), 0..512),
        boundary_inside in any::<bool>(),
    ) {
        let mut data = data;
        if boundary_inside {
            data.extend_from_slice(b"--Encrypted Boundary--\r\n");
        }
        let (content_type, body) = write(SPNEGO, data.len(), &signature, &data);
        let part = read(&content_type, &body).unwrap();
        prop_assert_eq!(part, Part { protocol: SPNEGO, length: data.len(), signature: &signature, data: &data });
    }

    #[test]
    fn arbitrary_bytes_never_panic(content_type in ".{0,80}", body in proptest::collection::vec(any::<u8>(), 0..256)) {
        prop_assert!(read(&content_type, &body).is_err());
        prop_assert!(read(&sample().0, &body).is_err());
    }

    #[test]
    fn damaged_bodies_never_panic(at in 0_usize..300, with in any::<u8>(), cut in 0_usize..300) {
        let (content_type, mut body) = sample();
        let length = body.len();
        body[at % length] = with;
        body.truncate(length - cut % length);
        if let Ok(part) = read(&content_type, &body) {
            prop_assert_eq!(part.length, part.data.len());
            prop_assert!(part.signature.len() <= LONGEST_SIGNATURE);
        }
    }
}
