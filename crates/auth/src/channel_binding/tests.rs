use super::*;

/// A self-signed P-256 certificate (ecdsa-with-SHA256) made by OpenSSL; its digest and the MD5 over the GSS structure
/// were computed by pyspnego.
const CERTIFICATE: &str = "3082010c3081b3a003020102020105300a06082a8648ce3d0403023010310e300c06035504030c0563617330\
    31301e170d3234303130313030303030305a170d3234303130343030303030305a3010310e300c06035504030c0563617330313059301306\
    072a8648ce3d020106082a8648ce3d03010703420004684262af04c51297ab7ce91ff896b02c114c5142dd630a5df32d2aa0a9ce386a862f\
    7d020b6e45b26670b1b42f4e3438a656297400a98bf14ad300f8839b17a0300a06082a8648ce3d04030203480030450220311\
    27fbfd7cd2614b3d61276a6e67ffe8641e52cf8700117e3294f89f3a1132f022100fd143468829cfdd770f0484430da8298711dbbbdddf15e\
    77f59d45f5fec160c8";
const DIGEST: &str = "b3d470d97ed5ba68f4f873e2696b694eac775897140d30bbac82caa01bb52330";
const HASH: &str = "051cb9610173d55b9d87373e77947825";

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u32> = text.chars().filter_map(|letter| letter.to_digit(16)).collect();
    digits
        .chunks(2)
        .map(|pair| u8::try_from(pair[0] << 4 | pair[1]).unwrap())
        .collect()
}

/// As much of a certificate as matters, with this signature algorithm.
fn certificate(oid: &[u8], parameters: &[u8]) -> Vec<u8> {
    let algorithm = der::value(
        der::SEQUENCE,
        &[&der::value(der::OBJECT_IDENTIFIER, &[oid]), parameters],
    );
    let to_be_signed = der::value(der::SEQUENCE, &[b"\x02\x01\x05"]);
    der::value(der::SEQUENCE, &[&to_be_signed, &algorithm, b"\x03\x02\x00\xff"])
}

fn digest_length(certificate: &[u8]) -> Option<usize> {
    let binding = channel_binding(certificate).unwrap()?;
    Some(binding.application_data().len() - "tls-server-end-point:".len())
}

#[test]
fn binding_of_a_real_certificate() {
    let binding = channel_binding(&hex(CERTIFICATE)).unwrap().unwrap();
    assert_eq!(
        binding.application_data(),
        [b"tls-server-end-point:".as_slice(), &hex(DIGEST)].concat()
    );
    assert_eq!(binding.hash(), *hex(HASH));
}

/// The example that Microsoft published with its explanation of extended protection.
#[test]
fn hash_is_that_of_microsofts_example() {
    let digest = hex("ea05fefecc6b0bd571dbbc5baa3ed45386d0446835f7b74c85621b9983475f95");
    assert_eq!(
        ChannelBinding::from_digest(&digest).hash(),
        *hex("6586e99d81c2fc984e47172fd4dd0310")
    );
}

#[test]
fn digest_follows_the_signature_algorithm() {
    const RSA: [u8; 8] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1];
    const ECDSA: [u8; 6] = [0x2a, 0x86, 0x48, 0xce, 0x3d, 4];
    let rsa = |last: u8| certificate(&[&RSA[..], &[last]].concat(), b"\x05\x00");
    let ecdsa = |last: &[u8]| certificate(&[&ECDSA[..], last].concat(), b"");
    for (name, certificate, length) in [
        ("md5WithRSA", rsa(4), Some(32)),
        ("sha1WithRSA", rsa(5), Some(32)),
        ("sha224WithRSA", rsa(14), Some(28)),
        ("sha256WithRSA", rsa(11), Some(32)),
        ("sha384WithRSA", rsa(12), Some(48)),
        ("sha512WithRSA", rsa(13), Some(64)),
        ("sha512-256WithRSA", rsa(16), Some(32)),
        ("ecdsa-with-SHA1", ecdsa(&[1]), Some(32)),
        ("ecdsa-with-SHA384", ecdsa(&[3, 3]), Some(48)),
        ("ecdsa-with-SHA512", ecdsa(&[3, 4]), Some(64)),
        ("Ed25519", certificate(&[0x2b, 0x65, 0x70], b""), None),
        ("Ed448", certificate(&[0x2b, 0x65, 0x71], b""), None),
        ("unknown", certificate(&[0x2b, 1, 1], b""), None),
    ] {
        assert_eq!(digest_length(&certificate), length, "{name}");
    }
}

#[test]
fn digest_of_rsassa_pss_follows_its_parameters() {
    let pss = |parameters: &[u8]| certificate(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 10], parameters);
    let with_hash = |oid: &[u8]| {
        let hash = der::value(
            der::SEQUENCE,
            &[&der::value(der::OBJECT_IDENTIFIER, &[oid]), b"\x05\x00"],
        );
        pss(&der::value(
            der::SEQUENCE,
            &[&der::value(der::context(0), &[&hash]), b"\xa2\x03\x02\x01\x20"],
        ))
    };
    let sha2 = |last: u8| with_hash(&[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, last]);
    for (name, certificate, length) in [
        ("no parameters", pss(b""), Some(32)),
        ("empty parameters: SHA-1", pss(b"\x30\x00"), Some(32)),
        (
            "only a salt length",
            pss(b"\x30\x05\xa2\x03\x02\x01\x20"),
            Some(32),
        ),
        ("SHA-1", with_hash(&[0x2b, 14, 3, 2, 26]), Some(32)),
        ("SHA-256", sha2(1), Some(32)),
        ("SHA-384", sha2(2), Some(48)),
        ("SHA-512", sha2(3), Some(64)),
        ("SHA-224", sha2(4), Some(28)),
        ("SHA3-256", sha2(8), None),
    ] {
        assert_eq!(digest_length(&certificate), length, "{name}");
    }
}

#[test]
fn what_is_no_certificate_is_refused() {
    let real = hex(CERTIFICATE);
    let trailing = [real.as_slice(), b"\0"].concat();
    for bytes in [
        &b""[..],
        b"\x30\x00",
        b"-----BEGIN CERTIFICATE-----",
        &real[..100],
        &real[..real.len() - 1],
        &trailing,
    ] {
        assert!(
            matches!(
                channel_binding(bytes),
                Err(Error::Malformed {
                    message: "certificate",
                    ..
                })
            ),
            "{bytes:02x?}"
        );
    }
}
