//! Whole rollouts over real sockets against the simulated farm, with the `casgate` command as a child process.

mod apply;
mod approval;
mod budget;
mod check;
mod commit;
mod exec;
mod feature;
mod health;
mod kill;
mod login;
mod open;
mod rehearse;
mod restart;
mod status;
mod stop;
#[cfg(test)]
mod support;
mod terminal;
mod transcript;
mod unreachable;
mod verify;
mod way_back;
mod witness;
