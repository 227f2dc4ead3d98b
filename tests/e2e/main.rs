//! Whole rollouts over real sockets against the simulated farm, with the `casgate` command as a child process.

mod apply;
mod approval;
mod bad_days;
mod budget;
mod check;
mod commit;
mod confirmation;
#[cfg(test)]
mod cut;
mod denial;
mod exec;
mod explain;
mod feature;
#[cfg(test)]
mod haproxy;
mod health;
#[cfg(test)]
mod hooks;
mod kill;
mod lease;
mod lessons;
mod login;
#[cfg(test)]
mod long_list;
mod mixed;
mod open;
mod pauses;
mod plan;
mod playbooks;
mod preflight;
mod preview;
mod rehearse;
mod restart;
#[cfg(test)]
mod rotation;
mod saved_plan;
mod status;
mod stop;
#[cfg(test)]
mod support;
mod terminal;
mod transcript;
mod undo;
mod unreachable;
#[cfg(test)]
mod vantage;
mod verify;
mod watch;
mod way_back;
mod window;
mod witness;
