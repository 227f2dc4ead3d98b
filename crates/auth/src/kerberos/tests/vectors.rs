//! Tokens that MIT Kerberos 1.20.1 made as the acceptor of a WinRM session (`gss_wrap_iov` and `gss_get_mic`, through
//! pyspnego 0.12.4), with the session's key. All three sessions had an acceptor's subkey.

use super::fake::chance;
use crate::kerberos::encryption::EncryptionType::{self, Aes128, Aes256, Rc4};
use crate::kerberos::key::Key;
use crate::kerberos::sealing::{Sealing, Side};

struct Recorded {
    kind: EncryptionType,
    key: &'static str,
    mic: &'static str,
    /// Signature and data of one message: the bytes 0, 1, 2, ... up to its length.
    sealed: [(&'static str, &'static str); 3],
}

const RECORDED: [Recorded; 3] = [
    Recorded {
        kind: Aes256,
        key: "40469ff1db7f3d731d35b130e5096c66f7655069c3bb84ff766fe07ca28c26c4",
        mic: "040405ffffffffff000000001835bf08f16403223b65dc8983aa9665",
        sealed: [
            (
                "050407ff0000001c000000001835bf09fd8f843c3ac7f1434bcea328c3ba2a1467ab08b0b2e59654515de6e8f2cfab1dc18667adb4a56a16416c40d9",
                "c4",
            ),
            (
                "050407ff0000001c000000001835bf0af1ba82ed1a8a4c53782235cf77da734bbbd95f03c20912c89dcaf5446c7c38bf4bd2c568b3fb91a4421b6b5f",
                "a2acc7d27d673948e9096cb839ca30",
            ),
            (
                "050407ff0000001c000000001835bf0bf6cefa6a084a3bbbd9f1d81b08c5edf6bd20173ff833d9e3c52ef9a607f45379288044f1753546486309fa65",
                "2dbc98d33f1e2df677ea3883eb5d837a",
            ),
        ],
    },
    Recorded {
        kind: Aes128,
        key: "090d6198c2cb9abb365aaf72f3f0bb43",
        mic: "040405ffffffffff0000000026ff5a7fb8bc22e21b95435da046aa80",
        sealed: [
            (
                "050407ff0000001c0000000026ff5a80095e26035f4ce8ef7b7088d24e818e37e6b11c650cad9f2979f83d2c6994dc1cd65ca631741e17a6b2b44df9",
                "b2",
            ),
            (
                "050407ff0000001c0000000026ff5a8115b7d42f0e3b326b5bc7eb79818fe24e107b04e2aa5e1b80d0d5b5064e7a3f881d9681aa2e7c6f699e2f844c",
                "a8b4b6873ad790d68fecc4169dca49",
            ),
            (
                "050407ff0000001c0000000026ff5a8260858ec0577fcdb399dd194d60a33e64d0ffd1bf75ed0f30af1e33ce3ce37e3ddf5eb256abe40e7b733ea015",
                "e6d2b20d822d710dfbbcfb1618f4ab98",
            ),
        ],
    },
    Recorded {
        kind: Rc4,
        key: "fad7665490efd86306ba8f91a17b8f16",
        mic: "602306092a864886f71201020201011100ffffffff9e62ca6b970decdc4176a6d22b585323",
        sealed: [
            (
                "602d06092a864886f712010202020111001000ffffdb4009d649fcbe13c4fb011f2ea702da1a13130968a7affb",
                "fe91",
            ),
            (
                "603b06092a864886f712010202020111001000ffff9537b5c6872cec6441a5f0dea642c3160dbe847bb7a617cf",
                "3bfed75ea13114f3aecff44678444669",
            ),
            (
                "603c06092a864886f712010202020111001000fffff18a33fdd496055a45163096786ceac3f2ab6ab692100641",
                "8d1c0ea7080225b808b723763a5f8a2f6a",
            ),
        ],
    },
];

fn bytes(text: &str) -> Vec<u8> {
    let pairs = text.as_bytes().chunks_exact(2);
    pairs
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

#[test]
fn tokens_of_mit_are_opened_and_verified() {
    for recorded in RECORDED {
        let key = Key::new(recorded.kind, &bytes(recorded.key)).unwrap();
        let mut sealing = Sealing::new(key, true, Side::Initiator, 0, chance());
        assert!(sealing.verify(b"mechanisms", &bytes(recorded.mic)).unwrap());
        assert!(!sealing.verify(b"mechanism5", &bytes(recorded.mic)).unwrap());
        for ((signature, data), length) in recorded.sealed.into_iter().zip([1, 15, 16]) {
            let plain: Vec<u8> = (0..length).collect();
            assert_eq!(
                sealing.unseal(&bytes(signature), &bytes(data)).unwrap(),
                plain,
                "{}",
                recorded.kind
            );
        }
    }
}

#[test]
fn what_mit_signed_is_signed_alike_here() {
    for recorded in RECORDED {
        let key = Key::new(recorded.kind, &bytes(recorded.key)).unwrap();
        let mic = bytes(recorded.mic);
        // The numbers with which the recorded sessions began; RC4 hides it, the next message's is known from opening it.
        let first = match recorded.kind {
            Aes256 => 0x1835_bf08,
            Aes128 => 0x26ff_5a7f,
            Rc4 => continue,
        };
        let mut acceptor = Sealing::new(key, true, Side::Acceptor, first, chance());
        assert_eq!(acceptor.sign(b"mechanisms").unwrap(), mic);
    }
}

#[test]
fn rc4_writes_what_it_reads_from_mit() {
    let recorded = &RECORDED[2];
    let key = Key::new(Rc4, &bytes(recorded.key)).unwrap();
    let (signature, data) = (bytes(recorded.sealed[0].0), bytes(recorded.sealed[0].1));
    let (number, _) = crate::kerberos::wrap_rc4::unseal(&key, Side::Acceptor, &signature, &data)
        .unwrap()
        .unwrap();
    // The MIC was the message before.
    let mic = crate::kerberos::wrap_rc4::sign(&key, Side::Acceptor, number - 1, b"mechanisms").unwrap();
    assert_eq!(mic, bytes(recorded.mic));
}
