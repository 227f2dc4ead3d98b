//! Everything that can go wrong between two security contexts.

use thiserror::Error;

use crate::kerberos::{Code, meaning};

/// Why a token, a login or a sealed message was refused. No variant carries a secret, a hash or a key; names that
/// came from the wire are shown escaped.
#[derive(Debug, Error)]
pub enum Error {
    /// The peer's bytes do not follow the format of the message they claim to be.
    #[error("malformed {message}: expected {expected}, found {found}")]
    Malformed {
        /// Which message or structure.
        message: &'static str,
        /// What should have been there.
        expected: &'static str,
        /// What was there.
        found: String,
    },
    /// The peer does not agree to what sealing needs; going on would mean weak or clear messages.
    #[error("{message} lacks {missing}, which sealed messages need")]
    TooWeak {
        /// Which message showed it.
        message: &'static str,
        /// The missing flags, by their names in MS-NLMP 2.2.2.5.
        missing: String,
    },
    /// A token came when another one, or none, was due.
    #[error("expected {expected}, found {found}")]
    OutOfTurn {
        /// What was due.
        expected: &'static str,
        /// What came.
        found: &'static str,
    },
    /// The peer chose a mechanism that was not offered, or offers none that is known here.
    #[error("expected a mechanism that both sides know, found {found}")]
    Mechanism {
        /// The object identifiers that the peer named.
        found: String,
    },
    /// The peer ended the negotiation with `reject`.
    #[error("the peer rejected the negotiation")]
    Rejected,
    /// The acceptor does not know the account.
    #[error("no account named {principal:?}")]
    UnknownUser {
        /// The name from the AUTHENTICATE message.
        principal: String,
    },
    /// The NTLMv2 proof does not match the account's password.
    #[error("wrong password for {principal:?}")]
    WrongPassword {
        /// The name from the AUTHENTICATE message.
        principal: String,
    },
    /// The AUTHENTICATE message is anonymous or answers with something older than NTLMv2.
    #[error("expected an NTLMv2 response, found {found}")]
    WeakResponse {
        /// What the message held.
        found: &'static str,
    },
    /// The client's clock or a very old message: the NTLMv2 response is outside the time allowed.
    #[error("the NTLMv2 response is {seconds} s away from this clock, allowed are {allowed} s")]
    Stale {
        /// The distance.
        seconds: u64,
        /// The distance that is still accepted.
        allowed: u64,
    },
    /// The AV flags announce a MIC and the message has no room for one, or a negotiation needs a mechListMIC.
    #[error("the {what} is missing although it was announced or is required")]
    MicMissing {
        /// `MIC` or `mechListMIC`.
        what: &'static str,
    },
    /// A MIC does not verify: a message of the login was altered on the way.
    #[error("the {what} does not verify: a message of the login was altered")]
    MicWrong {
        /// `MIC` or `mechListMIC`.
        what: &'static str,
    },
    /// The login carries no channel binding and the policy asks for one.
    #[error("expected a channel binding (tls-server-end-point), found none")]
    ChannelBindingMissing,
    /// The login was made on another TLS channel than this one.
    #[error("the channel binding belongs to another certificate")]
    ChannelBindingWrong,
    /// A sealed message was altered, repeated, dropped or reordered. The session is unusable from here on.
    #[error("the signature of sealed message {sequence} does not verify")]
    Tampered {
        /// The sequence number that was due.
        sequence: u32,
    },
    /// A sealed message carries another sequence number than the one that is due. The session is unusable now.
    #[error("sealed message out of order: expected sequence {expected}, found {found}")]
    OutOfOrder {
        /// The sequence number that was due.
        expected: u32,
        /// The one that came.
        found: u32,
    },
    /// An earlier message failed, so the cipher states of both sides no longer match.
    #[error("the session was given up after an earlier failure")]
    Broken,
    /// Every sequence number of one direction has been used.
    #[error("the sequence numbers of the session are used up")]
    Exhausted,
    /// `into_session` was called before the login was complete.
    #[error("the login is not complete")]
    Incomplete,
    /// Basic has no security context, so there is nothing to seal with.
    #[error("Basic authentication has no session to seal messages with")]
    NoSession,
    /// Basic separates user and password with a colon (RFC 7617), so the user cannot contain one.
    #[error("a user name with a colon cannot be used with Basic authentication")]
    ColonInUser,
    /// Only the NT hash is known, and the scheme needs the password itself.
    #[error("expected a password for Basic authentication, found an NT hash")]
    PasswordNeeded,
    /// Kerberos needs to know the user's realm.
    #[error("expected a realm for {user:?}, found none")]
    NoRealm {
        /// The user's name as it was given.
        user: String,
    },
    /// Only the NT hash is known, and the KDC wants AES.
    #[error("expected a password for Kerberos with AES, found an NT hash")]
    KerberosPasswordNeeded,
    /// A KDC refuses to hand out a ticket.
    #[error("the KDC of {realm} refuses {principal:?}: {}", meaning(*.code, .text.as_deref()))]
    Kdc {
        /// The KDC's realm.
        realm: String,
        /// The user or the service that was asked for.
        principal: String,
        /// The error code (RFC 4120 7.5.9).
        code: i64,
        /// The KDC's own words.
        text: Option<String>,
    },
    /// No KDC answered.
    #[error("no KDC of {realm} answers: {reason}")]
    KdcUnreachable {
        /// The realm.
        realm: String,
        /// What was tried and how it ended.
        reason: String,
    },
    /// The clocks differ by more than Kerberos allows, which is five minutes.
    #[error("this machine's clock is {} that of {peer} (KRB_AP_ERR_SKEW, {code})", distance(*.seconds))]
    ClockSkew {
        /// Whose clock it differs from.
        peer: String,
        /// This clock minus the other one, in seconds.
        seconds: i64,
        /// The error code (RFC 4120 7.5.9).
        code: i64,
    },
    /// A token was asked for before the KDCs had given a ticket.
    #[error("there is no ticket for {service:?}")]
    NoTicket {
        /// The service.
        service: String,
    },
    /// The server refuses the ticket.
    #[error("{service} refuses the ticket: {}", meaning(*.code, .text.as_deref()))]
    ServerRefused {
        /// The service.
        service: String,
        /// The error code (RFC 4120 7.5.9).
        code: i64,
        /// The server's own words.
        text: Option<String>,
    },
    /// Mutual authentication failed: whoever answers does not know the key of the service.
    #[error("the server did not prove that it is {service:?}")]
    ServerUnproven {
        /// The service.
        service: String,
    },
    /// A text is not an NT hash.
    #[error("expected an NT hash of 32 hexadecimal digits, found {found} characters")]
    BadNtHash {
        /// How long the text is; its contents stay secret.
        found: usize,
    },
    /// A name or a token is longer than its field in the message.
    #[error("{field} is too long: {length} bytes, the message has room for {limit}")]
    TooLong {
        /// Which field.
        field: &'static str,
        /// Its length in bytes.
        length: usize,
        /// The most that fits.
        limit: usize,
    },
    /// The body is sealed with another protocol than this session's.
    #[error("expected a body sealed with {expected}, found {found:?}")]
    Protocol {
        /// The session's protocol.
        expected: &'static str,
        /// The protocol that the message names.
        found: String,
    },
}

impl Error {
    /// Whether Kerberos itself said no, before or at the door, and not a token that makes no sense.
    pub fn is_of_kerberos(&self) -> bool {
        matches!(
            self,
            Self::NoRealm { .. }
                | Self::KerberosPasswordNeeded
                | Self::Kdc { .. }
                | Self::KdcUnreachable { .. }
                | Self::ClockSkew { .. }
                | Self::NoTicket { .. }
                | Self::ServerRefused { .. }
                | Self::ServerUnproven { .. }
                | Self::WrongPassword { .. }
        )
    }

    /// What to look at or to do, where there is something to say.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NoRealm { .. } => {
                Some("write the user as `user@REALM`, or name the realm in the inventory")
            }
            Self::KerberosPasswordNeeded => Some(
                "use the password itself, or NTLM: an NT hash is a key for RC4 alone, which the KDC does not offer",
            ),
            Self::KdcUnreachable { .. } => Some(
                "name the realm's KDC in the inventory or in krb5.conf, and let this machine reach its TCP port 88",
            ),
            Self::ClockSkew { .. } => Some("set this machine's clock; Kerberos allows five minutes"),
            Self::Kdc { code, .. } => match *code {
                Code::SERVER_UNKNOWN => Some(
                    "address the server by the name that its SPN has (`setspn -L SERVER`), or override the service or the host name; \
                     an IP address has no SPN",
                ),
                Code::CLIENT_UNKNOWN => {
                    Some("is the user's name spelled right, and is the realm the user's own?")
                }
                Code::NO_COMMON_ENCRYPTION => Some(
                    "the account has no AES keys (set its password anew), or the domain allows no encryption type that its keys have",
                ),
                code if Code::is_about_the_account(code) => {
                    Some("every further try counts towards the account's lock")
                }
                _ => None,
            },
            Self::ServerRefused {
                code: Code::MODIFIED | Code::BAD_INTEGRITY | Code::NOT_OURS,
                ..
            } => Some(
                "the SPN belongs to another account than the one that the service runs as; look for duplicates (`setspn -X`)",
            ),
            _ => None,
        }
    }
}

/// `312 s ahead of` or `312 s behind`.
fn distance(seconds: i64) -> String {
    match seconds {
        0.. => format!("{seconds} s ahead of"),
        _ => format!("{} s behind", seconds.unsigned_abs()),
    }
}
