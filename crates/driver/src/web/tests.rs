//! Against an HTTPS stand-in on loopback.
