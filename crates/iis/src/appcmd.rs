//! `appcmd.exe`: IIS's own command-line tool, as typed invocations.
//!
//! Every line names the full section path and, where it writes, `/commit:apphost`: the section is locked for the levels below ("IP Security
//! `<ipSecurity>`", IIS documentation). What appcmd says is read from its XML and from the fixed words of its object lists; whether it failed is decided
//! by the exit code, and its sentences (which Windows translates) are hints. Writing rules is [`ip_security::commits`](crate::ip_security::commits).

mod config;
mod failure;
mod object;
mod objects;
mod sites;

pub use config::{clear_section, list_effective_section, list_section, list_server_section};
pub(crate) use failure::succeeded;
pub use failure::{AppcmdError, AppcmdErrorKind};
pub use objects::{
    App, RequestUnderWay, WorkerProcess, add_backup, delete_backup, list_app, list_backups, list_modules,
    list_requests, list_worker_processes, recycle_app_pool, restore_backup,
};
pub use sites::{
    ApplicationPool, ObjectState, Site, SiteApplication, list_app_pools, list_applications, list_sites,
};

/// Where appcmd stands; it is not on the path. In a 32-bit shell Windows would silently run the 32-bit copy.
pub const PROGRAM: &str = r"%windir%\system32\inetsrv\appcmd.exe";
