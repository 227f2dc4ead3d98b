//! Whole rollouts over real sockets against the simulated farm.
