//! Who sits at the keyboard, and in which time zone: read from the environment once.

/// `user@host`, for the journal.
#[expect(
    clippy::disallowed_methods,
    reason = "the command line is where the environment is read"
)]
pub(crate) fn operator() -> String {
    let user = ["USER", "USERNAME", "LOGNAME"]
        .iter()
        .find_map(|name| std::env::var(name).ok())
        .unwrap_or_else(|| "somebody".to_owned());
    let host = std::env::var("HOSTNAME")
        .or_else(|_| std::env::var("COMPUTERNAME"))
        .ok()
        .or_else(|| std::fs::read_to_string("/etc/hostname").ok())
        .map_or_else(|| "this machine".to_owned(), |name| name.trim().to_owned());
    format!("{user}@{host}")
}

/// The same for the leases on servers, which say for which change they stand.
pub(crate) fn acting(operator: &str, change: Option<&str>) -> String {
    match change {
        Some(change) => format!("{operator} for {change}"),
        None => operator.to_owned(),
    }
}
