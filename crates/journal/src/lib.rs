//! The record of a run on disk: append, sync, replay, one writer.
