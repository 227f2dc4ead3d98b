//! `restrict`: the application, and what becomes of whom.

use exchange::{FRONT_END_SITE, VirtualDirectory};
use iis::ApplicationPath;
use iis::ip_security::{DenyAction, Existing, Unlisted};
use jiff::SignedDuration;

use super::allow;
use crate::diagnostic::Code;
use crate::reader::entry::Entry;
use crate::reader::findings::Findings;
use crate::reader::table::Table;
use crate::step::Restrict;

/// A restart and its witnesses take longer than less; who has not confirmed within a day never will.
const SHORTEST_PATIENCE: SignedDuration = SignedDuration::from_mins(1);
const LONGEST_PATIENCE: SignedDuration = SignedDuration::from_hours(24);

/// Reads one; what could not be read has its default.
pub(super) fn restrict(table: &Table<'_>, found: &mut Findings<'_>) -> Option<Restrict> {
    let unlisted_words = [("allow", Unlisted::Allow), ("deny", Unlisted::Deny)];
    let existing_words = [("replace", Existing::Replace), ("keep", Existing::Keep)];
    let denials = DenyAction::ALL.map(|action| (action.word(), action));
    let application = table
        .need(
            "application",
            "write application = \"Default Web Site/Microsoft-Server-ActiveSync\"",
            found,
        )
        .and_then(|entry| application(&entry, found));
    let unlisted_entry = table.need(
        "unlisted",
        "write unlisted = \"deny\": what becomes of clients that no entry names",
        found,
    );
    let unlisted = unlisted_entry
        .as_ref()
        .and_then(|entry| entry.word(&unlisted_words, &[], found));
    let existing = table
        .need(
            "existing",
            "write existing = \"replace\", or \"keep\" to add to the entries that are there",
            found,
        )
        .and_then(|entry| entry.word(&existing_words, &[], found));
    let allow_entry = table.get("allow");
    let allow = allow_entry
        .as_ref()
        .map(|entry| allow::read(entry, found))
        .unwrap_or_default();
    let written_empty = allow_entry.as_ref().is_none_or(Entry::is_empty);
    if let (Some(Unlisted::Deny), Some(entry), true) = (unlisted, &unlisted_entry, written_empty) {
        let hint =
            "list who may still come: allow = [ { address = \"192.0.2.10\" }, { role = \"loopback\" } ]";
        found.error(
            Code::DenyWithoutAllow,
            entry.span(),
            "everybody would be shut out: deny without any allow",
            hint,
        );
    }
    Some(Restrict {
        // Any application does: a finding was made, so that nobody sees this one.
        application: application
            .or_else(|| VirtualDirectory::ACTIVE_SYNC.application(FRONT_END_SITE).ok())?,
        unlisted: unlisted.unwrap_or(Unlisted::Deny),
        existing: existing.unwrap_or(Existing::Replace),
        allow,
        deny_action: table
            .get("deny_action")
            .and_then(|entry| entry.word(&denials, &[], found)),
        proxy_mode: table.get("proxy_mode").and_then(|entry| entry.boolean(found)),
        confirm_within: table
            .get("confirm_within")
            .and_then(|entry| entry.duration((SHORTEST_PATIENCE, LONGEST_PATIENCE), found)),
    })
}

/// `Default Web Site/Microsoft-Server-ActiveSync`.
fn application(entry: &Entry<'_>, found: &mut Findings<'_>) -> Option<ApplicationPath> {
    let text = entry.text(found)?;
    match text.parse::<ApplicationPath>() {
        Ok(application) => Some(application),
        Err(error) => {
            let hint =
                "write site and path as IIS shows them: \"Default Web Site/Microsoft-Server-ActiveSync\"";
            found.error(
                Code::BadValue,
                entry.span(),
                format!("`application`: {error}"),
                hint,
            );
            None
        }
    }
}
