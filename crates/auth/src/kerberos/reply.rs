//! The messages that a client reads: AS-REP, TGS-REP, AP-REP, KRB-ERROR and what is encrypted in them (RFC 4120 5).

use super::LONGEST_MESSAGE;
use super::encryption::{EncryptionType, Usage};
use super::key::Key;
use super::message::{self, AP_REP, AS_REP, ERROR};
use super::principal::ForeignName;
use super::time;
use crate::der::{self, Reader};
use crate::error::Error;

/// A ticket, and what its holder must know of it.
#[derive(Clone)]
pub(crate) struct Ticket {
    /// The ticket itself, in DER, as the KDC sent it.
    pub(crate) der: Vec<u8>,
    /// The key that the KDC shares out with it.
    pub(crate) key: Key,
    /// Whose ticket it is, as the KDC calls the client.
    pub(crate) client: ForeignName,
    /// The client's realm.
    pub(crate) client_realm: String,
}

/// An answer of a KDC.
pub(crate) enum KdcAnswer {
    Reply(Box<KdcReply>),
    Error(Box<KrbError>),
}

/// AS-REP or TGS-REP, not yet decrypted.
pub(crate) struct KdcReply {
    pub(crate) padata: Vec<PaData>,
    pub(crate) client_realm: String,
    pub(crate) client: ForeignName,
    pub(crate) ticket: Vec<u8>,
    /// Whom the ticket is for.
    pub(crate) server: ForeignName,
    pub(crate) kind: i64,
    pub(crate) sealed: Vec<u8>,
}

/// One piece of pre-authentication data.
pub(crate) struct PaData {
    pub(crate) kind: i64,
    pub(crate) content: Vec<u8>,
}

/// How the KDC makes the user's key (ETYPE-INFO2-ENTRY, RFC 4120 5.2.7.5).
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct KeyHint {
    pub(crate) kind: EncryptionType,
    pub(crate) salt: Option<Vec<u8>>,
    pub(crate) parameters: Option<Vec<u8>>,
}

/// KRB-ERROR. Nothing in it is proven.
#[derive(Debug)]
pub(crate) struct KrbError {
    pub(crate) code: i64,
    /// The time of whoever sent it, in seconds since 1970.
    pub(crate) server_time: u64,
    /// The realm where the client is known, with KDC_ERR_WRONG_REALM.
    pub(crate) client_realm: Option<String>,
    pub(crate) text: Option<String>,
    pub(crate) data: Vec<u8>,
}

impl KdcAnswer {
    /// Reads the reply of the kind that is due (AS-REP or TGS-REP), or an error.
    pub(crate) fn read(bytes: &[u8], due: u8) -> Result<Self, Error> {
        if bytes.len() > LONGEST_MESSAGE {
            return Err(Error::TooLong {
                field: "the KDC's answer",
                length: bytes.len(),
                limit: LONGEST_MESSAGE,
            });
        }
        let name = if due == AS_REP { "AS-REP" } else { "TGS-REP" };
        let mut outer = Reader::new(name, bytes);
        let message = outer.any()?;
        outer.end()?;
        if message.tag == der::application(ERROR) {
            return Ok(Self::Error(Box::new(KrbError::read(bytes)?)));
        }
        // MIT marks neither differently than the other; Windows always answers in kind.
        if message.tag != der::application(due) {
            return Err(outer.malformed("a reply to the request", format!("tag {:#04x}", message.tag)));
        }
        let mut fields = outer.of(message).fields("a KDC-REP")?;
        version(&mut fields, 0)?;
        let padata = match fields.optional(2)? {
            Some(list) => pa_data(list)?,
            None => Vec::new(),
        };
        let client_realm = fields
            .required(3, "the client's realm")?
            .string("the client's realm")?;
        let client = ForeignName::read(fields.required(4, "the client's name")?)?;
        let mut ticket_field = fields.required(5, "a ticket")?;
        let ticket = ticket_field.one(der::application(1), "a ticket")?;
        let server = ticket_server(ticket_field.of(ticket))?;
        let (kind, sealed) = encrypted_data(fields.required(6, "an encrypted part")?)?;
        Ok(Self::Reply(Box::new(KdcReply {
            padata,
            client_realm,
            client,
            ticket: ticket.whole.to_vec(),
            server,
            kind,
            sealed: sealed.to_vec(),
        })))
    }
}

impl KdcReply {
    /// Decrypts the client's part. `None`: the key is another one.
    pub(crate) fn open(
        self,
        key: &Key,
        usage: Usage,
        nonce: u32,
    ) -> Result<Option<(Ticket, ForeignName)>, Error> {
        let Some(plain) = key.decrypt(usage, &self.sealed) else {
            return Ok(None);
        };
        let mut outer = Reader::new("EncKDCRepPart", &plain);
        let part = outer.any()?;
        // RFC 4120 5.4.2: MIT sends the tag of the TGS's part (26) in replies of the AS too.
        if ![der::application(25), der::application(26)].contains(&part.tag) {
            return Err(outer.malformed("an EncKDCRepPart", format!("tag {:#04x}", part.tag)));
        }
        let mut fields = outer.of(part).fields("an EncKDCRepPart")?;
        let session = encryption_key(fields.required(0, "a session key")?)?;
        let echoed = fields.required(2, "a nonce")?.integer("a nonce")?;
        if echoed & 0xffff_ffff != i64::from(nonce) {
            return Err(outer.malformed("the nonce of the request", "another one"));
        }
        let ticket = Ticket {
            der: self.ticket,
            key: session,
            client: self.client,
            client_realm: self.client_realm,
        };
        Ok(Some((ticket, self.server)))
    }
}

impl KrbError {
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, Error> {
        let mut outer = Reader::new("KRB-ERROR", bytes);
        let mut fields = outer
            .inside(der::application(ERROR), "a KRB-ERROR")?
            .fields("a KRB-ERROR")?;
        version(&mut fields, 0)?;
        let mut server_time = fields.required(4, "the server's time")?;
        let server_time = server_time
            .one(der::GENERALIZED_TIME, "the server's time")?
            .content;
        let code = fields.required(6, "an error code")?.integer("an error code")?;
        let mut text = |number| match fields.optional(number) {
            Ok(Some(mut field)) => field.string("a text").ok(),
            _ => None,
        };
        let client_realm = text(7);
        let text = text(11).filter(|text| !text.is_empty());
        let data = match fields.optional(12)? {
            Some(mut field) => field.one(der::OCTET_STRING, "error data")?.content.to_vec(),
            None => Vec::new(),
        };
        Ok(Self {
            code,
            server_time: time::read(server_time).unwrap_or(0),
            client_realm,
            text,
            data,
        })
    }

    /// What a KDC that wants proof says about the key to prove it with, the KDC's favourite first.
    pub(crate) fn key_hints(&self) -> Result<Vec<KeyHint>, Error> {
        match self.data.is_empty() {
            true => Ok(Vec::new()),
            false => Ok(key_hints(&pa_data(Reader::new("METHOD-DATA", &self.data))?)),
        }
    }
}

/// The entries of ETYPE-INFO2 with known types. One that cannot be read counts as none at all.
pub(crate) fn key_hints(padata: &[PaData]) -> Vec<KeyHint> {
    let read = |content: &[u8]| {
        let mut list = Reader::new("ETYPE-INFO2", content).inside(der::SEQUENCE, "ETYPE-INFO2")?;
        let mut hints = Vec::new();
        while !list.is_empty() {
            let mut fields = list.fields("an ETYPE-INFO2-ENTRY")?;
            let kind = fields
                .required(0, "an encryption type")?
                .integer("an encryption type")?;
            let salt = match fields.optional(1)? {
                Some(mut salt) => Some(salt.one(der::GENERAL_STRING, "a salt")?.content.to_vec()),
                None => None,
            };
            let parameters = match fields.optional(2)? {
                Some(mut field) => Some(field.one(der::OCTET_STRING, "parameters")?.content.to_vec()),
                None => None,
            };
            hints.extend(EncryptionType::from_number(kind).map(|kind| KeyHint {
                kind,
                salt,
                parameters,
            }));
        }
        Ok::<_, Error>(hints)
    };
    padata
        .iter()
        .find(|data| data.kind == message::PA_ETYPE_INFO2)
        .and_then(|data| read(&data.content).ok())
        .unwrap_or_default()
}

/// What the server proves itself with, decrypted.
pub(crate) struct ApReply {
    /// The client's own time, sent back.
    pub(crate) seconds: u64,
    pub(crate) micros: i64,
    pub(crate) subkey: Option<Key>,
}

impl ApReply {
    /// Reads and decrypts an AP-REP. `None`: whoever sent it does not know the ticket's key.
    pub(crate) fn read(bytes: &[u8], key: &Key) -> Result<Option<Self>, Error> {
        let mut outer = Reader::new("AP-REP", bytes);
        let mut fields = outer
            .inside(der::application(AP_REP), "an AP-REP")?
            .fields("an AP-REP")?;
        outer.end()?;
        version(&mut fields, 0)?;
        let (kind, sealed) = encrypted_data(fields.required(2, "an encrypted part")?)?;
        if kind != key.kind().number() {
            return Err(outer.malformed("the encryption type of the ticket's key", kind.to_string()));
        }
        let Some(plain) = key.decrypt(Usage::ApReply, sealed) else {
            return Ok(None);
        };
        let mut fields = Reader::new("EncAPRepPart", &plain)
            .inside(der::application(27), "an EncAPRepPart")?
            .fields("an EncAPRepPart")?;
        let mut seconds = fields.required(0, "the client's time")?;
        let seconds = seconds.one(der::GENERALIZED_TIME, "the client's time")?.content;
        let micros = fields.required(1, "microseconds")?.integer("microseconds")?;
        let subkey = match fields.optional(2)? {
            Some(field) => Some(encryption_key(field)?),
            None => None,
        };
        Ok(Some(Self {
            seconds: time::read(seconds).unwrap_or(0),
            micros,
            subkey,
        }))
    }
}

/// pvno, which is 5.
fn version(fields: &mut der::Fields<'_>, number: u8) -> Result<(), Error> {
    let mut field = fields.required(number, "a version")?;
    match field.integer("a version")? {
        5 => Ok(()),
        other => Err(field.malformed("version 5", other.to_string())),
    }
}

fn pa_data(mut outer: Reader<'_>) -> Result<Vec<PaData>, Error> {
    let mut list = outer.inside(der::SEQUENCE, "pre-authentication data")?;
    let mut found = Vec::new();
    while !list.is_empty() {
        let mut fields = list.fields("pre-authentication data")?;
        let kind = fields.required(1, "a type")?.integer("a type")?;
        let mut content = fields.required(2, "a value")?;
        let content = content.one(der::OCTET_STRING, "a value")?.content.to_vec();
        found.push(PaData { kind, content });
    }
    Ok(found)
}

/// The name of the server in a ticket.
fn ticket_server(mut ticket: Reader<'_>) -> Result<ForeignName, Error> {
    let mut fields = ticket.fields("a Ticket")?;
    ForeignName::read(fields.required(2, "the ticket's server")?)
}

fn encrypted_data<'a>(mut outer: Reader<'a>) -> Result<(i64, &'a [u8]), Error> {
    let mut fields = outer.fields("EncryptedData")?;
    let kind = fields
        .required(0, "an encryption type")?
        .integer("an encryption type")?;
    let mut cipher = fields.required(2, "a cipher text")?;
    Ok((kind, cipher.one(der::OCTET_STRING, "a cipher text")?.content))
}

fn encryption_key(mut outer: Reader<'_>) -> Result<Key, Error> {
    let mut fields = outer.fields("EncryptionKey")?;
    let number = fields.required(0, "a key type")?.integer("a key type")?;
    let kind = EncryptionType::from_number(number)
        .ok_or_else(|| outer.malformed("a key of AES or RC4", format!("type {number}")))?;
    let mut value = fields.required(1, "a key")?;
    Key::new(kind, value.one(der::OCTET_STRING, "a key")?.content)
}
