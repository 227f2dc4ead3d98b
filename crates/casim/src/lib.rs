//! A simulated farm of Exchange servers: WinRM endpoint, IIS configuration, front ends, load balancer, faults.

mod authority;
pub mod clients;
mod error;
pub mod front_end;
pub mod load_balancer;
pub mod machine;
mod port;
mod web_client;

pub use authority::Authority;
pub use error::Error;
