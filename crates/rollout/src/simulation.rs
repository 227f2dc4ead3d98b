//! A farm that answers as a driver would, in virtual time and without a socket: for property tests, and for `casgate rehearse --seeds`.
//!
//! [`World`] is what is true of each server, whatever the run believes; it answers actions, with faults. [`Game`] drives a run on it, across
//! crashes, and checks at every event what must always hold. [`play`] makes all of it from one number: farm, playbook, faults, crashes.
//!
//! Neighbours: only the core itself, `inventory` for the farm, and `iis` for what a half-made change of the rules lets in. `cli` plays the same
//! seeds over real sockets against casim.

mod answers;
mod chance;
mod checks;
mod game;
mod scenario;
mod seeds;
mod world;

pub use answers::{done, error, evidence, rotation};
pub use chance::Chance;
pub use checks::{Breach, check_floors, check_limits};
pub use game::{End, Game, Sitting};
pub use scenario::{Fault, Scenario, Wrong};
pub use seeds::{Played, play};
pub use world::{Truth, World};
