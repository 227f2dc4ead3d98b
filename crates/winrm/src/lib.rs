//! A WinRM client: one authenticated connection is one value.
