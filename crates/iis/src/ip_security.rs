//! `system.webServer/security/ipSecurity`: rules, what they mean, what has to change, and in which order it may change.
//!
//! Rules are judged from the top, the first that matches decides, and `allowUnlisted` decides for everybody else ("IP Security `<ipSecurity>`",
//! IIS documentation). [`Section`] is one such list, [`effective`] the addresses that it lets in, [`Desired`] what an operator wants of it, [`commits`]
//! the way from one to the other, and [`Transition`] such a way, there and back, with the proof that it denies no client whom both ends allow.

mod address_set;
mod address_text;
mod commit;
mod describe;
mod desired;
pub(crate) mod element;
mod finding;
mod inheritance;
mod meaning;
mod partition;
mod rule;
mod scope;
mod section;
mod side_by_side;
mod transition;
mod way_back;

pub use address_set::{AddressSet, Difference, diff, effective};
pub use commit::{Commit, commits, states};
pub use describe::{describe, describe_in_short};
pub use desired::{Desired, Existing, Unlisted};
pub use finding::{Finding, FindingKind, findings};
pub use inheritance::{Directive, Level, inherited};
pub use rule::Rule;
pub use section::{DenyAction, Section};
pub use transition::{Transition, prove};
pub use way_back::{is_left_between, way_back, way_back_resumed};

/// Full path of the section. The short name is ambiguous (there is one below `system.ftpServer` too), so this is always written.
pub const SECTION: &str = "system.webServer/security/ipSecurity";
