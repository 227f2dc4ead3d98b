//! The applications that Exchange 2013 and later put below the front-end site.

use iis::ApplicationPath;

/// The site that clients reach. An administrator can rename it, so this is a default, not a certainty.
pub const FRONT_END_SITE: &str = "Default Web Site";

/// The site that front ends reach on port 444. Restricting it cuts the servers of a farm off from each other: never a target.
pub const BACK_END_SITE: &str = "Exchange Back End";

/// One application of the front-end site.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct VirtualDirectory {
    /// Its path, e.g. `/owa`.
    pub path: &'static str,
    /// Its application pool, by the name that setup gives.
    pub application_pool: &'static str,
    /// Whether it serves clients who can be told apart by their address, so that restricting it is a sane wish. The others serve administrators'
    /// sessions and Exchange itself.
    pub restrictable: bool,
}

impl VirtualDirectory {
    /// All of them, with the pools of a 2019 server's applicationHost.config.
    pub const ALL: [Self; 9] = [
        Self::row("/Microsoft-Server-ActiveSync", "MSExchangeSyncAppPool", true),
        Self::row("/owa", "MSExchangeOWAAppPool", true),
        Self::row("/ecp", "MSExchangeECPAppPool", true),
        Self::row("/EWS", "MSExchangeServicesAppPool", true),
        Self::row("/Autodiscover", "MSExchangeAutodiscoverAppPool", true),
        Self::row("/OAB", "MSExchangeOABAppPool", true),
        Self::row("/mapi", "MSExchangeMapiFrontEndAppPool", true),
        Self::row("/Rpc", "MSExchangeRpcProxyFrontEndAppPool", true),
        Self::row("/PowerShell", "MSExchangePowerShellFrontEndAppPool", false),
    ];

    /// ActiveSync, for which casgate is made. The back end's ActiveSync runs in the pool of the same name.
    pub const ACTIVE_SYNC: Self = Self::ALL[0];

    const fn row(path: &'static str, application_pool: &'static str, restrictable: bool) -> Self {
        Self {
            path,
            application_pool,
            restrictable,
        }
    }

    /// The row for a path below the front-end site, in any case and with or without a slash at its end.
    pub fn at(path: &str) -> Option<&'static Self> {
        let path = path.trim_end_matches('/');
        Self::ALL.iter().find(|row| row.path.eq_ignore_ascii_case(path))
    }

    /// The path of its health page, e.g. `/owa/healthcheck.htm`.
    pub fn health_page(&self) -> String {
        format!("{}/healthcheck.htm", self.path)
    }

    /// The application below a site.
    ///
    /// # Errors
    /// [`iis::Error::BadApplicationPath`] when `site` cannot be a site's name.
    pub fn application(&self, site: &str) -> Result<ApplicationPath, iis::Error> {
        ApplicationPath::new(site, self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::{FRONT_END_SITE, VirtualDirectory};

    #[test]
    fn rows_are_found_by_their_path() {
        assert_eq!(
            VirtualDirectory::at("/microsoft-server-activesync/"),
            Some(&VirtualDirectory::ACTIVE_SYNC)
        );
        assert_eq!(VirtualDirectory::at("/nosuch"), None);
        assert_eq!(VirtualDirectory::at("/"), None);
        let owa = VirtualDirectory::at("/OWA").unwrap();
        assert_eq!(owa.health_page(), "/owa/healthcheck.htm");
        assert_eq!(
            owa.application(FRONT_END_SITE).unwrap().to_string(),
            "Default Web Site/owa"
        );
        assert!(owa.application("a/b").is_err());
    }

    #[test]
    #[expect(
        clippy::disallowed_methods,
        reason = "recordings are found through the environment"
    )]
    fn pools_are_those_of_a_real_server() {
        let Ok(folder) = std::env::var("CASGATE_RECORDINGS") else {
            println!("skipped: CASGATE_RECORDINGS is not set");
            return;
        };
        let config = std::fs::read_to_string(format!(
            "{folder}/exchange/E19_NotConfigured_applicationHost.config"
        ))
        .unwrap();
        for row in VirtualDirectory::ALL {
            let application = format!(
                "<application path=\"{}\" applicationPool=\"{}\">",
                row.path, row.application_pool
            );
            assert!(config.contains(&application), "{application}");
        }
    }
}
