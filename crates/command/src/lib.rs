//! A remote Windows command as a value: quoting, its inverse, and decoding of output.
