//! A WinRM client: one authenticated connection is one value.
//!
//! [`Connection`] is one TCP connection that somebody logged in on; [`Shell`] is a cmd shell on a server, which outlives connections and
//! runs [`command::Invocation`]s. Messages are written and read by `wsman`, protected by `auth`, and carried by `reqwest`. Neighbours above:
//! `driver`, which decides what an [`ErrorKind`] means for a rollout.
//!
//! The rules that everything here keeps:
//! - a command line is sent once. A reply that was lost is [`Error::OutcomeUnknown`], never a second try;
//! - over plain HTTP messages are sealed, or not sent; a success that comes back in clear is an error;
//! - what met a closed idle connection or a 401 certainly did not run, and is made once more on a fresh connection;
//! - every wait has an end;
//! - every command is released and every shell deleted, on every path, in the background where nobody can wait ([`reap`]).
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use std::{sync::Arc, time::Duration};
//! use winrm::{AuthMethod, Endpoint, KerberosPolicy, Shell, Timeouts, TlsPolicy};
//!
//! let endpoint = Arc::new(Endpoint {
//!     url: "http://cas01.contoso.example:5985/wsman".parse()?,
//!     auth: AuthMethod::Negotiate,
//!     credentials: auth::Credentials::new(r"CONTOSO\operator", auth::Secret::from("a pass phrase")),
//!     tls: TlsPolicy::default(),
//!     kerberos: KerberosPolicy::default(),
//!     allow_unencrypted: false,
//!     proxy: None,
//!     timeouts: Timeouts::default(),
//!     locale: "en-US".to_owned(),
//! });
//! let mut shell = Shell::open(endpoint).await?;
//! let line = command::CommandLine::raw("iisreset /status")?;
//! let output = shell.execute(&line, None, Duration::from_secs(60), &mut |_, _| {}).await?;
//! println!("{} (exit code {})", output.stdout_text(), output.exit_code);
//! shell.close().await?;
//! # Ok(())
//! # }
//! ```

mod certificate;
mod circumstances;
mod connection;
mod endpoint;
mod error;
mod execution;
mod failure;
mod handshake;
mod hint;
mod input;
mod kdc;
mod mark;
mod quota;
mod reaper;
mod remote;
mod service;
mod shell;
mod upload;

pub use certificate::{Certificate, Facts};
pub use circumstances::{Binding, Circumstances};
pub use connection::{Connection, Greeting, TlsFacts, greet};
pub use endpoint::{AuthMethod, BadFingerprint, Endpoint, Fingerprint, Timeouts, TlsBackend, TlsPolicy};
pub use error::{Error, ErrorKind, Partial};
pub use execution::{Stream, Streamed};
pub use handshake::{NoSecondTry, TlsProblem};
pub use kdc::{KerberosPolicy, read_krb5_conf, read_name_servers};
pub use reaper::{left_behind, reap};
pub use service::{OpenShell, Service};
pub use shell::Shell;
pub use upload::Upload;
pub use wsman::{Config, Identity, ListedShell, ShellDetails, ShellId};
