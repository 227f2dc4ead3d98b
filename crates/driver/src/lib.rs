//! Performs the rollout's actions: dispatcher, workers, steps, load balancers, witnesses, clock, signals.
