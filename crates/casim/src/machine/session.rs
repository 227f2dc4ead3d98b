//! The settings of the shell that a command runs in.

/// Environment, working directory and user of one WinRS shell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Who logged in, `DOMAIN\user`.
    pub user: String,
    /// Working directory; `None` is the user's profile folder.
    pub working_directory: Option<String>,
    /// Variables that the shell adds to the server's own; a later one wins, names match without case.
    pub environment: Vec<(String, String)>,
}

impl Default for Session {
    fn default() -> Self {
        Self {
            user: r"CONTOSO\operator".to_owned(),
            working_directory: None,
            environment: Vec::new(),
        }
    }
}
