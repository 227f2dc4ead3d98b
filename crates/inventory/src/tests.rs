//! Tests of the whole: files in, values or renderings out.

mod findings;
mod journal;
mod reference;
mod robustness;
mod shipped;
