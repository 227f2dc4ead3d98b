//! What Exchange adds to IIS: versions, virtual directories, component states, setup, health pages, who an answer lets in, and whom rules would
//! cut off.
//!
//! Tables and judgements, no network: `driver` fetches pages and runs invocations, and asks here what they mean.

mod access;
pub mod component_state;
pub mod health;
mod ping;
pub mod setup;
pub mod traffic;
pub mod vantage;
pub mod version;
mod virtual_directory;

pub use access::{Access, classify, classify_by};
pub use health::Health;
pub use ping::is_ping;
pub use version::{Product, Version};
pub use virtual_directory::{BACK_END_SITE, FRONT_END_SITE, VirtualDirectory};
