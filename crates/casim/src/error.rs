//! What can go wrong while a simulated farm is being set up.

use std::io;
use std::net::SocketAddr;

/// Why a simulated farm, or one part of it, could not be started.
///
/// Once something runs, its troubles are part of the simulation and are seen by its clients, not here.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A listening port could not be had.
    #[error("cannot listen on {address} for {what}")]
    Listen {
        /// Which part wanted to listen.
        what: String,
        /// Where.
        address: SocketAddr,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// A certificate or its key could not be made.
    #[error("cannot make a certificate for {subject}")]
    Certificate {
        /// Whom the certificate was for.
        subject: String,
        /// Why not.
        #[source]
        source: rcgen::Error,
    },
    /// The TLS library refused a configuration.
    #[error("cannot set up TLS for {subject}")]
    Tls {
        /// Whose configuration it was.
        subject: String,
        /// Why not.
        #[source]
        source: rustls::Error,
    },
    /// An `applicationHost.config` that the model cannot take.
    #[error("expected an applicationHost.config that can be simulated, found {found}")]
    Configuration {
        /// What was met.
        found: String,
    },
    /// The options ask for something that cannot be.
    #[error("farm options: expected {expected}, found {found}")]
    Options {
        /// What would have been possible.
        expected: &'static str,
        /// What was asked for.
        found: String,
    },
}
