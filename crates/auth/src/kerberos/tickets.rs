//! From a user and a password to a ticket for the server: the exchanges with KDCs (RFC 4120 3.1 and 3.3).

use rand::RngCore;
use rand::rngs::StdRng;

use super::KdcRequest;
use super::encryption::{EncryptionType, Usage};
use super::failure::Code;
use super::key::Key;
use super::message::{self, AS_REP, Instant, Request, TGS_REP};
use super::principal::Principal;
use super::reply::{self, KdcAnswer, KdcReply, KeyHint, KrbError, Ticket};
use crate::credentials::Credentials;
use crate::error::Error;

/// No forest is so deep. It ends the walk where KDCs send each other's clients in circles.
const MOST_HOPS: u8 = 10;

/// The exchanges of one login.
pub(crate) struct Tickets {
    credentials: Credentials,
    client: Principal,
    service: Principal,
    /// The server's realm, where it is known to differ from the user's.
    server_realm: Option<String>,
    /// The types that are asked for.
    kinds: &'static [EncryptionType],
    now: Instant,
    chance: StdRng,
    hops: u8,
    state: State,
}

/// Of the types that a KDC is asked for, the user's key is made for the first one that it may be made for, and the
/// session key is of any.
const RC4_ALONE: &[EncryptionType] = &[EncryptionType::Rc4];
const RC4_FIRST: &[EncryptionType] = &[
    EncryptionType::Rc4,
    EncryptionType::Aes256,
    EncryptionType::Aes128,
];

enum State {
    /// An AS-REQ is out.
    Asking {
        realm: String,
        nonce: u32,
        /// The key that the encrypted time was made with.
        proof: Option<Key>,
        message: Vec<u8>,
    },
    /// A TGS-REQ is out.
    Granted {
        realm: String,
        nonce: u32,
        granting: Box<Ticket>,
        asked: Principal,
        message: Vec<u8>,
    },
    Done(Box<Ticket>),
    Failed,
}

impl Tickets {
    pub(crate) fn new(
        credentials: &Credentials,
        realm: &str,
        service: &str,
        server_realm: Option<&str>,
        now: Instant,
        chance: StdRng,
    ) -> Self {
        let mut tickets = Self {
            credentials: credentials.clone(),
            client: Principal::of_user(&credentials.user, realm),
            service: Principal::service(service),
            server_realm: server_realm.map(str::to_owned),
            kinds: match credentials.password.is_nt_hash() {
                true => RC4_ALONE,
                false => &EncryptionType::ALL,
            },
            now,
            chance,
            hops: 0,
            state: State::Failed,
        };
        tickets.ask(realm.to_owned(), None, None);
        tickets
    }

    /// What to send, and whose KDC to. `None` once there is a ticket, or will never be one.
    pub(crate) fn request(&self) -> Option<KdcRequest> {
        match &self.state {
            State::Asking { realm, message, .. } | State::Granted { realm, message, .. } => {
                Some(KdcRequest {
                    realm: realm.clone(),
                    message: message.clone(),
                })
            }
            State::Done(_) | State::Failed => None,
        }
    }

    /// Takes the answer.
    pub(crate) fn reply(&mut self, bytes: &[u8]) -> Result<(), Error> {
        match std::mem::replace(&mut self.state, State::Failed) {
            State::Asking {
                realm, nonce, proof, ..
            } => match KdcAnswer::read(bytes, AS_REP)? {
                KdcAnswer::Reply(reply) => self.identified(*reply, realm, nonce, proof.as_ref()),
                KdcAnswer::Error(error) => self.not_identified(realm, proof.is_some(), *error),
            },
            State::Granted {
                realm,
                nonce,
                granting,
                asked,
                ..
            } => match KdcAnswer::read(bytes, TGS_REP)? {
                KdcAnswer::Reply(reply) => self.granted(*reply, &realm, nonce, &granting),
                KdcAnswer::Error(error) => self.not_granted(realm, *granting, &asked, &error),
            },
            State::Done(_) | State::Failed => Err(Error::OutOfTurn {
                expected: "no answer of a KDC",
                found: "one",
            }),
        }
    }

    /// The ticket, once there is one.
    pub(crate) fn ticket(&self) -> Option<&Ticket> {
        match &self.state {
            State::Done(ticket) => Some(ticket),
            _ => None,
        }
    }

    /// Puts an AS-REQ out.
    fn ask(&mut self, realm: String, proof: Option<Key>, encrypted_time: Option<&[u8]>) {
        let nonce = self.nonce();
        let server = Principal::ticket_granting(&realm);
        let request = Request {
            realm: &realm,
            server: &server,
            kinds: self.kinds,
            nonce,
        };
        let message = message::as_request(&request, &self.client, encrypted_time);
        self.state = State::Asking {
            realm,
            nonce,
            proof,
            message,
        };
    }

    /// The KDC says no, or wants proof.
    fn not_identified(&mut self, realm: String, proven: bool, error: KrbError) -> Result<(), Error> {
        match error.code {
            Code::PREAUTH_REQUIRED if !proven => {
                let hints = error.key_hints()?;
                let hint = self.choose(&hints, &realm)?;
                let key = self.user_key(hint, self.client.default_salt(&realm))?;
                let time = message::encrypted_time(&key, self.now, &mut self.chance)?;
                self.ask(realm, Some(key), Some(&time));
                Ok(())
            }
            Code::WRONG_REALM => match error.client_realm.clone() {
                Some(next) if !next.eq_ignore_ascii_case(&realm) && !next.is_empty() => {
                    self.hop(&realm)?;
                    self.ask(next, None, None);
                    Ok(())
                }
                _ => Err(self.refusal(&realm, &self.client, &error)),
            },
            // Windows takes the strongest type that it is asked for, MIT has no session keys of RC4.
            Code::NO_COMMON_ENCRYPTION if self.kinds == RC4_ALONE => {
                self.kinds = RC4_FIRST;
                self.ask(realm, None, None);
                Ok(())
            }
            // A suffix that is a realm's name can still be somebody's own suffix.
            Code::CLIENT_UNKNOWN if self.credentials.user.contains('@') && !self.client.is_enterprise() => {
                self.client = Principal::enterprise(&self.credentials.user_name().user);
                self.ask(realm, None, None);
                Ok(())
            }
            _ => Err(self.refusal(&realm, &self.client, &error)),
        }
    }

    /// The ticket-granting ticket.
    fn identified(
        &mut self,
        reply: KdcReply,
        realm: String,
        nonce: u32,
        proof: Option<&Key>,
    ) -> Result<(), Error> {
        let kind = EncryptionType::from_number(reply.kind).filter(|&kind| self.is_possible(kind));
        let Some(kind) = kind else {
            return Err(self.no_common_encryption(&realm));
        };
        let hints = reply::key_hints(&reply.padata);
        let hint = hints.iter().find(|hint| hint.kind == kind);
        let key = match (proof.filter(|proof| proof.kind() == kind), hint) {
            (Some(proof), None | Some(KeyHint { salt: None, .. })) => proof.clone(),
            (_, Some(hint)) => self.user_key(hint, self.client.default_salt(&reply.client_realm))?,
            (None, None) => {
                let hint = KeyHint {
                    kind,
                    salt: None,
                    parameters: None,
                };
                self.user_key(&hint, self.client.default_salt(&reply.client_realm))?
            }
        };
        let Some((ticket, server)) = reply.open(&key, Usage::AsReply, nonce)? else {
            return Err(Error::WrongPassword {
                principal: format!("{}@{realm}", self.client),
            });
        };
        let Some(granting) = server.granting_realm() else {
            return Err(Error::Malformed {
                message: "AS-REP",
                expected: "a ticket for the ticket-granting service",
                found: server.components.join("/").escape_debug().to_string(),
            });
        };
        self.request_service(granting.to_owned(), ticket)
    }

    /// Puts a TGS-REQ out, to the KDC of the realm that the ticket is good in.
    fn request_service(&mut self, realm: String, granting: Ticket) -> Result<(), Error> {
        let asked = match &self.server_realm {
            Some(server) if !server.eq_ignore_ascii_case(&realm) => Principal::ticket_granting(server),
            _ => self.service.clone(),
        };
        let nonce = self.nonce();
        let request = Request {
            realm: &realm,
            server: &asked,
            kinds: &EncryptionType::ALL,
            nonce,
        };
        let message = message::tgs_request(&request, &granting, self.now, &mut self.chance)?;
        self.state = State::Granted {
            realm,
            nonce,
            granting: Box::new(granting),
            asked,
            message,
        };
        Ok(())
    }

    /// A ticket for the server, or one for a KDC that is nearer to it (RFC 6806 8).
    fn granted(&mut self, reply: KdcReply, realm: &str, nonce: u32, granting: &Ticket) -> Result<(), Error> {
        let mismatch = |found: String| Error::Malformed {
            message: "TGS-REP",
            expected: "a part encrypted with the session key",
            found,
        };
        if reply.kind != granting.key.kind().number() {
            return Err(mismatch(format!("encryption type {}", reply.kind)));
        }
        let opened = reply.open(&granting.key, Usage::TgsReply, nonce)?;
        let (ticket, server) = opened.ok_or_else(|| mismatch("one that does not decrypt".to_owned()))?;
        match server.granting_realm() {
            None => {
                self.state = State::Done(Box::new(ticket));
                Ok(())
            }
            Some(next) if next.eq_ignore_ascii_case(realm) => Err(Error::Malformed {
                message: "TGS-REP",
                expected: "a ticket for the server or for another realm",
                found: format!("one for {realm} again"),
            }),
            Some(next) => {
                self.hop(realm)?;
                self.request_service(next.to_owned(), ticket)
            }
        }
    }

    fn not_granted(
        &mut self,
        realm: String,
        granting: Ticket,
        asked: &Principal,
        error: &KrbError,
    ) -> Result<(), Error> {
        // No way is known to the server's realm by its name. Perhaps one is known to the service itself.
        if error.code == Code::SERVER_UNKNOWN && *asked != self.service {
            self.server_realm = None;
            return self.request_service(realm, granting);
        }
        Err(self.refusal(&realm, asked, error))
    }

    fn refusal(&self, realm: &str, principal: &Principal, error: &KrbError) -> Error {
        if error.code == Code::SKEW {
            return skew(format!("the KDC of {realm}"), self.now, error);
        }
        Error::Kdc {
            realm: realm.to_owned(),
            principal: principal.to_string(),
            code: error.code,
            text: error.text.clone(),
        }
    }

    /// The first type that the KDC offers and that is possible here.
    fn choose<'a>(&self, hints: &'a [KeyHint], realm: &str) -> Result<&'a KeyHint, Error> {
        hints
            .iter()
            .find(|hint| self.is_possible(hint.kind))
            .ok_or_else(|| self.no_common_encryption(realm))
    }

    fn no_common_encryption(&self, realm: &str) -> Error {
        Error::Kdc {
            realm: realm.to_owned(),
            principal: self.client.to_string(),
            code: Code::NO_COMMON_ENCRYPTION,
            text: None,
        }
    }

    fn user_key(&self, hint: &KeyHint, default_salt: Vec<u8>) -> Result<Key, Error> {
        let salt = hint.salt.clone().unwrap_or(default_salt);
        Key::of_user(hint.kind, &self.credentials, &salt, hint.parameters.as_deref())
    }

    /// Whether the user's secret can make a key of this type.
    fn is_possible(&self, kind: EncryptionType) -> bool {
        kind == EncryptionType::Rc4 || !self.credentials.password.is_nt_hash()
    }

    /// Windows and MIT read a nonce as a signed number.
    fn nonce(&mut self) -> u32 {
        self.chance.next_u32() & 0x7fff_ffff
    }

    fn hop(&mut self, realm: &str) -> Result<(), Error> {
        self.hops += 1;
        match self.hops <= MOST_HOPS {
            true => Ok(()),
            false => Err(Error::Malformed {
                message: "the referrals of KDCs",
                expected: "an end after 10 realms",
                found: format!("another one from {realm}"),
            }),
        }
    }
}

/// What a skew means in seconds, where the peer told its time.
pub(super) fn skew(peer: String, now: Instant, error: &KrbError) -> Error {
    let ours = i128::from(now.0);
    let theirs = i128::from(error.server_time);
    Error::ClockSkew {
        peer,
        seconds: i64::try_from(ours - theirs).unwrap_or(i64::MAX),
        code: error.code,
    }
}
