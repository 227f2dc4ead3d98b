//! Performs what the rollout decides: real sockets, real time, real signals.
//!
//! [`run`] is the loop of a whole run; [`look()`], [`preview()`], [`ping()`] and [`gather`] only look. Everything that reaches outside is handed in: the farm as a [`World`],
//! the journal as a [`rollout::Commit`], the screen as [`rollout::Sink`]s, the operator as a channel of [`StopRequest`]s and a [`rollout::Desk`], time as a [`Clock`].
//!
//! Neighbours: `rollout` decides and is told; `winrm` carries commands to servers, `iis` and `exchange` say which and what the output means;
//! `inventory` says where. `journal` and `report` are unknown here.

mod clock;
mod control_group;
mod dispatcher;
mod error;
mod failure;
mod health;
mod hooks;
mod lease;
mod load_balancer;
mod look;
mod observe;
mod peers;
mod ping;
mod preflight;
mod preview;
mod remote;
mod restoring;
mod rotation;
mod session;
mod shutdown;
mod steps;
#[cfg(test)]
mod testing;
mod watch;
mod web;
mod world;

pub use clock::{Clock, Deadline, Elapsed};
pub use dispatcher::run;
pub use error::Error;
pub use hooks::{Gate, HookSink, Hooks, Urls};
pub use lease::{Lease, leases};
pub use look::look;
pub use observe::observe;
pub use ping::{PingReport, PingStep, ping};
pub use preflight::gather;
pub use preview::{Coverage, Preview, PreviewOptions, preview};
pub use restoring::restore_backup;
pub use shutdown::{StopRequest, signals};
pub use steps::by_hand;
pub use world::{RotationSeen, World, WorldOptions};
