//! The messages that a client writes: AS-REQ, TGS-REQ, AP-REQ and their parts (RFC 4120 5).

use rand::RngCore;

use super::encryption::{EncryptionType, Usage};
use super::key::Key;
use super::principal::Principal;
use super::reply::Ticket;
use super::time;
use crate::der;
use crate::error::Error;

/// Message types, which are also the numbers of the application tags.
pub(super) const AS_REQ: u8 = 10;
pub(super) const AS_REP: u8 = 11;
pub(super) const TGS_REQ: u8 = 12;
pub(super) const TGS_REP: u8 = 13;
pub(super) const AP_REQ: u8 = 14;
pub(super) const AP_REP: u8 = 15;
pub(super) const ERROR: u8 = 30;
const AUTHENTICATOR: u8 = 2;

/// Types of pre-authentication data (RFC 4120 7.5.2, [MS-KILE] 2.2).
pub(super) const PA_TGS_REQ: i64 = 1;
pub(super) const PA_ENC_TIMESTAMP: i64 = 2;
pub(super) const PA_ETYPE_INFO2: i64 = 19;
const PA_PAC_REQUEST: i64 = 128;

/// Kerberos 5.
const VERSION: i64 = 5;
/// As Windows asks: as long as the KDC allows.
const TILL: &str = "20370913024805Z";
/// `canonicalize` (RFC 6806 3) and `renewable-ok`, and the first alone.
const AS_OPTIONS: u32 = 0x0001_0010;
const TGS_OPTIONS: u32 = 0x0001_0000;
/// `mutual-required`.
const AP_OPTIONS: u32 = 0x2000_0000;
/// The checksum type of a GSS authenticator (RFC 4121 4.1.1).
const GSS_CHECKSUM: i64 = 0x8003;

/// A client's instant: seconds since 1970, and microseconds.
pub(super) type Instant = (u64, u32);

/// What is asked of the KDC, whichever exchange it is.
pub(super) struct Request<'a> {
    pub(super) realm: &'a str,
    pub(super) server: &'a Principal,
    pub(super) kinds: &'a [EncryptionType],
    pub(super) nonce: u32,
}

/// AS-REQ. With `proof` it carries the encrypted time.
pub(super) fn as_request(request: &Request<'_>, client: &Principal, proof: Option<&[u8]>) -> Vec<u8> {
    let pac = der::value(der::SEQUENCE, &[&der::field(0, &[&[0x01, 1, 0xff]])]);
    let mut padata = vec![pa_data(PA_PAC_REQUEST, &pac)];
    padata.extend(proof.map(|proof| pa_data(PA_ENC_TIMESTAMP, proof)));
    let body = body(request, AS_OPTIONS, Some(client));
    kdc_request(AS_REQ, &padata, &body)
}

/// The encrypted time that proves the password (RFC 4120 5.2.7.2).
pub(super) fn encrypted_time(key: &Key, now: Instant, entropy: &mut dyn RngCore) -> Result<Vec<u8>, Error> {
    let plain = der::value(
        der::SEQUENCE,
        &[
            &der::field(0, &[&kerberos_time(now.0)]),
            &der::field(1, &[&der::integer(i64::from(now.1))]),
        ],
    );
    encrypted(key, Usage::PaEncTimestamp, &plain, entropy)
}

/// TGS-REQ, proven with a ticket that the KDC can read.
pub(super) fn tgs_request(
    request: &Request<'_>,
    ticket: &Ticket,
    now: Instant,
    entropy: &mut dyn RngCore,
) -> Result<Vec<u8>, Error> {
    let body = body(request, TGS_OPTIONS, None);
    let sum = ticket.key.checksum(Usage::TgsRequestChecksum, &body)?;
    let authenticator = authenticator(
        ticket,
        now,
        checksum(ticket.key.kind().checksum_number(), &sum),
        None,
    );
    let sealed = encrypted(&ticket.key, Usage::TgsAuthenticator, &authenticator, entropy)?;
    let proof = ap_request(0, ticket, &sealed);
    Ok(kdc_request(TGS_REQ, &[pa_data(PA_TGS_REQ, &proof)], &body))
}

/// What an AP-REQ tells the server beside the ticket.
pub(super) struct Introduction<'a> {
    pub(super) now: Instant,
    /// The checksum of RFC 4121 4.1.1: channel binding and flags.
    pub(super) gss: &'a [u8],
    pub(super) subkey: &'a Key,
    pub(super) sequence: u32,
}

/// AP-REQ that asks for mutual authentication.
pub(super) fn introduction(
    ticket: &Ticket,
    introduction: &Introduction<'_>,
    entropy: &mut dyn RngCore,
) -> Result<Vec<u8>, Error> {
    let authenticator = authenticator(
        ticket,
        introduction.now,
        checksum(GSS_CHECKSUM, introduction.gss),
        Some((introduction.subkey, introduction.sequence)),
    );
    let sealed = encrypted(&ticket.key, Usage::ApAuthenticator, &authenticator, entropy)?;
    Ok(ap_request(AP_OPTIONS, ticket, &sealed))
}

fn kdc_request(kind: u8, padata: &[Vec<u8>], body: &[u8]) -> Vec<u8> {
    let padata: Vec<&[u8]> = padata.iter().map(Vec::as_slice).collect();
    let content = der::value(
        der::SEQUENCE,
        &[
            &der::field(1, &[&der::integer(VERSION)]),
            &der::field(2, &[&der::integer(i64::from(kind))]),
            &der::field(3, &[&der::value(der::SEQUENCE, &padata)]),
            &der::field(4, &[body]),
        ],
    );
    der::value(der::application(kind), &[&content])
}

/// KDC-REQ-BODY.
fn body(request: &Request<'_>, options: u32, client: Option<&Principal>) -> Vec<u8> {
    let kinds: Vec<_> = request
        .kinds
        .iter()
        .map(|kind| der::integer(kind.number()))
        .collect();
    let kinds: Vec<&[u8]> = kinds.iter().map(Vec::as_slice).collect();
    let client = client.map_or_else(Vec::new, |client| der::field(1, &[&client.to_der()]));
    der::value(
        der::SEQUENCE,
        &[
            &der::field(0, &[&flags(options)]),
            &client,
            &der::field(2, &[&string(request.realm)]),
            &der::field(3, &[&request.server.to_der()]),
            &der::field(5, &[&der::value(der::GENERALIZED_TIME, &[TILL.as_bytes()])]),
            &der::field(7, &[&der::integer(i64::from(request.nonce))]),
            &der::field(8, &[&der::value(der::SEQUENCE, &kinds)]),
        ],
    )
}

fn authenticator(ticket: &Ticket, now: Instant, checksum: Vec<u8>, session: Option<(&Key, u32)>) -> Vec<u8> {
    let session = session.map_or_else(Vec::new, |(subkey, sequence)| {
        let key = der::value(
            der::SEQUENCE,
            &[
                &der::field(0, &[&der::integer(subkey.kind().number())]),
                &der::field(1, &[&der::value(der::OCTET_STRING, &[subkey.bytes()])]),
            ],
        );
        let sequence = der::field(7, &[&der::integer(i64::from(sequence))]);
        [der::field(6, &[&key]), sequence].concat()
    });
    let content = der::value(
        der::SEQUENCE,
        &[
            &der::field(0, &[&der::integer(VERSION)]),
            &der::field(1, &[&string(&ticket.client_realm)]),
            &der::field(2, &[&ticket.client.der]),
            &der::field(3, &[&checksum]),
            &der::field(4, &[&der::integer(i64::from(now.1))]),
            &der::field(5, &[&kerberos_time(now.0)]),
            &session,
        ],
    );
    der::value(der::application(AUTHENTICATOR), &[&content])
}

fn ap_request(options: u32, ticket: &Ticket, authenticator: &[u8]) -> Vec<u8> {
    let content = der::value(
        der::SEQUENCE,
        &[
            &der::field(0, &[&der::integer(VERSION)]),
            &der::field(1, &[&der::integer(i64::from(AP_REQ))]),
            &der::field(2, &[&flags(options)]),
            &der::field(3, &[&ticket.der]),
            &der::field(4, &[authenticator]),
        ],
    );
    der::value(der::application(AP_REQ), &[&content])
}

/// EncryptedData.
fn encrypted(key: &Key, usage: Usage, plain: &[u8], entropy: &mut dyn RngCore) -> Result<Vec<u8>, Error> {
    let sealed = key.encrypt(usage, plain, entropy)?;
    Ok(der::value(
        der::SEQUENCE,
        &[
            &der::field(0, &[&der::integer(key.kind().number())]),
            &der::field(2, &[&der::value(der::OCTET_STRING, &[&sealed])]),
        ],
    ))
}

fn checksum(kind: i64, sum: &[u8]) -> Vec<u8> {
    der::value(
        der::SEQUENCE,
        &[
            &der::field(0, &[&der::integer(kind)]),
            &der::field(1, &[&der::value(der::OCTET_STRING, &[sum])]),
        ],
    )
}

fn pa_data(kind: i64, content: &[u8]) -> Vec<u8> {
    der::value(
        der::SEQUENCE,
        &[
            &der::field(1, &[&der::integer(kind)]),
            &der::field(2, &[&der::value(der::OCTET_STRING, &[content])]),
        ],
    )
}

fn flags(bits: u32) -> Vec<u8> {
    der::value(der::BIT_STRING, &[&[0], &bits.to_be_bytes()])
}

fn string(text: &str) -> Vec<u8> {
    der::value(der::GENERAL_STRING, &[text.as_bytes()])
}

fn kerberos_time(seconds: u64) -> Vec<u8> {
    der::value(der::GENERALIZED_TIME, &[time::write(seconds).as_bytes()])
}
