//! appcmd, iisreset, dism, sc, reg, netsh, schtasks, tasklist and fsutil as typed invocations, and what ipSecurity rules mean.
//!
//! Every command is a [`command::Invocation`]: the line to run and the parser of its output. Success is decided by exit codes and by reading the
//! state back; words are hints only, since Windows says them in its own language. Nothing here knows how a command reaches a server.
//!
//! ```
//! use iis::ApplicationPath;
//! use iis::ip_security::{Desired, Existing, Rule, Section, Unlisted, commits, describe};
//!
//! let app: ApplicationPath = "Default Web Site/Microsoft-Server-ActiveSync".parse()?;
//! let current = Section::default();
//! let gateway = Rule::allow_address("198.51.100.10".parse().unwrap());
//! let desired = Desired { unlisted: Unlisted::Deny, existing: Existing::Replace, deny_action: None, proxy_mode: None, rules: vec![gateway] };
//! let target = desired.target(&current);
//! assert_eq!(describe(&current, &target), ["+ allow 198.51.100.10", "unlisted: allow -> deny"]);
//! let commits = commits(&app, &current, &target)?;
//! assert_eq!(commits.len(), 1);
//! assert!(commits[0].line.line().as_str().ends_with(r#"/allowUnlisted:"False" /commit:apphost"#));
//! # Ok::<(), iis::Error>(())
//! ```
//!
//! Neighbours: `command` quotes and decodes; `exchange` adds what Exchange knows; `driver` runs the invocations; `casim` imitates the programs.

pub mod appcmd;
pub mod application_host;
mod application_path;
pub mod disk;
mod error;
pub mod feature;
pub mod ip_security;
pub mod network;
pub mod process;
pub mod redirection;
pub mod registry;
pub mod reset;
pub mod scheduled_task;
pub mod schema;
pub mod service;
pub mod shell;
pub mod system;
pub mod web_log;

pub use appcmd::{AppcmdError, AppcmdErrorKind};
pub use application_path::ApplicationPath;
pub use error::Error;

/// The native module that enforces `ipSecurity` (`%windir%\System32\inetsrv\iprestr.dll`). The section can be written without it and then means
/// nothing ("Introduction to IIS Architecture", IIS documentation).
pub const IP_RESTRICTION_MODULE: &str = "IpRestrictionModule";

/// The optional Windows feature that brings [`IP_RESTRICTION_MODULE`], by its dism name (in Server Manager: Web-IP-Security).
pub const IP_SECURITY_FEATURE: &str = "IIS-IPSecurity";

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
