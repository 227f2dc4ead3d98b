//! The client's side of one login: tickets, then AP-REQ, then the server's proof.

use rand::rngs::StdRng;
use rand::{RngCore, SeedableRng};

use super::ap;
use super::failure::Code;
use super::key::Key;
use super::message::{self, Instant, Introduction};
use super::reply::{ApReply, KrbError};
use super::sealing::{Sealing, Side};
use super::tickets::{Tickets, skew};
use super::{KdcRequest, principal};
use crate::channel_binding::ChannelBinding;
use crate::credentials::Credentials;
use crate::error::Error;
use crate::file_time::FileTime;
use crate::initiator::{Realm, Step};

/// One login.
pub(crate) struct Client {
    service: String,
    tickets: Tickets,
    binding: Option<ChannelBinding>,
    now: Instant,
    chance: StdRng,
    state: State,
}

enum State {
    Start,
    /// AP-REQ is out.
    Introduced {
        ticket_key: Key,
        subkey: Key,
        sequence: u32,
    },
    Done(Box<Sealing>),
    Failed,
}

impl Client {
    /// The login to `service` (`HTTP/host`). `None` where no realm is known for the user.
    pub(crate) fn new(
        credentials: &Credentials,
        realm: &Realm,
        service: &str,
        binding: Option<&ChannelBinding>,
        entropy: &mut dyn RngCore,
        now: FileTime,
    ) -> Option<Self> {
        let user_realm = match &realm.user {
            Some(realm) => realm.clone(),
            None => principal::realm_of_user(&credentials.user)?,
        };
        let mut seed = zeroize::Zeroizing::new([0; 32]);
        entropy.fill_bytes(seed.as_mut_slice());
        let mut chance = StdRng::from_seed(*seed);
        let mut seed = zeroize::Zeroizing::new([0; 32]);
        chance.fill_bytes(seed.as_mut_slice());
        let for_tickets = StdRng::from_seed(*seed);
        let now = now.unix_seconds_and_micros();
        let server_realm = realm.server.as_deref();
        Some(Self {
            service: service.to_owned(),
            tickets: Tickets::new(credentials, &user_realm, service, server_realm, now, for_tickets),
            binding: binding.cloned(),
            now,
            chance,
            state: State::Start,
        })
    }

    /// What to ask a KDC before the first token.
    pub(crate) fn request(&self) -> Option<KdcRequest> {
        self.tickets.request()
    }

    /// Takes a KDC's answer.
    pub(crate) fn reply(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.tickets.reply(bytes)
    }

    pub(crate) fn step(&mut self, incoming: Option<&[u8]>) -> Result<Step, Error> {
        let incoming = incoming.filter(|token| !token.is_empty());
        match (std::mem::replace(&mut self.state, State::Failed), incoming) {
            (State::Start, None) => self.introduce(),
            (
                State::Introduced {
                    ticket_key,
                    subkey,
                    sequence,
                },
                Some(token),
            ) => self.check(token, &ticket_key, subkey, sequence),
            (State::Start, Some(_)) => Err(Error::OutOfTurn {
                expected: "no token before AP-REQ",
                found: "a token",
            }),
            (State::Introduced { .. }, None) => Err(Error::OutOfTurn {
                expected: "AP-REP",
                found: "no token",
            }),
            (State::Done(_), _) => Err(Error::OutOfTurn {
                expected: "no token after AP-REP",
                found: "another step",
            }),
            (State::Failed, _) => Err(Error::Broken),
        }
    }

    fn introduce(&mut self) -> Result<Step, Error> {
        let Some(ticket) = self.tickets.ticket() else {
            return Err(Error::NoTicket {
                service: self.service.clone(),
            });
        };
        let subkey = Key::random(ticket.key.kind(), &mut self.chance);
        // Far from the end of the numbers, and positive for those who read them signed.
        let sequence = self.chance.next_u32() & 0x3fff_ffff;
        let introduction = Introduction {
            now: self.now,
            gss: &ap::checksum(self.binding.as_ref()),
            subkey: &subkey,
            sequence,
        };
        let request = message::introduction(ticket, &introduction, &mut self.chance)?;
        self.state = State::Introduced {
            ticket_key: ticket.key.clone(),
            subkey,
            sequence,
        };
        Ok(Step {
            token: ap::frame(ap::AP_REQ_TOKEN, &request),
            done: false,
        })
    }

    /// The server proves that it could read the ticket by sending the client's time back under its key.
    fn check(&mut self, token: &[u8], ticket_key: &Key, subkey: Key, sequence: u32) -> Result<Step, Error> {
        let message = match ap::unframe(token)? {
            (ap::AP_REP_TOKEN, message) => message,
            (ap::ERROR_TOKEN, message) => return Err(self.refusal(&KrbError::read(message)?)),
            (other, _) => {
                return Err(Error::Malformed {
                    message: "Kerberos token",
                    expected: "AP-REP",
                    found: format!("{:#04x} {:#04x}", other[0], other[1]),
                });
            }
        };
        let unproven = || Error::ServerUnproven {
            service: self.service.clone(),
        };
        let reply = ApReply::read(message, ticket_key)?.ok_or_else(unproven)?;
        if (reply.seconds, reply.micros) != (self.now.0, i64::from(self.now.1)) {
            return Err(unproven());
        }
        let acceptor_subkey = reply.subkey.is_some();
        let mut seed = zeroize::Zeroizing::new([0; 32]);
        self.chance.fill_bytes(seed.as_mut_slice());
        let sealing = Sealing::new(
            reply.subkey.unwrap_or(subkey),
            acceptor_subkey,
            Side::Initiator,
            sequence,
            StdRng::from_seed(*seed),
        );
        self.state = State::Done(Box::new(sealing));
        Ok(Step {
            token: Vec::new(),
            done: true,
        })
    }

    fn refusal(&self, error: &KrbError) -> Error {
        if error.code == Code::SKEW {
            return skew(self.service.clone(), self.now, error);
        }
        Error::ServerRefused {
            service: self.service.clone(),
            code: error.code,
            text: error.text.clone(),
        }
    }

    /// The mechListMIC of the client.
    pub(crate) fn sign_mech_list(&mut self, mech_types: &[u8]) -> Result<Vec<u8>, Error> {
        match &mut self.state {
            State::Done(sealing) => sealing.sign(mech_types),
            _ => Err(Error::Incomplete),
        }
    }

    /// Verifies the mechListMIC of the server.
    pub(crate) fn verify_mech_list(&self, mech_types: &[u8], mic: &[u8]) -> Result<(), Error> {
        match &self.state {
            State::Done(sealing) if sealing.verify(mech_types, mic)? => Ok(()),
            State::Done(_) => Err(Error::MicWrong { what: "mechListMIC" }),
            _ => Err(Error::Incomplete),
        }
    }

    pub(crate) fn into_sealing(self) -> Result<Sealing, Error> {
        match self.state {
            State::Done(sealing) => Ok(*sealing),
            _ => Err(Error::Incomplete),
        }
    }
}
