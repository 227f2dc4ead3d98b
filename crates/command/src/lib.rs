//! A remote Windows command as a value: quoting, its inverse, and decoding of output.
//!
//! [`CommandLine`] is the text that cmd.exe gets; [`Invocation`] joins it with the parser of what the command prints. [`quote`] is the only
//! quoting in the tree and [`cmd`] its inverse, which the simulator uses; each is tested against the other. Nothing here does any input or output.
//!
//! ```
//! use command::{CommandLine, quote};
//!
//! let line = CommandLine::native("reg", &["add", r"HKLM\SOFTWARE\x", "/d", "50% & \"more\""])?;
//! assert_eq!(line.as_str(), r#"reg add HKLM\SOFTWARE\x /d ^"50%^ ^& \^"more\^"^""#);
//! assert_eq!(quote::split(r#"reg add "two words""#), ["reg", "add", "two words"]);
//! # Ok::<(), command::Error>(())
//! ```
//!
//! Neighbours: `iis` and `exchange` build invocations, `winrm` runs them, `casim` takes the lines apart again.

pub mod clixml;
pub mod cmd;
mod error;
mod invocation;
mod line;
mod output;
pub mod powershell;
pub mod quote;
pub mod upload;

pub use error::Error;
pub use invocation::Invocation;
pub use line::CommandLine;
pub use output::Output;
