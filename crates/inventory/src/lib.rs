//! TOML inventory and playbook to checked values; every error has file, line and caret.
//!
//! Reading is total: a file is walked to its end and every problem is reported at once, as a [`Diagnostic`] with a stable code, a place and
//! a hint. Nothing here touches disk, environment or network; whoever has the text hands it over as a [`Source`].
//!
//! Neighbours: `iis` gives the application path and the meaning of rules; `rollout` plans with these values and journals [`Step`]s; `driver`
//! and `casim` perform and simulate them; `cli` reads the files and prints the diagnostics.

mod check;
mod credential;
mod diagnostic;
mod duration;
mod error;
mod fleet;
mod hook;
mod lints;
mod load_balancer;
mod name;
mod playbook;
mod quantity;
mod reader;
mod selector;
mod source;
mod step;
mod template;
mod tls;
mod window;

pub use check::{Checked, check, lint, read_inventory, read_playbook};
pub use credential::{Credential, PasswordSource};
pub use diagnostic::{Code, Diagnostic, Related, Severity};
pub use error::Error;
pub use fleet::{Auth, Inventory, Pool, Server, Site, Transport, Vantage};
pub use hook::{Hook, HookAct, HookFormat, HookHole};
pub use load_balancer::{
    CommandBalancer, Conditions, HttpBalancer, LoadBalancer, Method, Request, StateRequest, TEXT,
};
pub use name::{PoolName, ServerName, VantageName};
pub use playbook::{OnFailure, Playbook, Policy, Strategy};
pub use quantity::Quantity;
pub use selector::Selector;
pub use source::Source;
pub use step::{
    AllowEntry, AllowWhat, BackUp, CommandStep, Drain, InstallFeature, PowershellStep, RestartIis,
    RestartMethod, Restrict, ReturnToRotation, Role, Step, StepKind, WaitHealthy, Witness,
};
pub use template::{Hole, Placeholder, Template};
pub use tls::{Fingerprint, Tls};
pub use window::{Moment, Opening, Window, WindowError, Zone};

#[cfg(test)]
mod tests;
