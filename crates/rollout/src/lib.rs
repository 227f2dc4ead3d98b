//! The rollout's decision core: plan, availability proof, events, state machine. No clock, no disk, no network.
