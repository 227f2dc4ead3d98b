//! The server's side of the negotiation.

use super::NTLMSSP;
use super::token::{Init, Response, State as NegState};
use crate::acceptor::{AcceptStep, Accounts};
use crate::der;
use crate::error::Error;
use crate::ntlm;
use crate::session::Session;

/// One negotiation, seen by a server that can NTLM alone.
pub(crate) struct Server {
    ntlm: ntlm::Server,
    state: State,
}

enum State {
    Start,
    Chosen {
        /// What the mechListMICs are made of.
        mech_types: Vec<u8>,
        /// NTLM was not the client's first choice, so somebody may have tampered with the list.
        mic_required: bool,
    },
    Done,
    Failed,
}

impl Server {
    pub(crate) fn new(ntlm: ntlm::Server) -> Self {
        Self {
            ntlm,
            state: State::Start,
        }
    }

    pub(crate) fn step(&mut self, token: &[u8], accounts: &dyn Accounts) -> Result<AcceptStep, Error> {
        match std::mem::replace(&mut self.state, State::Failed) {
            State::Start => self.choose(&Init::read(token)?, accounts),
            State::Chosen {
                mech_types,
                mic_required,
            } => self.go_on(&Response::read(token)?, mech_types, mic_required, accounts),
            State::Done => Err(Error::OutOfTurn {
                expected: "no token after the negotiation",
                found: "another token",
            }),
            State::Failed => Err(Error::Broken),
        }
    }

    fn choose(&mut self, init: &Init<'_>, accounts: &dyn Accounts) -> Result<AcceptStep, Error> {
        if !init.mechanisms.contains(&NTLMSSP) {
            let names: Vec<_> = init
                .mechanisms
                .iter()
                .take(8)
                .map(|oid| der::dotted(oid))
                .collect();
            return Err(Error::Mechanism {
                found: names.join(", "),
            });
        }
        let first_choice = init.mechanisms.first() == Some(&NTLMSSP);
        // A token for another mechanism is dropped, the client will send one for NTLM.
        let challenge = match init.mech_token.filter(|_| first_choice) {
            Some(token) => Some(self.ntlm.step(token, accounts)?),
            None => None,
        };
        let response = Response {
            state: Some(if first_choice {
                NegState::AcceptIncomplete
            } else {
                NegState::RequestMic
            }),
            mechanism: Some(NTLMSSP),
            token: challenge.as_deref(),
            mech_list_mic: None,
        };
        self.state = State::Chosen {
            mech_types: init.mech_types.to_vec(),
            mic_required: !first_choice,
        };
        Ok(AcceptStep {
            token: response.to_bytes(),
            done: false,
        })
    }

    fn go_on(
        &mut self,
        received: &Response<'_>,
        mech_types: Vec<u8>,
        mic_required: bool,
        accounts: &dyn Accounts,
    ) -> Result<AcceptStep, Error> {
        if received.state == Some(NegState::Reject) {
            return Err(Error::Rejected);
        }
        let token = received.token.ok_or(Error::OutOfTurn {
            expected: "a token of NTLM",
            found: "none",
        })?;
        let answer = self.ntlm.step(token, accounts)?;
        if self.ntlm.principal().is_none() {
            let response = Response {
                state: Some(NegState::AcceptIncomplete),
                token: Some(&answer),
                ..Response::default()
            };
            self.state = State::Chosen {
                mech_types,
                mic_required,
            };
            return Ok(AcceptStep {
                token: response.to_bytes(),
                done: false,
            });
        }
        let mic = match received.mech_list_mic {
            Some(mic) => {
                self.ntlm.verify_mech_list(&mech_types, mic)?;
                Some(self.ntlm.sign_mech_list(&mech_types)?)
            }
            None if mic_required => return Err(Error::MicMissing { what: "mechListMIC" }),
            None => None,
        };
        let response = Response {
            state: Some(NegState::AcceptCompleted),
            mech_list_mic: mic.as_ref().map(<[u8; 16]>::as_slice),
            ..Response::default()
        };
        self.state = State::Done;
        Ok(AcceptStep {
            token: response.to_bytes(),
            done: true,
        })
    }

    /// Who logged in. Nobody before the negotiation is over, the mechListMIC included.
    pub(crate) fn principal(&self) -> Option<&str> {
        self.ntlm
            .principal()
            .filter(|_| matches!(self.state, State::Done))
    }

    pub(crate) fn into_session(self) -> Result<Session, Error> {
        match self.state {
            State::Done => self.ntlm.into_session(),
            _ => Err(Error::Incomplete),
        }
    }
}
