//! Kerberos 5 as WinRM needs it: user and password against a KDC, mutual authentication, sealed messages.
//!
//! RFC 4120 (messages), RFC 3962 (AES), RFC 4757 (RC4), RFC 4121 (GSS tokens), RFC 6806 (referrals). AES and its key
//! derivation come from `picky-krb`, the layer that `sspi` stands on. The exchanges are here, since `sspi`'s own
//! client knows no RC4, takes KDC addresses from the environment, reads the clock itself and brings a runtime along.
//!
//! Nothing here opens a socket: [`Client::request`] says what to ask which realm's KDC, [`Client::reply`] takes the
//! answer.

mod ap;
mod client;
mod encryption;
mod failure;
mod key;
mod krb5_conf;
mod message;
mod principal;
mod rc4_hmac;
mod reply;
mod sealing;
mod tickets;
mod time;
mod wrap_cfx;
mod wrap_rc4;

pub(crate) use client::Client;
pub(crate) use failure::{Code, meaning};
pub use krb5_conf::{Include, Krb5Conf};
pub(crate) use sealing::Sealing;

/// 1.2.840.113554.1.2.2, Kerberos 5.
pub(crate) const KRB5: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x12, 0x01, 0x02, 0x02];

/// 1.2.840.48018.1.2.2, the same with a digit that Windows 2000 cut off. Windows still answers with it at times.
pub(crate) const MS_KRB5: &[u8] = &[0x2a, 0x86, 0x48, 0x82, 0xf7, 0x12, 0x01, 0x02, 0x02];

/// No honest answer of a KDC comes near it (a ticket of a user in a thousand groups has some 40 KB).
const LONGEST_MESSAGE: usize = 256 * 1024;

/// What to send to a KDC of a realm, over TCP behind its length (RFC 4120 7.2.2).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct KdcRequest {
    /// The realm whose KDC is meant.
    pub realm: String,
    /// The message.
    pub message: Vec<u8>,
}

#[cfg(test)]
mod tests;
