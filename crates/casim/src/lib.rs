//! A simulated farm of Exchange servers: WinRM endpoint, IIS configuration, front ends, load balancer, faults.

pub mod machine;
