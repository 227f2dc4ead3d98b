//! Recorded logins of other clients at real servers, recomputed. Found through `CASGATE_RECORDINGS`.

use std::path::PathBuf;

use serde_json::Value;

use super::digest::rc4k;
use super::response::{Received, ResponseKey};
use super::sealing::{Direction, Sealing};
use super::vectors::hex;
use super::{authenticate, challenge, negotiate};
use crate::credentials::{NtHash, UserName};
use crate::error::Error;
use crate::secret::Secret;

struct Login {
    file: String,
    negotiate: Vec<u8>,
    challenge: Vec<u8>,
    authenticate: Vec<u8>,
    session_key: [u8; 16],
    recording: Value,
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_else(|| panic!("{key} is no text"))
}

/// `None`, and a word about it, without recordings.
#[expect(
    clippy::disallowed_methods,
    reason = "the recordings are outside the repository"
)]
fn logins() -> Option<Vec<Login>> {
    let Some(folder) = std::env::var_os("CASGATE_RECORDINGS") else {
        println!("skipped: CASGATE_RECORDINGS is not set");
        return None;
    };
    let file = PathBuf::from(folder).join("ntlm/ntlm_recordings.json");
    let recordings: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    let logins: Vec<_> = recordings
        .as_array()
        .unwrap()
        .iter()
        .map(|recording| Login {
            file: text(recording, "file").to_owned(),
            negotiate: hex(text(recording, "type1")),
            challenge: hex(text(recording, "type2")),
            authenticate: hex(text(recording, "type3")),
            session_key: hex(text(recording, "exported_session_key")).try_into().unwrap(),
            recording: recording.clone(),
        })
        .collect();
    assert!(!logins.is_empty());
    Some(logins)
}

#[test]
fn proofs_and_session_keys_of_recorded_logins() {
    for login in logins().unwrap_or_default() {
        assert!(negotiate::read(&login.negotiate).is_ok(), "{}", login.file);
        let challenge = challenge::read(&login.challenge).unwrap();
        let message = authenticate::Received::read(&login.authenticate).unwrap();
        let name = UserName {
            domain: text(&login.recording, "domain").to_owned(),
            user: text(&login.recording, "user").to_owned(),
        };
        assert_eq!(message.name, name, "{}", login.file);
        assert_eq!(
            format!("{:08x}", message.flags.bits()),
            text(&login.recording, "flags")
        );

        let hash = NtHash::of_password(&Secret::from(text(&login.recording, "password")));
        let response = Received::read(message.nt_response).unwrap();
        let key = ResponseKey::new(&hash, &name).verify(challenge.server_challenge, &response);
        let key = key.unwrap_or_else(|| panic!("the proof of {} does not verify", login.file));
        let session_key = rc4k(&key, message.encrypted_session_key.try_into().unwrap());
        assert_eq!(*session_key, login.session_key, "{}", login.file);

        let wrong = NtHash::of_password(&Secret::from("VagrantPass2"));
        assert!(
            ResponseKey::new(&wrong, &name)
                .verify(challenge.server_challenge, &response)
                .is_none()
        );
    }
}

/// All of them verify, also the one that the recording could not place: where the VERSION flag is off, gss-ntlmssp
/// leaves the version out and the MIC follows the flags.
#[test]
fn mics_of_recorded_logins() {
    for login in logins().unwrap_or_default() {
        let message = authenticate::Received::read(&login.authenticate).unwrap();
        let verify = |challenge: &[u8]| message.verify_mic(&login.session_key, &login.negotiate, challenge);
        verify(&login.challenge).unwrap_or_else(|error| panic!("{}: {error}", login.file));
        let mut altered = login.challenge.clone();
        altered[20] ^= 0x80;
        assert!(
            matches!(verify(&altered), Err(Error::MicWrong { what: "MIC" })),
            "{}",
            login.file
        );
    }
}

/// The writer makes the recorded response again from its own parts.
#[test]
fn responses_of_recorded_logins_are_written_again() {
    for login in logins().unwrap_or_default() {
        let challenge = challenge::read(&login.challenge).unwrap();
        let message = authenticate::Received::read(&login.authenticate).unwrap();
        let hash = NtHash::of_password(&Secret::from(text(&login.recording, "password")));
        let recorded = Received::read(message.nt_response).unwrap();
        let client_challenge = message.nt_response[32..40].try_into().unwrap();
        let made = ResponseKey::new(&hash, &message.name)
            .respond(
                challenge.server_challenge,
                client_challenge,
                recorded.time,
                &recorded.pairs,
            )
            .unwrap();
        assert_eq!(made.nt, message.nt_response, "{}", login.file);
    }
}

#[test]
fn mech_list_mics_of_recorded_logins() {
    let mut pairs = 0;
    let Some(logins) = logins() else { return };
    for login in logins {
        for (side, direction) in [
            ("client", Direction::ClientToServer),
            ("server", Direction::ServerToClient),
        ] {
            let Some(recorded) = login.recording["mech_list_mic"].get(side) else {
                continue;
            };
            let (list, mic) = (hex(text(recorded, "mech_types_der")), hex(text(recorded, "mic")));
            let mut sealing = Sealing::new(&login.session_key, direction);
            sealing.verify(&list, &mic).unwrap();
            let mut made = Sealing::new(&login.session_key, direction);
            assert_eq!(made.sign(&list).unwrap().as_slice(), mic, "{} {side}", login.file);
            pairs += 1;
        }
    }
    assert!(pairs >= 4, "{pairs} mechListMICs");
}
