//! Who logs in, and where the password is fetched: the inventory itself never holds a secret.

/// A user and the place of the password.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Credential {
    /// `DOMAIN\user` or `user@domain`.
    pub user: String,
    /// Where the password is.
    pub password: PasswordSource,
}

/// Where the password is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum PasswordSource {
    /// In this environment variable.
    Env(String),
    /// In this file (relative to the inventory's folder), up to the first line break.
    File(String),
    /// On the standard output of this program, up to the first line break: program and arguments, no shell.
    Command(Vec<String>),
    /// In the operator's head: asked for with this text, on a terminal only.
    Prompt(String),
}
