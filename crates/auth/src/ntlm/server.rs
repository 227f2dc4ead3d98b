//! The server's side: CHALLENGE, then the judgement over AUTHENTICATE (MS-NLMP 3.2.5).

use ntlmclient::{Flags, TargetInfoType};
use rand::RngCore;
use zeroize::Zeroizing;

use super::authenticate::{self, Received};
use super::av_pairs::AvPairs;
use super::challenge;
use super::digest::{rc4k, same_bytes, utf16};
use super::flags;
use super::negotiate;
use super::response::{self, ResponseKey};
use super::sealing::{Direction, Sealing};
use crate::acceptor::{Accounts, BindingPolicy};
use crate::error::Error;
use crate::file_time::FileTime;
use crate::session::Session;

/// How old an NTLMv2 response may be (MaxLifetime of MS-NLMP 3.1.1.1): 36 hours.
const MAX_LIFETIME: u64 = 36 * 60 * 60;

/// The names that a CHALLENGE tells.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    pub(crate) netbios_domain: String,
    pub(crate) netbios_computer: String,
    pub(crate) dns_domain: String,
    pub(crate) dns_computer: String,
}

/// One login, seen by the server.
pub(crate) struct Server {
    names: Names,
    binding: BindingPolicy,
    now: FileTime,
    server_challenge: [u8; 8],
    state: State,
}

enum State {
    Start,
    Challenged { negotiate: Vec<u8>, challenge: Vec<u8> },
    Done(Box<Accepted>),
    Failed,
}

struct Accepted {
    principal: String,
    outgoing: Sealing,
    incoming: Sealing,
}

impl Server {
    pub(crate) fn new(
        names: Names,
        binding: BindingPolicy,
        entropy: &mut dyn RngCore,
        now: FileTime,
    ) -> Self {
        let mut server_challenge = [0; 8];
        entropy.fill_bytes(&mut server_challenge);
        Self {
            names,
            binding,
            now,
            server_challenge,
            state: State::Start,
        }
    }

    /// The token to answer with, empty when the login is complete.
    pub(crate) fn step(&mut self, token: &[u8], accounts: &dyn Accounts) -> Result<Vec<u8>, Error> {
        match std::mem::replace(&mut self.state, State::Failed) {
            State::Start => {
                let challenge = self.challenge(negotiate::read(token)?)?;
                self.state = State::Challenged {
                    negotiate: token.to_vec(),
                    challenge: challenge.clone(),
                };
                Ok(challenge)
            }
            State::Challenged { negotiate, challenge } => {
                let accepted = self.accept(&negotiate, &challenge, token, accounts)?;
                self.state = State::Done(Box::new(accepted));
                Ok(Vec::new())
            }
            State::Done(_) => Err(Error::OutOfTurn {
                expected: "no token after AUTHENTICATE",
                found: "another token",
            }),
            State::Failed => Err(Error::Broken),
        }
    }

    fn challenge(&self, offered: Flags) -> Result<Vec<u8>, Error> {
        flags::require("NEGOTIATE", offered)?;
        let mut pairs = AvPairs::default();
        for (id, name) in [
            (TargetInfoType::NtDomain, &self.names.netbios_domain),
            (TargetInfoType::NtServer, &self.names.netbios_computer),
            (TargetInfoType::DnsDomain, &self.names.dns_domain),
            (TargetInfoType::DnsServer, &self.names.dns_computer),
        ] {
            pairs.set(id, utf16(name));
        }
        pairs.set(TargetInfoType::Timestamp, self.now.ticks().to_le_bytes().to_vec());
        challenge::write(
            flags::chosen(offered),
            &self.names.netbios_domain,
            self.server_challenge,
            &pairs,
        )
    }

    fn accept(
        &self,
        negotiate: &[u8],
        challenge: &[u8],
        token: &[u8],
        accounts: &dyn Accounts,
    ) -> Result<Accepted, Error> {
        let message = Received::read(token)?;
        flags::require(authenticate::NAME, message.flags)?;
        let response = response::Received::read(message.nt_response)?;
        let principal = message.name.to_string();
        let Some(hash) = accounts.nt_hash(&message.name.domain, &message.name.user) else {
            return Err(Error::UnknownUser { principal });
        };
        let key = ResponseKey::new(&hash, &message.name);
        let Some(key_exchange_key) = key.verify(self.server_challenge, &response) else {
            return Err(Error::WrongPassword { principal });
        };
        // From here on the response is known to come from the account's owner, AV pairs included.
        let seconds = self.now.seconds_apart(response.time);
        if seconds > MAX_LIFETIME {
            return Err(Error::Stale {
                seconds,
                allowed: MAX_LIFETIME,
            });
        }
        let encrypted = message
            .encrypted_session_key
            .try_into()
            .map_err(|_| Error::Malformed {
                message: authenticate::NAME,
                expected: "a session key of 16 bytes",
                found: format!("{} bytes", message.encrypted_session_key.len()),
            })?;
        let session_key: Zeroizing<[u8; 16]> = rc4k(&key_exchange_key, encrypted);
        // Every CHALLENGE of ours has a timestamp, so every client owes a MIC (MS-NLMP 3.1.5.1.2). One that does not
        // announce it saw a CHALLENGE from which somebody had removed the timestamp.
        if !response.pairs.announces_mic(authenticate::NAME)? {
            return Err(Error::MicMissing { what: "MIC" });
        }
        message.verify_mic(&session_key, negotiate, challenge)?;
        self.check_binding(&response.pairs)?;
        Ok(Accepted {
            principal,
            outgoing: Sealing::new(&session_key, Direction::ServerToClient),
            incoming: Sealing::new(&session_key, Direction::ClientToServer),
        })
    }

    fn check_binding(&self, pairs: &AvPairs) -> Result<(), Error> {
        let (expected, strict) = match &self.binding {
            BindingPolicy::Ignore => return Ok(()),
            BindingPolicy::Relaxed(binding) => (binding, false),
            BindingPolicy::Strict(binding) => (binding, true),
        };
        // Sixteen zeros say that the client knows of no TLS channel.
        let found = pairs
            .get(TargetInfoType::ChannelBindings)
            .filter(|hash| hash.iter().any(|&byte| byte != 0));
        match found {
            Some(hash) if same_bytes(hash, &expected.hash()) => Ok(()),
            Some(_) => Err(Error::ChannelBindingWrong),
            None if strict => Err(Error::ChannelBindingMissing),
            None => Ok(()),
        }
    }

    /// `DOMAIN\user` as the client named itself, once it is accepted.
    pub(crate) fn principal(&self) -> Option<&str> {
        match &self.state {
            State::Done(accepted) => Some(&accepted.principal),
            _ => None,
        }
    }

    /// Verifies the mechListMIC of the client.
    pub(crate) fn verify_mech_list(&mut self, mech_types: &[u8], mic: &[u8]) -> Result<(), Error> {
        let State::Done(accepted) = &mut self.state else {
            return Err(Error::Incomplete);
        };
        accepted
            .incoming
            .verify(mech_types, mic)
            .map_err(|_| Error::MicWrong { what: "mechListMIC" })?;
        accepted.incoming.restart_cipher();
        Ok(())
    }

    /// The mechListMIC of the server; the cipher of that direction starts anew after it.
    pub(crate) fn sign_mech_list(&mut self, mech_types: &[u8]) -> Result<[u8; 16], Error> {
        let State::Done(accepted) = &mut self.state else {
            return Err(Error::Incomplete);
        };
        let mic = accepted.outgoing.sign(mech_types)?;
        accepted.outgoing.restart_cipher();
        Ok(mic)
    }

    pub(crate) fn into_session(self) -> Result<Session, Error> {
        match self.state {
            State::Done(accepted) => Ok(Session::ntlm(accepted.outgoing, accepted.incoming)),
            _ => Err(Error::Incomplete),
        }
    }
}
