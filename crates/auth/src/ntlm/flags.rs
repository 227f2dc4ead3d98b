//! Which flags are offered, which are indispensable (MS-NLMP 2.2.2.5).

use ntlmclient::Flags;

use crate::error::Error;

/// Without these there is no sealing that deserves the name.
const REQUIRED: Flags = Flags::NEGOTIATE_UNICODE
    .union(Flags::NEGOTIATE_NTLM)
    .union(Flags::NEGOTIATE_SIGN)
    .union(Flags::NEGOTIATE_SEAL)
    .union(EXTENDED_SESSION_SECURITY)
    .union(Flags::NEGOTIATE_128BIT)
    .union(Flags::NEGOTIATE_KEY_EXCHANGE);

/// NTLMSSP_NEGOTIATE_EXTENDED_SESSIONSECURITY, which `ntlmclient` calls by its old name.
const EXTENDED_SESSION_SECURITY: Flags = Flags::NEGOTIATE_NTLM2_KEY;

/// What the client asks for.
pub(super) const OFFERED: Flags = REQUIRED
    .union(Flags::REQUEST_TARGET)
    .union(Flags::NEGOTIATE_ALWAYS_SIGN)
    .union(Flags::NEGOTIATE_VERSION)
    .union(Flags::NEGOTIATE_56BIT);

/// What the client's AUTHENTICATE states: its own offer as far as the server agreed.
pub(super) fn agreed(challenge: Flags) -> Flags {
    challenge.intersection(OFFERED.union(Flags::NEGOTIATE_TARGET_INFO))
}

/// What the acceptor's CHALLENGE states: the client's offer as far as it is supported, and what the CHALLENGE holds.
pub(super) fn chosen(negotiate: Flags) -> Flags {
    negotiate.intersection(OFFERED)
        | Flags::NEGOTIATE_ALWAYS_SIGN
        | Flags::REQUEST_TARGET
        | Flags::NEGOTIATE_TARGET_INFO
        | Flags::TARGET_TYPE_DOMAIN
        | Flags::NEGOTIATE_VERSION
}

/// Fails closed unless `message` agrees to everything that sealing needs.
pub(super) fn require(message: &'static str, flags: Flags) -> Result<(), Error> {
    let missing = REQUIRED.difference(flags);
    match missing.is_empty() {
        true => Ok(()),
        false => {
            let names: Vec<_> = missing.iter_names().map(|(name, _)| name).collect();
            Err(Error::TooWeak {
                message,
                missing: names.join(", "),
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_missing_flag_is_named() {
        assert!(require("CHALLENGE", OFFERED).is_ok());
        for (name, flag) in REQUIRED.iter_names() {
            let Err(error) = require("CHALLENGE", OFFERED.difference(flag)) else {
                panic!("{name} was not missed")
            };
            assert_eq!(
                error.to_string(),
                format!("CHALLENGE lacks {name}, which sealed messages need")
            );
        }
    }
}
