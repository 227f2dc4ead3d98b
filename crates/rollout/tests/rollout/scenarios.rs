//! Whole stories, told event by event.

mod bad_days;
mod breaches;
mod confirmation;
mod leases;
mod pauses;
mod resume;
mod sites;
mod standing;
mod steps;
mod stops;
mod taking_back;
mod window;
