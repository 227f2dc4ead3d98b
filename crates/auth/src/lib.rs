//! Security contexts, bytes in and bytes out: NTLM, Kerberos, SPNEGO, sealed multipart framing.
//!
//! Neighbours: `winrm` drives an [`Initiator`] and `casim` an [`Acceptor`], one per TCP connection; both end with
//! the same [`Session`], which seals and unseals the SOAP messages of that connection ([MS-WSMV] 2.2.9.1). Nothing
//! here does IO, reads a clock or makes up randomness: time and entropy are arguments (but AES under Kerberos takes its
//! confounders from the operating system). Kerberos says what to ask a KDC as a value ([`KdcRequest`]).
//!
//! ```
//! use auth::{Acceptor, AcceptorOptions, Credentials, FileTime, Initiator, NtHash, Scheme, Secret};
//! use rand::{SeedableRng, rngs::StdRng};
//!
//! let now = FileTime::from_unix_nanoseconds(1_700_000_000_000_000_000);
//! let mut chance = StdRng::seed_from_u64(1);
//! let operator = Credentials::new(r"CONTOSO\operator", Secret::from("a pass phrase"));
//! let expected = NtHash::of_password(&operator.password);
//! let accounts = move |domain: &str, user: &str| {
//!     (domain == "CONTOSO" && user.eq_ignore_ascii_case("operator")).then(|| expected.clone())
//! };
//!
//! let mut client = Initiator::new(Scheme::Negotiate, &operator, "HTTP/cas01", None, &mut chance, now);
//! let mut server = Acceptor::new(AcceptorOptions::named("CONTOSO", "CAS01"), accounts, &mut chance, now);
//!
//! let mut step = client.step(None)?;
//! loop {
//!     let reply = server.step(&step.token)?;
//!     if reply.done && step.done {
//!         break;
//!     }
//!     step = client.step(Some(&reply.token))?;
//!     if reply.done {
//!         break;
//!     }
//! }
//! assert_eq!(server.principal(), Some(r"CONTOSO\operator"));
//!
//! let mut client = client.into_session()?;
//! let mut server = server.into_session()?;
//! let (content_type, body) = client.seal_body(b"<s:Envelope/>")?;
//! assert_eq!(server.unseal_body(&content_type, &body)?, b"<s:Envelope/>");
//! # Ok::<(), auth::Error>(())
//! ```
//!
//! [MS-WSMV]: https://learn.microsoft.com/openspecs/windows_protocols/ms-wsmv/

mod acceptor;
pub mod basic;
mod channel_binding;
mod credentials;
mod der;
mod error;
mod file_time;
mod initiator;
mod kerberos;
pub mod multipart;
mod ntlm;
mod secret;
mod session;
mod spnego;

pub use acceptor::{AcceptStep, Acceptor, AcceptorOptions, Accounts, BindingPolicy};
pub use channel_binding::{ChannelBinding, channel_binding};
pub use credentials::{Credentials, NtHash, UserName};
pub use error::Error;
pub use file_time::FileTime;
pub use initiator::{Initiator, Realm, Scheme, Step};
pub use kerberos::{Include, KdcRequest, Krb5Conf};
pub use secret::Secret;
pub use session::{Sealed, Session};
