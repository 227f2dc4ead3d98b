//! The error codes of KDCs and servers (RFC 4120 7.5.9), in words.

/// Codes that lead to a decision.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Code;

impl Code {
    pub(crate) const CLIENT_UNKNOWN: i64 = 6;
    pub(crate) const SERVER_UNKNOWN: i64 = 7;
    pub(crate) const NO_COMMON_ENCRYPTION: i64 = 14;
    pub(crate) const CLIENT_REVOKED: i64 = 18;
    pub(crate) const KEY_EXPIRED: i64 = 23;
    pub(crate) const PREAUTH_FAILED: i64 = 24;
    pub(crate) const PREAUTH_REQUIRED: i64 = 25;
    pub(crate) const SKEW: i64 = 37;
    pub(crate) const WRONG_REALM: i64 = 68;
    pub(crate) const NOT_OURS: i64 = 35;
    pub(crate) const MODIFIED: i64 = 41;
    pub(crate) const BAD_INTEGRITY: i64 = 31;

    /// Whether the KDC judged the account or its password. Asking again with the same password, also with NTLM, can
    /// only bring the account nearer to its lock.
    pub(crate) fn is_about_the_account(code: i64) -> bool {
        [Self::CLIENT_REVOKED, Self::KEY_EXPIRED, Self::PREAUTH_FAILED].contains(&code)
    }
}

/// A code with its name and what it means, and the sender's own text behind it.
pub(crate) fn meaning(code: i64, text: Option<&str>) -> String {
    let (name, words) = CODES
        .iter()
        .find(|(number, ..)| *number == code)
        .map_or(("an error", "not listed in RFC 4120"), |(_, name, words)| {
            (*name, *words)
        });
    let text = text.map_or_else(String::new, |text| format!("; it says {text:?}"));
    format!("{words} ({name}, {code}){text}")
}

const CODES: &[(i64, &str, &str)] = &[
    (3, "KDC_ERR_BAD_PVNO", "the protocol version is not known there"),
    (6, "KDC_ERR_C_PRINCIPAL_UNKNOWN", "no such user"),
    (7, "KDC_ERR_S_PRINCIPAL_UNKNOWN", "no such service"),
    (
        8,
        "KDC_ERR_PRINCIPAL_NOT_UNIQUE",
        "several accounts have this name",
    ),
    (9, "KDC_ERR_NULL_KEY", "the account has no key"),
    (12, "KDC_ERR_POLICY", "a policy forbids it"),
    (13, "KDC_ERR_BADOPTION", "the request cannot be granted"),
    (14, "KDC_ERR_ETYPE_NOSUPP", "no common encryption type"),
    (
        16,
        "KDC_ERR_PADATA_TYPE_NOSUPP",
        "this kind of proof is not taken",
    ),
    (17, "KDC_ERR_TRTYPE_NOSUPP", "this transport is not taken"),
    (
        18,
        "KDC_ERR_CLIENT_REVOKED",
        "the account is locked, disabled or expired",
    ),
    (23, "KDC_ERR_KEY_EXPIRED", "the password has expired"),
    (24, "KDC_ERR_PREAUTH_FAILED", "wrong password"),
    (25, "KDC_ERR_PREAUTH_REQUIRED", "further proof is wanted"),
    (
        29,
        "KDC_ERR_SVC_UNAVAILABLE",
        "a service that the KDC needs is not available",
    ),
    (
        31,
        "KRB_AP_ERR_BAD_INTEGRITY",
        "the message does not decrypt there",
    ),
    (32, "KRB_AP_ERR_TKT_EXPIRED", "the ticket has expired"),
    (33, "KRB_AP_ERR_TKT_NYV", "the ticket is not valid yet"),
    (34, "KRB_AP_ERR_REPEAT", "the message came a second time"),
    (35, "KRB_AP_ERR_NOT_US", "the ticket is for somebody else"),
    (
        36,
        "KRB_AP_ERR_BADMATCH",
        "ticket and message do not belong together",
    ),
    (37, "KRB_AP_ERR_SKEW", "the clocks differ too much"),
    (38, "KRB_AP_ERR_BADADDR", "the address is not the ticket's"),
    (40, "KRB_AP_ERR_MSG_TYPE", "this message is not expected"),
    (
        41,
        "KRB_AP_ERR_MODIFIED",
        "the message does not fit the service's key",
    ),
    (44, "KRB_AP_ERR_BADKEYVER", "the service's key has changed"),
    (45, "KRB_AP_ERR_NOKEY", "the service has no such key"),
    (46, "KRB_AP_ERR_MUT_FAIL", "mutual authentication failed"),
    (50, "KRB_AP_ERR_INAPP_CKSUM", "this kind of checksum is not taken"),
    (
        52,
        "KRB_ERR_RESPONSE_TOO_BIG",
        "the answer is too big for this transport",
    ),
    (60, "KRB_ERR_GENERIC", "a failure without a code"),
    (61, "KRB_ERR_FIELD_TOOLONG", "a field is too long"),
    (68, "KDC_ERR_WRONG_REALM", "the user belongs to another realm"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_keep_their_number_and_name() {
        assert_eq!(meaning(24, None), "wrong password (KDC_ERR_PREAUTH_FAILED, 24)");
        assert_eq!(
            meaning(60, Some("NULL\u{1b}[2J")),
            "a failure without a code (KRB_ERR_GENERIC, 60); it says \"NULL\\u{1b}[2J\""
        );
        assert_eq!(meaning(-7, None), "not listed in RFC 4120 (an error, -7)");
    }

    #[test]
    fn only_verdicts_on_the_account_forbid_another_try() {
        let judged: Vec<_> = CODES
            .iter()
            .map(|(code, ..)| *code)
            .filter(|&code| Code::is_about_the_account(code))
            .collect();
        assert_eq!(judged, [18, 23, 24]);
    }
}
