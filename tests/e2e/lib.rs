//! Helpers of the end-to-end tests: running the `casgate` binary, farms, transcripts.
