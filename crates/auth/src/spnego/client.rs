//! The client's side of the negotiation.

use super::NTLMSSP;
use super::token::{self, Init, Response, State as NegState};
use crate::der;
use crate::error::Error;
use crate::initiator::Step;
use crate::ntlm;
use crate::session::Session;

/// One negotiation of a client, which offers NTLM alone.
pub(crate) struct Client {
    ntlm: ntlm::Client,
    mech_types: Vec<u8>,
    state: State,
}

#[derive(Clone, Copy)]
enum State {
    Start,
    Offered,
    /// AUTHENTICATE is out; with `mic` the server owes its mechListMIC.
    Proven {
        mic: bool,
    },
    Done,
    Failed,
}

impl Client {
    pub(crate) fn new(ntlm: ntlm::Client) -> Self {
        Self {
            ntlm,
            mech_types: token::mech_types(&[NTLMSSP]),
            state: State::Start,
        }
    }

    pub(crate) fn step(&mut self, incoming: Option<&[u8]>) -> Result<Step, Error> {
        let incoming = incoming.filter(|token| !token.is_empty());
        match (std::mem::replace(&mut self.state, State::Failed), incoming) {
            (State::Start, None) => {
                let negotiate = self.ntlm.step(None)?.token;
                self.state = State::Offered;
                Ok(Step {
                    token: Init::write(&self.mech_types, &negotiate),
                    done: false,
                })
            }
            (State::Offered, Some(token)) => self.prove(&Response::read(token)?),
            (State::Proven { mic }, Some(token)) => self.conclude(&Response::read(token)?, mic),
            (State::Start, Some(_)) => Err(Error::OutOfTurn {
                expected: "no token before NegTokenInit",
                found: "a token",
            }),
            (State::Offered | State::Proven { .. }, None) => Err(Error::OutOfTurn {
                expected: "NegTokenResp",
                found: "no token",
            }),
            (State::Done, _) => Err(Error::OutOfTurn {
                expected: "no token after the negotiation",
                found: "another step",
            }),
            (State::Failed, _) => Err(Error::Broken),
        }
    }

    /// Answers the CHALLENGE.
    fn prove(&mut self, offer: &Response<'_>) -> Result<Step, Error> {
        let mic_requested = match offer.state {
            Some(NegState::Reject) => return Err(Error::Rejected),
            Some(NegState::AcceptCompleted) => {
                return Err(Error::OutOfTurn {
                    expected: "CHALLENGE",
                    found: "accept-completed",
                });
            }
            Some(NegState::RequestMic) => true,
            Some(NegState::AcceptIncomplete) | None => false,
        };
        if let Some(other) = offer.mechanism.filter(|&mechanism| mechanism != NTLMSSP) {
            return Err(Error::Mechanism {
                found: der::dotted(other),
            });
        }
        let authenticate = self.ntlm.step(Some(offer.token.unwrap_or_default()))?.token;
        let mic = match mic_requested || self.ntlm.mic_sent() {
            true => Some(self.ntlm.sign_mech_list(&self.mech_types)?),
            false => None,
        };
        let response = Response {
            state: Some(NegState::AcceptIncomplete),
            mechanism: None,
            token: Some(&authenticate),
            mech_list_mic: mic.as_ref().map(<[u8; 16]>::as_slice),
        };
        self.state = State::Proven { mic: mic.is_some() };
        Ok(Step {
            token: response.to_bytes(),
            done: mic.is_none(),
        })
    }

    /// Takes the server's yes.
    fn conclude(&mut self, answer: &Response<'_>, mic: bool) -> Result<Step, Error> {
        match answer.state {
            Some(NegState::AcceptCompleted) | None => {}
            Some(NegState::Reject) => return Err(Error::Rejected),
            Some(NegState::AcceptIncomplete | NegState::RequestMic) => {
                return Err(Error::OutOfTurn {
                    expected: "accept-completed",
                    found: "a further round",
                });
            }
        }
        if answer.token.is_some() {
            return Err(Error::OutOfTurn {
                expected: "no token after AUTHENTICATE",
                found: "a responseToken",
            });
        }
        match answer.mech_list_mic {
            Some(found) => self.ntlm.verify_mech_list(&self.mech_types, found)?,
            None if mic => return Err(Error::MicMissing { what: "mechListMIC" }),
            None => {}
        }
        self.state = State::Done;
        Ok(Step {
            token: Vec::new(),
            done: true,
        })
    }

    pub(crate) fn into_session(self) -> Result<Session, Error> {
        match self.state {
            State::Done | State::Proven { mic: false } => self.ntlm.into_session(),
            _ => Err(Error::Incomplete),
        }
    }
}
