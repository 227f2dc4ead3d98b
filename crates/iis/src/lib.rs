//! appcmd, iisreset, dism, sc and netsh as typed invocations, and what ipSecurity rules mean.
