//! appcmd, iisreset, dism, sc, reg and netsh as typed invocations, and what ipSecurity rules mean.
//!
//! Every command is a [`command::Invocation`]: the line to run and the parser of its output. Success is decided by exit codes and by reading the
//! state back; words are hints only, since Windows says them in its own language. Nothing here knows how a command reaches a server.
//!
//! Neighbours: `command` quotes and decodes; `exchange` adds what Exchange knows; `driver` runs the invocations; `casim` imitates the programs.

pub mod appcmd;
pub mod application_host;
mod application_path;
mod error;
pub mod feature;
pub mod ip_security;
pub mod network;
pub mod registry;
pub mod reset;
pub mod service;

pub use appcmd::{AppcmdError, AppcmdErrorKind};
pub use application_path::ApplicationPath;
pub use error::Error;

/// The native module that enforces `ipSecurity` (`%windir%\System32\inetsrv\iprestr.dll`). The section can be written without it and then means
/// nothing ("Introduction to IIS Architecture", IIS documentation).
pub const IP_RESTRICTION_MODULE: &str = "IpRestrictionModule";

/// The optional Windows feature that brings [`IP_RESTRICTION_MODULE`], by its dism name (in Server Manager: Web-IP-Security).
pub const IP_SECURITY_FEATURE: &str = "IIS-IPSecurity";
