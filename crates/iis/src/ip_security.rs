//! `system.webServer/security/ipSecurity`: rules, what they mean, what has to change, and in which order it may change.
//!
//! Rules are judged from the top, the first that matches decides, and `allowUnlisted` decides for everybody else ("IP Security `<ipSecurity>`",
//! IIS documentation). [`Section`] is one such list, [`Desired`] what an operator wants of it, [`commits`] the way from one to the other on which
//! no client is denied that both of them allow.

mod commit;
mod describe;
mod desired;
pub(crate) mod element;
mod meaning;
mod rule;
mod scope;
mod section;

pub use commit::{Commit, commits};
pub use describe::describe;
pub use desired::{Desired, Existing, Unlisted};
pub use rule::Rule;
pub use section::{DenyAction, Section};

/// Full path of the section. The short name is ambiguous (there is one below `system.ftpServer` too), so this is always written.
pub const SECTION: &str = "system.webServer/security/ipSecurity";
