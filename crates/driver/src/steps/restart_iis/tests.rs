//! What counts as restarted.
