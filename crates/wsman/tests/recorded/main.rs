//! What Windows servers really said, and what other clients really sent. The recordings are not part of this repository.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "helpers of tests"
)]

use std::path::PathBuf;

mod replies;
mod requests;
mod singles;

/// The folder with the recordings of WS-Management, if there is one.
#[expect(
    clippy::disallowed_methods,
    reason = "recordings are found through the environment only"
)]
pub(crate) fn folder() -> Option<PathBuf> {
    let folder = std::env::var_os("CASGATE_RECORDINGS").map(|folder| PathBuf::from(folder).join("wsman"));
    if folder.is_none() {
        println!("skipped: CASGATE_RECORDINGS is not set");
    }
    folder
}

/// One request and what Windows answered.
pub(crate) struct Exchange {
    /// Name of the conversation and number of the exchange in it.
    pub(crate) place: String,
    /// What another client sent.
    pub(crate) request: String,
    /// What Windows answered.
    pub(crate) response: String,
    /// The HTTP status, where it was not 200.
    pub(crate) status: Option<u64>,
}

/// All exchanges of `winrs_sessions.json`, in order.
pub(crate) fn exchanges() -> Option<Vec<Exchange>> {
    let text = std::fs::read_to_string(folder()?.join("winrs_sessions.json")).unwrap();
    let sessions: serde_json::Value = serde_json::from_str(&text).unwrap();
    let mut exchanges = Vec::new();
    for (name, session) in sessions.as_object().unwrap() {
        for (number, message) in session["messages"].as_array().unwrap().iter().enumerate() {
            exchanges.push(Exchange {
                place: format!("{name}[{number}]"),
                request: message["request"].as_str().unwrap().to_owned(),
                response: message["response"].as_str().unwrap().to_owned(),
                status: message["transport_error"]["code"].as_u64(),
            });
        }
    }
    assert!(exchanges.len() > 30, "only {} exchanges", exchanges.len());
    Some(exchanges)
}

/// The text between two marks, read without any parser of XML.
pub(crate) fn between<'a>(text: &'a str, start: &str, end: &str) -> Option<&'a str> {
    let from = text.find(start)? + start.len();
    let length = text[from..].find(end)?;
    Some(&text[from..from + length])
}
