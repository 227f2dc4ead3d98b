//! What others say about a load balancer may repeat the password that they were given.

use auth::Credentials;

/// The text without the password, should it stand in it.
pub(super) fn masked(text: &str, credentials: Option<&Credentials>) -> String {
    match credentials.map(|known| known.password.expose()) {
        Some(password) if !password.is_empty() => text.replace(password, "***"),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use auth::Secret;

    use super::*;

    #[test]
    fn a_password_that_comes_back_is_not_shown() {
        let credentials = Credentials::new("ops", Secret::from("s3cret"));
        assert_eq!(masked("no: s3cret s3cret", Some(&credentials)), "no: *** ***");
        let empty = Credentials::new("ops", Secret::from(""));
        assert_eq!(
            (masked("no", Some(&empty)), masked("no", None)),
            ("no".to_owned(), "no".to_owned())
        );
    }
}
