//! A whole run with a load balancer alone.
