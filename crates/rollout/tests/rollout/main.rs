//! The core as its neighbours see it: plans, transitions, whole rollouts on a simulated farm, and the journal's JSON.

#[cfg(test)]
mod farm;
#[cfg(test)]
mod json;
#[cfg(test)]
mod plan;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod run;
#[cfg(test)]
mod scenarios;
#[cfg(test)]
mod seeds;
#[cfg(test)]
mod transitions;
