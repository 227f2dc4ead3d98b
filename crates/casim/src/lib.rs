//! A simulated farm of Exchange servers: WinRM endpoint, IIS configuration, front ends, load balancer, faults.

mod authority;
pub mod clients;
pub mod endpoint;
mod error;
mod farm;
pub mod front_end;
pub mod load_balancer;
pub mod machine;
mod port;
mod web_client;

pub use authority::{Authority, ServerIdentity};
pub use error::Error;
pub use farm::{Farm, FarmOptions, Likeness};
