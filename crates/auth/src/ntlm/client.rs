//! The client's side: NEGOTIATE, then AUTHENTICATE (MS-NLMP 3.1.5).

use rand::RngCore;
use zeroize::Zeroizing;

use super::authenticate::{self, Authenticate};
use super::challenge;
use super::digest::rc4k;
use super::flags;
use super::negotiate;
use super::response::ResponseKey;
use super::sealing::{Direction, Sealing};
use crate::channel_binding::ChannelBinding;
use crate::credentials::Credentials;
use crate::error::Error;
use crate::file_time::FileTime;
use crate::initiator::Step;
use crate::session::Session;

/// One login of a client.
pub(crate) struct Client {
    credentials: Credentials,
    target: String,
    binding: Option<ChannelBinding>,
    now: FileTime,
    client_challenge: [u8; 8],
    session_key: Zeroizing<[u8; 16]>,
    state: State,
}

enum State {
    Start,
    Challenged { negotiate: Vec<u8> },
    Done(Box<Keys>),
    Failed,
}

struct Keys {
    outgoing: Sealing,
    incoming: Sealing,
    mic_sent: bool,
}

impl Client {
    pub(crate) fn new(
        credentials: &Credentials,
        target: &str,
        binding: Option<&ChannelBinding>,
        entropy: &mut dyn RngCore,
        now: FileTime,
    ) -> Self {
        let mut client_challenge = [0; 8];
        let mut session_key = Zeroizing::new([0; 16]);
        entropy.fill_bytes(&mut client_challenge);
        entropy.fill_bytes(session_key.as_mut_slice());
        Self {
            credentials: credentials.clone(),
            target: target.to_owned(),
            binding: binding.cloned(),
            now,
            client_challenge,
            session_key,
            state: State::Start,
        }
    }

    pub(crate) fn step(&mut self, incoming: Option<&[u8]>) -> Result<Step, Error> {
        let incoming = incoming.filter(|token| !token.is_empty());
        match (std::mem::replace(&mut self.state, State::Failed), incoming) {
            (State::Start, None) => {
                let token = negotiate::write()?;
                self.state = State::Challenged {
                    negotiate: token.clone(),
                };
                Ok(Step { token, done: false })
            }
            (State::Challenged { negotiate }, Some(challenge)) => {
                let (token, keys) = self.authenticate(&negotiate, challenge)?;
                self.state = State::Done(Box::new(keys));
                Ok(Step { token, done: true })
            }
            (State::Start, Some(_)) => Err(Error::OutOfTurn {
                expected: "no token before NEGOTIATE",
                found: "a token",
            }),
            (State::Challenged { .. }, None) => Err(Error::OutOfTurn {
                expected: "CHALLENGE",
                found: "no token",
            }),
            (State::Done(_), _) => Err(Error::OutOfTurn {
                expected: "no token after AUTHENTICATE",
                found: "another step",
            }),
            (State::Failed, _) => Err(Error::Broken),
        }
    }

    fn authenticate(&self, negotiate: &[u8], bytes: &[u8]) -> Result<(Vec<u8>, Keys), Error> {
        let challenge = challenge::read(bytes)?;
        flags::require(challenge::NAME, challenge.flags)?;
        let mut pairs = challenge.pairs;
        let server_time = pairs.timestamp(challenge::NAME)?;
        let mic = server_time.is_some();
        pairs.add_client_part(challenge::NAME, mic, &self.target, self.binding.as_ref())?;

        let name = self.credentials.user_name();
        let key = ResponseKey::new(&self.credentials.nt_hash()?, &name);
        let time = server_time.unwrap_or(self.now);
        let response = key.respond(challenge.server_challenge, self.client_challenge, time, &pairs)?;
        let mut token = Authenticate {
            flags: flags::agreed(challenge.flags),
            // MS-NLMP 3.1.5.1.2: with a timestamp the LM response is 24 zeros.
            lm_response: if mic { &[0; 24] } else { &response.lm },
            nt_response: &response.nt,
            name: &name,
            encrypted_session_key: rc4k(&response.key_exchange_key, &self.session_key).as_slice(),
        }
        .to_bytes()?;
        if mic {
            authenticate::insert_mic(&mut token, &self.session_key, negotiate, bytes);
        }
        let keys = Keys {
            outgoing: Sealing::new(&self.session_key, Direction::ClientToServer),
            incoming: Sealing::new(&self.session_key, Direction::ServerToClient),
            mic_sent: mic,
        };
        Ok((token, keys))
    }

    /// Whether AUTHENTICATE carried a MIC, which makes SPNEGO exchange mechListMICs too.
    pub(crate) fn mic_sent(&self) -> bool {
        matches!(&self.state, State::Done(keys) if keys.mic_sent)
    }

    /// The mechListMIC of the client; the cipher of that direction starts anew after it.
    pub(crate) fn sign_mech_list(&mut self, mech_types: &[u8]) -> Result<[u8; 16], Error> {
        let State::Done(keys) = &mut self.state else {
            return Err(Error::Incomplete);
        };
        let mic = keys.outgoing.sign(mech_types)?;
        keys.outgoing.restart_cipher();
        Ok(mic)
    }

    /// Verifies the mechListMIC of the server.
    pub(crate) fn verify_mech_list(&mut self, mech_types: &[u8], mic: &[u8]) -> Result<(), Error> {
        let State::Done(keys) = &mut self.state else {
            return Err(Error::Incomplete);
        };
        keys.incoming
            .verify(mech_types, mic)
            .map_err(|_| Error::MicWrong { what: "mechListMIC" })?;
        keys.incoming.restart_cipher();
        Ok(())
    }

    pub(crate) fn into_session(self) -> Result<Session, Error> {
        match self.state {
            State::Done(keys) => Ok(Session::ntlm(keys.outgoing, keys.incoming)),
            _ => Err(Error::Incomplete),
        }
    }
}

#[cfg(test)]
mod tests;
