//! NTLM as WinRM needs it ([MS-NLMP]): NTLMv2, key exchange, MIC, channel binding, sealing with extended session
//! security. Older responses and weaker keys are refused on both sides.
//!
//! The crate `ntlmclient` writes NEGOTIATE, parses CHALLENGE and gives flags and AV pairs; everything else is here.
//!
//! [MS-NLMP]: https://learn.microsoft.com/openspecs/windows_protocols/ms-nlmp/

mod authenticate;
mod av_pairs;
mod challenge;
mod client;
mod digest;
mod fields;
mod flags;
mod negotiate;
mod response;
mod sealing;
mod server;

pub(crate) use client::Client;
pub(crate) use digest::{hmac_md5, md5, nt_hash, same_bytes};
pub(crate) use sealing::Sealing;
pub(crate) use server::{Names, Server};

/// How every NTLM message begins.
pub(crate) const SIGNATURE: &[u8; 8] = b"NTLMSSP\0";

/// No honest message comes near it; it bounds what a hostile one can make us copy.
pub(crate) const LONGEST_MESSAGE: usize = 65_536;

#[cfg(test)]
mod recordings;
#[cfg(test)]
mod vectors;
