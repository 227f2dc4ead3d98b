//! TOML to values. A file is walked to its end whatever is wrong with it; problems gather in [`Findings`].

mod address;
mod entry;
mod findings;
pub(crate) mod inventory;
pub(crate) mod keys;
pub(crate) mod playbook;
pub(crate) mod suggest;
pub(crate) mod syntax;
mod table;
mod template;

pub(crate) use findings::Findings;
