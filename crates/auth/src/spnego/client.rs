//! The client's side of the negotiation.

use super::NTLMSSP;
use super::token::{self, Init, Response, State as NegState};
use crate::der;
use crate::error::Error;
use crate::initiator::Step;
use crate::kerberos::{self, KRB5, KdcRequest, MS_KRB5};
use crate::multipart;
use crate::ntlm;
use crate::session::Session;

/// One negotiation of a client. It offers Kerberos first where there is a ticket, and NTLM.
pub(crate) struct Client {
    kerberos: Option<Box<kerberos::Client>>,
    kerberos_failure: Option<Error>,
    ntlm: ntlm::Client,
    mech_types: Vec<u8>,
    state: State,
}

#[derive(Clone, Copy)]
enum State {
    Start,
    /// AP-REQ is out as the first choice, and NTLM offered.
    Offered,
    /// NEGOTIATE is out.
    Negotiating {
        /// NTLM was not the first choice, so the list of mechanisms must be protected.
        second_choice: bool,
    },
    /// All is proven; with `mic` the server owes its mechListMIC.
    Proven {
        mic: bool,
    },
    Done,
    Failed,
}

impl Client {
    pub(crate) fn new(kerberos: Option<kerberos::Client>, ntlm: ntlm::Client) -> Self {
        Self {
            kerberos: kerberos.map(Box::new),
            kerberos_failure: None,
            ntlm,
            mech_types: Vec::new(),
            state: State::Start,
        }
    }

    pub(crate) fn kdc_request(&self) -> Option<KdcRequest> {
        self.kerberos.as_ref().and_then(|kerberos| kerberos.request())
    }

    pub(crate) fn kdc_reply(&mut self, message: &[u8]) -> Result<(), Error> {
        let Some(kerberos) = &mut self.kerberos else {
            return Err(Error::OutOfTurn {
                expected: "no answer of a KDC",
                found: "one",
            });
        };
        match kerberos.reply(message) {
            Ok(()) => Ok(()),
            Err(error) => self.without_kerberos(error),
        }
    }

    /// Goes on with NTLM, unless the password itself was refused: NTLM would only count a second failure.
    pub(crate) fn without_kerberos(&mut self, error: Error) -> Result<(), Error> {
        match error {
            Error::WrongPassword { .. } => Err(error),
            Error::Kdc { code, .. } if kerberos::Code::is_about_the_account(code) => Err(error),
            error => {
                self.kerberos = None;
                self.kerberos_failure = Some(error);
                Ok(())
            }
        }
    }

    pub(crate) fn kerberos_failure(&self) -> Option<&Error> {
        self.kerberos_failure.as_ref()
    }

    pub(crate) fn step(&mut self, incoming: Option<&[u8]>) -> Result<Step, Error> {
        let incoming = incoming.filter(|token| !token.is_empty());
        match (std::mem::replace(&mut self.state, State::Failed), incoming) {
            (State::Start, None) => self.offer(),
            (State::Offered, Some(token)) => self.chosen(&Response::read(token)?),
            (State::Negotiating { second_choice }, Some(token)) => {
                self.prove(&Response::read(token)?, second_choice)
            }
            (State::Proven { mic }, Some(token)) => self.conclude(&Response::read(token)?, mic),
            (State::Start, Some(_)) => Err(Error::OutOfTurn {
                expected: "no token before NegTokenInit",
                found: "a token",
            }),
            (State::Offered | State::Negotiating { .. } | State::Proven { .. }, None) => {
                Err(Error::OutOfTurn {
                    expected: "NegTokenResp",
                    found: "no token",
                })
            }
            (State::Done, _) => Err(Error::OutOfTurn {
                expected: "no token after the negotiation",
                found: "another step",
            }),
            (State::Failed, _) => Err(Error::Broken),
        }
    }

    fn offer(&mut self) -> Result<Step, Error> {
        let token = match &mut self.kerberos {
            Some(kerberos) => {
                self.mech_types = token::mech_types(&[KRB5, NTLMSSP]);
                self.state = State::Offered;
                kerberos.step(None)?.token
            }
            None => {
                self.mech_types = token::mech_types(&[NTLMSSP]);
                self.state = State::Negotiating { second_choice: false };
                self.ntlm.step(None)?.token
            }
        };
        Ok(Step {
            token: Init::write(&self.mech_types, &token),
            done: false,
        })
    }

    /// The server took Kerberos and proves itself, or wants NTLM.
    fn chosen(&mut self, answer: &Response<'_>) -> Result<Step, Error> {
        match answer.mechanism {
            Some(NTLMSSP) => return self.turn_to_ntlm(answer),
            None | Some(KRB5 | MS_KRB5) => {}
            Some(other) => {
                return Err(Error::Mechanism {
                    found: der::dotted(other),
                });
            }
        }
        // A server that rejects a ticket says why in its token.
        let Some(kerberos) = &mut self.kerberos else {
            return Err(Error::Broken);
        };
        match (answer.token, answer.state) {
            (Some(token), _) => kerberos.step(Some(token))?,
            (None, Some(NegState::Reject)) => return Err(Error::Rejected),
            (None, _) => kerberos.step(None)?,
        };
        let mic_requested = match answer.state {
            Some(NegState::Reject) => return Err(Error::Rejected),
            Some(NegState::AcceptCompleted) => false,
            Some(NegState::AcceptIncomplete | NegState::RequestMic) | None => true,
        };
        if let Some(found) = answer.mech_list_mic {
            kerberos.verify_mech_list(&self.mech_types, found)?;
        }
        if !mic_requested {
            self.state = State::Done;
            return Ok(Step {
                token: Vec::new(),
                done: true,
            });
        }
        let mic = kerberos.sign_mech_list(&self.mech_types)?;
        let response = Response {
            state: Some(NegState::AcceptCompleted),
            mech_list_mic: Some(&mic),
            ..Response::default()
        };
        // The server owes its own, unless it came already.
        self.state = State::Proven {
            mic: answer.mech_list_mic.is_none(),
        };
        Ok(Step {
            token: response.to_bytes(),
            done: answer.mech_list_mic.is_some(),
        })
    }

    fn turn_to_ntlm(&mut self, answer: &Response<'_>) -> Result<Step, Error> {
        match answer.state {
            Some(NegState::Reject) => return Err(Error::Rejected),
            Some(NegState::AcceptCompleted) => {
                return Err(Error::OutOfTurn {
                    expected: "a round of NTLM",
                    found: "accept-completed",
                });
            }
            Some(NegState::AcceptIncomplete | NegState::RequestMic) | None => {}
        }
        if answer.token.is_some() {
            return Err(Error::OutOfTurn {
                expected: "no token before NEGOTIATE",
                found: "a responseToken",
            });
        }
        self.kerberos = None;
        let negotiate = self.ntlm.step(None)?.token;
        let response = Response {
            state: Some(NegState::AcceptIncomplete),
            token: Some(&negotiate),
            ..Response::default()
        };
        self.state = State::Negotiating { second_choice: true };
        Ok(Step {
            token: response.to_bytes(),
            done: false,
        })
    }

    /// Answers the CHALLENGE.
    fn prove(&mut self, offer: &Response<'_>, second_choice: bool) -> Result<Step, Error> {
        let mic_requested = match offer.state {
            Some(NegState::Reject) => return Err(Error::Rejected),
            Some(NegState::AcceptCompleted) => {
                return Err(Error::OutOfTurn {
                    expected: "CHALLENGE",
                    found: "accept-completed",
                });
            }
            Some(NegState::RequestMic) => true,
            Some(NegState::AcceptIncomplete) | None => second_choice,
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
                expected: "no token after the last one",
                found: "a responseToken",
            });
        }
        match (answer.mech_list_mic, &self.kerberos) {
            (Some(found), Some(kerberos)) => kerberos.verify_mech_list(&self.mech_types, found)?,
            (Some(found), None) => self.ntlm.verify_mech_list(&self.mech_types, found)?,
            (None, _) if mic => return Err(Error::MicMissing { what: "mechListMIC" }),
            (None, _) => {}
        }
        self.state = State::Done;
        Ok(Step {
            token: Vec::new(),
            done: true,
        })
    }

    pub(crate) fn into_session(self) -> Result<Session, Error> {
        match (self.state, self.kerberos) {
            (State::Done | State::Proven { mic: false }, Some(kerberos)) => {
                Ok(Session::kerberos(kerberos.into_sealing()?, multipart::SPNEGO))
            }
            (State::Done | State::Proven { mic: false }, None) => self.ntlm.into_session(),
            _ => Err(Error::Incomplete),
        }
    }
}
