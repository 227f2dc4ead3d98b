//! Basic authentication (RFC 7617), both sides.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::credentials::Credentials;
use crate::error::Error;
use crate::secret::Secret;

/// `user:password`, not yet encoded.
pub(crate) fn token(credentials: &Credentials) -> Result<Secret, Error> {
    if credentials.user.contains(':') {
        return Err(Error::ColonInUser);
    }
    if credentials.password.is_nt_hash() {
        return Err(Error::PasswordNeeded);
    }
    let password = credentials.password.expose();
    let mut text = String::with_capacity(credentials.user.len() + 1 + password.len());
    text.push_str(&credentials.user);
    text.push(':');
    text.push_str(password);
    Ok(Secret::from(text))
}

/// The value of an `Authorization` header. It holds the password, hence the [`Secret`].
///
/// # Errors
/// [`Error::ColonInUser`] and [`Error::PasswordNeeded`].
pub fn authorization(credentials: &Credentials) -> Result<Secret, Error> {
    let token = token(credentials)?;
    let size = token.expose().len().div_ceil(3) * 4;
    let mut header = String::with_capacity("Basic ".len() + size);
    header.push_str("Basic ");
    STANDARD.encode_string(token.expose(), &mut header);
    Ok(Secret::from(header))
}

/// Reads the value of an `Authorization` header. `None` when it is not a well-formed Basic one.
pub fn read(header: &str) -> Option<Credentials> {
    let (scheme, encoded) = header.trim().split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("Basic") {
        return None;
    }
    let text = Zeroizing::new(STANDARD.decode(encoded.trim()).ok()?);
    let (user, password) = std::str::from_utf8(&text).ok()?.split_once(':')?;
    Some(Credentials::new(user, Secret::from(password)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credentials::NtHash;

    #[test]
    fn header_is_the_one_of_rfc_7617() {
        let header = authorization(&Credentials::new("Aladdin", Secret::from("open sesame"))).unwrap();
        assert_eq!(header.expose(), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        let back = read(header.expose()).unwrap();
        assert_eq!(back.user, "Aladdin");
        assert!(back.password.same_as(&Secret::from("open sesame")));
        assert!(!back.password.same_as(&Secret::from("open sesam3")));
    }

    #[test]
    fn passwords_may_hold_colons_and_any_letter() {
        let credentials = Credentials::new(r"CONTOSO\müller", Secret::from("a:b:ü"));
        let back = read(authorization(&credentials).unwrap().expose()).unwrap();
        assert_eq!(
            (back.user.as_str(), back.password.expose()),
            (r"CONTOSO\müller", "a:b:ü")
        );
    }

    #[test]
    fn what_basic_cannot_carry_is_refused() {
        let colon = Credentials::new("a:b", Secret::from("x"));
        assert!(matches!(authorization(&colon), Err(Error::ColonInUser)));
        let hash = NtHash::of_password(&Secret::from("x"));
        let hashed = Credentials::new("a", Secret::from_nt_hash(&hash));
        assert!(matches!(authorization(&hashed), Err(Error::PasswordNeeded)));
    }

    #[test]
    fn other_headers_are_not_basic() {
        for header in [
            "",
            "Basic",
            "Basic ???",
            "Negotiate QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
            "Basic QWxhZGRpbg==",
            "Basic /////w==",
        ] {
            assert!(read(header).is_none(), "{header}");
        }
    }
}
