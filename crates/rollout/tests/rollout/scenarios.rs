//! Whole stories, told event by event.

mod bad_days;
mod breaches;
mod resume;
mod steps;
mod stops;
