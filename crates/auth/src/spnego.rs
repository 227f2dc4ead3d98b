//! SPNEGO around Kerberos and NTLM (RFC 4178, with what [MS-SPNG] adds).
//!
//! The mechListMIC protects the choice of the mechanism. It is exchanged whenever the AUTHENTICATE message has a MIC
//! of its own. Windows starts the RC4 state of a direction anew after its mechListMIC while the sequence number goes
//! on; recorded logins vouch for the MICs.
//!
//! [MS-SPNG]: https://learn.microsoft.com/openspecs/windows_protocols/ms-spng/

mod client;
mod server;
mod token;

pub(crate) use client::Client;
pub(crate) use server::Server;

/// 1.3.6.1.4.1.311.2.2.10, the mechanism NTLMSSP.
const NTLMSSP: &[u8] = &[0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x02, 0x02, 0x0a];

#[cfg(test)]
mod tests;
