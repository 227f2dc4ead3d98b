//! `appcmd list config`: the section as it is written, and as it takes effect.

use command::{CommandLine, Invocation, Output};

use super::failure::{AppcmdError, succeeded};
use super::{PROGRAM, object};
use crate::ApplicationPath;
use crate::ip_security::{SECTION, Section, element};

/// The application's own section: what is written for this very place. Open and empty when nothing is.
pub fn list_section(app: &ApplicationPath) -> Invocation<Result<Section, AppcmdError>> {
    Invocation::new(line(app, "/xml"), |output| Ok(read(output)?.unwrap_or_default()))
}

/// The server's own section, which every site and application inherits. Open and empty when nothing is written.
pub fn list_server_section() -> Invocation<Result<Section, AppcmdError>> {
    const LINE: CommandLine = CommandLine::literal(
        r"%windir%\system32\inetsrv\appcmd.exe list config /section:system.webServer/security/ipSecurity /xml",
    );
    Invocation::new(LINE, |output| Ok(read(output)?.unwrap_or_default()))
}

/// The section as it takes effect at the application, inheritance and defaults included. An answer without the section is an error here.
pub fn list_effective_section(app: &ApplicationPath) -> Invocation<Result<Section, AppcmdError>> {
    Invocation::new(line(app, "/config:* /xml"), |output| {
        read(output)?.ok_or_else(|| AppcmdError::unreadable("the section ipSecurity", &output.stdout_text()))
    })
}

/// Takes the application's own section away, in one commit: what levels above say is in effect again. What appcmd says to it is not on record.
pub fn clear_section(app: &ApplicationPath) -> Invocation<Result<(), AppcmdError>> {
    Invocation::new(config("clear", app, "/commit:apphost"), succeeded)
}

fn line(app: &ApplicationPath, how: &str) -> CommandLine {
    config("list", app, how)
}

#[expect(
    clippy::expect_used,
    reason = "an application path is bounded and holds no character that a line cannot carry"
)]
fn config(verb: &str, app: &ApplicationPath, how: &str) -> CommandLine {
    CommandLine::raw(format!(
        r#"{PROGRAM} {verb} config "{app}" /section:{SECTION} {how}"#
    ))
    .expect("a line about an application path")
}

/// `None` when appcmd answered without the section.
fn read(output: &Output) -> Result<Option<Section>, AppcmdError> {
    if let Some(error) = AppcmdError::of(output) {
        return Err(error);
    }
    let text = output.stdout_text();
    if text.trim().is_empty() {
        return Ok(None);
    }
    let unreadable = |why: &str| AppcmdError::unreadable(why, &text);
    let document = object::parse(&text).unwrap_or_else(|| Err(unreadable("XML")))?;
    // Text mode prints the section without anything around it.
    let root = document.root_element();
    let around = root.children().find(|node| node.has_tag_name("CONFIG"));
    let found = match around {
        Some(config) => object::section(config, SECTION),
        None => object::section(document.root(), SECTION),
    };
    let Some(found) = found else {
        return if root.has_tag_name("appcmd") {
            Ok(None)
        } else {
            Err(unreadable("element appcmd"))
        };
    };
    element::read(found)
        .map(Some)
        .map_err(|error| unreadable(&error.to_string()))
}

#[cfg(test)]
mod tests;
