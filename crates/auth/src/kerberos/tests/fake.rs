//! A KDC and a server that answer as they are told to, made of the same parts as the client. MIT judges the parts.

use rand::SeedableRng;
use rand::rngs::StdRng;

use crate::credentials::Credentials;
use crate::der::{self, Reader};
use crate::file_time::FileTime;
use crate::initiator::Realm;
use crate::kerberos::client::Client;
use crate::kerberos::encryption::{EncryptionType, Usage};
use crate::kerberos::key::Key;
use crate::kerberos::message::{AP_REP, AS_REP, ERROR, TGS_REP};
use crate::kerberos::principal::Principal;
use crate::kerberos::sealing::{Sealing, Side};
use crate::kerberos::{ap, time};
use crate::secret::Secret;

pub(super) const REALM: &str = "CONTOSO.EXAMPLE";
pub(super) const SERVICE: &str = "HTTP/cas01.contoso.example";
/// 2023-11-14 22:13:20 UTC and a bit.
const NOW: u64 = 1_700_000_000;

pub(super) fn credentials() -> Credentials {
    Credentials::new(r"CONTOSO\operator", Secret::from("a pass phrase"))
}

pub(super) fn client() -> Client {
    client_of(
        &credentials(),
        &Realm {
            user: Some(REALM.to_owned()),
            server: None,
        },
    )
}

pub(super) fn client_of(credentials: &Credentials, realm: &Realm) -> Client {
    let now = FileTime::from_unix_nanoseconds(i128::from(NOW) * 1_000_000_000 + 123_456_000);
    Client::new(credentials, realm, SERVICE, None, &mut chance(), now).unwrap()
}

pub(super) fn chance() -> StdRng {
    StdRng::seed_from_u64(7)
}

/// The user's key of a type, with `salt`.
pub(super) fn user_key(kind: EncryptionType, salt: &[u8]) -> Key {
    Key::of_user(kind, &credentials(), salt, None).unwrap()
}

pub(super) fn field(number: u8, content: &[u8]) -> Vec<u8> {
    der::field(number, &[content])
}

pub(super) fn sequence(parts: &[Vec<u8>]) -> Vec<u8> {
    let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
    der::value(der::SEQUENCE, &parts)
}

fn octets(bytes: &[u8]) -> Vec<u8> {
    der::value(der::OCTET_STRING, &[bytes])
}

fn string(text: &str) -> Vec<u8> {
    der::value(der::GENERAL_STRING, &[text.as_bytes()])
}

fn kerberos_time(seconds: u64) -> Vec<u8> {
    der::value(der::GENERALIZED_TIME, &[time::write(seconds).as_bytes()])
}

/// KRB-ERROR from a clock that is `ahead` of the client's.
pub(super) fn krb_error(code: i64, ahead: i64, more: &[Vec<u8>]) -> Vec<u8> {
    let mut parts = vec![
        field(0, &der::integer(5)),
        field(1, &der::integer(30)),
        field(4, &kerberos_time(NOW.checked_add_signed(ahead).unwrap())),
        field(5, &der::integer(0)),
        field(6, &der::integer(code)),
    ];
    parts.extend_from_slice(more);
    der::value(der::application(ERROR), &[&sequence(&parts)])
}

/// KDC_ERR_PREAUTH_REQUIRED with these types and salts.
pub(super) fn wants_proof(hints: &[(i64, Option<&str>)]) -> Vec<u8> {
    let entries: Vec<_> = hints
        .iter()
        .map(|(kind, salt)| {
            let salt = salt.map(|salt| field(1, &string(salt)));
            sequence(&[field(0, &der::integer(*kind)), salt.unwrap_or_default()])
        })
        .collect();
    let info = sequence(&[
        field(1, &der::integer(19)),
        field(2, &octets(&sequence(&entries))),
    ]);
    krb_error(25, 0, &[field(12, &octets(&sequence(&[info])))])
}

/// What the client asks, taken apart.
pub(super) struct Asked {
    pub(super) nonce: i64,
    pub(super) realm: String,
    pub(super) server: Vec<String>,
    pub(super) kinds: Vec<i64>,
    /// The type of the encrypted time, if there is one.
    pub(super) proof: Option<i64>,
}

pub(super) fn asked(message: &[u8]) -> Asked {
    let mut outer = Reader::new("request", message);
    let request = outer.any().unwrap();
    let mut fields = outer.of(request).fields("a request").unwrap();
    let mut padata = fields
        .required(3, "padata")
        .unwrap()
        .inside(der::SEQUENCE, "padata")
        .unwrap();
    let mut proof = None;
    while !padata.is_empty() {
        let mut data = padata.fields("padata").unwrap();
        if data.required(1, "type").unwrap().integer("type").unwrap() == 2 {
            let mut content = data.required(2, "value").unwrap();
            let content = content.one(der::OCTET_STRING, "value").unwrap().content;
            let mut sealed = Reader::new("proof", content).fields("proof").unwrap();
            proof = Some(sealed.required(0, "type").unwrap().integer("type").unwrap());
        }
    }
    let mut body = fields.required(4, "body").unwrap().fields("body").unwrap();
    let realm = body.required(2, "realm").unwrap().string("realm").unwrap();
    let server = crate::kerberos::principal::ForeignName::read(body.required(3, "sname").unwrap()).unwrap();
    let nonce = body.required(7, "nonce").unwrap().integer("nonce").unwrap();
    let mut list = body
        .required(8, "etypes")
        .unwrap()
        .inside(der::SEQUENCE, "etypes")
        .unwrap();
    let mut kinds = Vec::new();
    while !list.is_empty() {
        kinds.push(list.integer("etype").unwrap());
    }
    Asked {
        nonce,
        realm,
        server: server.components,
        kinds,
        proof,
    }
}

/// A reply of the AS or TGS: a ticket for `server` with `session` in it, sealed with `key`.
pub(super) fn reply(tgs: bool, key: &Key, nonce: i64, server: &Principal, session: &Key) -> Vec<u8> {
    let encryption_key = sequence(&[
        field(0, &der::integer(session.kind().number())),
        field(1, &octets(session.bytes())),
    ]);
    let part = sequence(&[field(0, &encryption_key), field(2, &der::integer(nonce))]);
    let part = der::value(der::application(if tgs { 26 } else { 25 }), &[&part]);
    let usage = if tgs { Usage::TgsReply } else { Usage::AsReply };
    let sealed = key.encrypt(usage, &part, &mut chance()).unwrap();
    let encrypted = sequence(&[
        field(0, &der::integer(key.kind().number())),
        field(2, &octets(&sealed)),
    ]);
    let ticket = sequence(&[
        field(0, &der::integer(5)),
        field(1, &string(REALM)),
        field(2, &server.to_der()),
        field(3, &sequence(&[])),
    ]);
    let kind = if tgs { TGS_REP } else { AS_REP };
    let content = sequence(&[
        field(0, &der::integer(5)),
        field(1, &der::integer(i64::from(kind))),
        field(3, &string(REALM)),
        field(4, &Principal::of_user("operator", REALM).to_der()),
        field(5, &der::value(der::application(1), &[&ticket])),
        field(6, &encrypted),
    ]);
    der::value(der::application(kind), &[&content])
}

/// A client that holds a ticket with this session key.
pub(super) fn with_ticket(session: &Key) -> Client {
    let mut client = client();
    give_ticket(&mut client, session);
    client
}

pub(super) fn give_ticket(client: &mut Client, session: &Key) {
    let granting = Key::random(EncryptionType::Aes256, &mut chance());
    let key = user_key(EncryptionType::Aes256, b"CONTOSO.EXAMPLEoperator");
    let nonce = asked(&client.request().unwrap().message).nonce;
    let tgt = Principal::ticket_granting(REALM);
    client.reply(&reply(false, &key, nonce, &tgt, &granting)).unwrap();
    let nonce = asked(&client.request().unwrap().message).nonce;
    let service = Principal::service(SERVICE);
    client
        .reply(&reply(true, &granting, nonce, &service, session))
        .unwrap();
    assert!(client.request().is_none());
}

/// The server's side of AP-REQ: what the authenticator says.
pub(super) struct Introduced {
    pub(super) seconds: u64,
    pub(super) micros: i64,
    pub(super) checksum: Vec<u8>,
    subkey: Key,
}

impl Introduced {
    pub(super) fn read(token: &[u8], session: &Key) -> Self {
        let (id, message) = ap::unframe(token).unwrap();
        assert_eq!(id, ap::AP_REQ_TOKEN);
        let mut outer = Reader::new("AP-REQ", message);
        let mut fields = outer
            .inside(der::application(14), "AP-REQ")
            .unwrap()
            .fields("AP-REQ")
            .unwrap();
        let mut sealed = fields
            .required(4, "authenticator")
            .unwrap()
            .fields("sealed")
            .unwrap();
        let mut cipher = sealed.required(2, "cipher").unwrap();
        let cipher = cipher.one(der::OCTET_STRING, "cipher").unwrap().content;
        let plain = session.decrypt(Usage::ApAuthenticator, cipher).unwrap();
        let mut fields = Reader::new("Authenticator", &plain)
            .inside(der::application(2), "Authenticator")
            .unwrap()
            .fields("Authenticator")
            .unwrap();
        let mut sum = fields
            .required(3, "checksum")
            .unwrap()
            .fields("checksum")
            .unwrap();
        let mut sum = sum.required(1, "checksum").unwrap();
        let checksum = sum.one(der::OCTET_STRING, "checksum").unwrap().content.to_vec();
        let micros = fields.required(4, "cusec").unwrap().integer("cusec").unwrap();
        let mut seconds = fields.required(5, "ctime").unwrap();
        let seconds = time::read(seconds.one(der::GENERALIZED_TIME, "ctime").unwrap().content).unwrap();
        let mut subkey = fields.required(6, "subkey").unwrap().fields("subkey").unwrap();
        let mut value = subkey.required(1, "key").unwrap();
        let value = value.one(der::OCTET_STRING, "key").unwrap().content;
        Self {
            seconds,
            micros,
            checksum,
            subkey: Key::new(session.kind(), value).unwrap(),
        }
    }

    /// AP-REP under this key.
    pub(super) fn answer(&self, session: &Key, subkey: Option<&Key>) -> Vec<u8> {
        let subkey = subkey.map(|key| {
            let key = sequence(&[
                field(0, &der::integer(key.kind().number())),
                field(1, &octets(key.bytes())),
            ]);
            field(2, &key)
        });
        let part = sequence(&[
            field(0, &kerberos_time(self.seconds)),
            field(1, &der::integer(self.micros)),
            subkey.unwrap_or_default(),
        ]);
        let part = der::value(der::application(27), &[&part]);
        let sealed = session.encrypt(Usage::ApReply, &part, &mut chance()).unwrap();
        let encrypted = sequence(&[
            field(0, &der::integer(session.kind().number())),
            field(2, &octets(&sealed)),
        ]);
        let content = sequence(&[
            field(0, &der::integer(5)),
            field(1, &der::integer(15)),
            field(2, &encrypted),
        ]);
        ap::frame(
            ap::AP_REP_TOKEN,
            &der::value(der::application(AP_REP), &[&content]),
        )
    }

    /// The server's messages.
    pub(super) fn sealing(&self, subkey: Option<&Key>) -> Sealing {
        let key = subkey.unwrap_or(&self.subkey).clone();
        Sealing::new(key, subkey.is_some(), Side::Acceptor, 1, chance())
    }
}
