//! Events to people and programs: bars, lines, JSON lines, summary.
