//! Which Windows and which Exchange a server runs, and what follows from it: names and numbers that programs print, what
//! IIS's schema has, what the front end says of itself.
//!
//! The numbers of Windows and IIS are those of the releases themselves. Of Exchange the build is one of each release's
//! updates; nothing depends on which.

/// A release of Windows Server, and with it of IIS.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub enum WindowsRelease {
    /// IIS 7.5.
    Server2008R2,
    /// IIS 8.5.
    Server2012R2,
    /// IIS 10.
    Server2016,
    /// IIS 10.
    #[default]
    Server2019,
}

/// A release of Exchange Server.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub enum ExchangeRelease {
    /// One web site, no health pages, no Managed Availability; servers reach each other through the front door.
    Exchange2010,
    /// Front end and back end.
    Exchange2013,
    /// Front end and back end.
    Exchange2016,
    /// Front end and back end.
    #[default]
    Exchange2019,
}

impl WindowsRelease {
    /// Whether IIS's schema has `denyAction` and `enableProxyMode`, and the module for dynamic restrictions (IIS 8 and later).
    pub(super) fn has_deny_action(self) -> bool {
        self > Self::Server2008R2
    }

    /// What servicing learnt with Windows 8: `dism /all`, features whose files were removed.
    pub(super) fn has_features_on_demand(self) -> bool {
        self > Self::Server2008R2
    }

    /// Major and minor version of IIS.
    pub(super) fn iis(self) -> (u32, u32) {
        match self {
            Self::Server2008R2 => (7, 5),
            Self::Server2012R2 => (8, 5),
            Self::Server2016 | Self::Server2019 => (10, 0),
        }
    }

    /// `ProductName` in the registry.
    pub(crate) fn product_name(self) -> &'static str {
        match self {
            Self::Server2008R2 => "Windows Server 2008 R2 Standard",
            Self::Server2012R2 => "Windows Server 2012 R2 Standard",
            Self::Server2016 => "Windows Server 2016 Standard",
            Self::Server2019 => "Windows Server 2019 Standard",
        }
    }

    /// `CurrentBuild` in the registry.
    pub(super) fn build(self) -> &'static str {
        match self {
            Self::Server2008R2 => "7601",
            Self::Server2012R2 => "9600",
            Self::Server2016 => "14393",
            Self::Server2019 => "17763",
        }
    }

    /// `CurrentVersion` in the registry, which stayed at 6.3 for Windows 10 and its servers.
    pub(super) fn registry_version(self) -> &'static str {
        match self {
            Self::Server2008R2 => "6.1",
            Self::Server2012R2 | Self::Server2016 | Self::Server2019 => "6.3",
        }
    }

    /// What `ver` prints between the brackets.
    pub(super) fn version(self) -> &'static str {
        match self {
            Self::Server2008R2 => "6.1.7601",
            Self::Server2012R2 => "6.3.9600",
            Self::Server2016 => "10.0.14393",
            Self::Server2019 => "10.0.17763.6054",
        }
    }

    /// The version of `dism` and that of the image which it prints.
    pub(super) fn servicing(self) -> (&'static str, &'static str) {
        match self {
            Self::Server2008R2 => ("6.1.7600.16385", "6.1.7601.17514"),
            Self::Server2012R2 => ("6.3.9600.19408", "6.3.9600.19397"),
            Self::Server2016 => ("10.0.14393.4169", "10.0.14393.4169"),
            Self::Server2019 => ("10.0.17763.5830", "10.0.17763.6054"),
        }
    }
}

impl std::fmt::Display for ExchangeRelease {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Exchange2010 => "Exchange 2010",
            Self::Exchange2013 => "Exchange 2013",
            Self::Exchange2016 => "Exchange 2016",
            Self::Exchange2019 => "Exchange 2019",
        })
    }
}

impl ExchangeRelease {
    /// Whether there are a front end and a back end, health pages, Managed Availability and `X-FEServer`.
    pub(crate) fn has_front_end(self) -> bool {
        self > Self::Exchange2010
    }

    /// `MsiProductMajor`, `MsiProductMinor`, `MsiBuildMajor`, `MsiBuildMinor`.
    pub(super) fn setup_version(self) -> [u32; 4] {
        match self {
            Self::Exchange2010 => [14, 3, 123, 4],
            Self::Exchange2013 => [15, 0, 1497, 2],
            Self::Exchange2016 => [15, 1, 2507, 6],
            Self::Exchange2019 => [15, 2, 986, 5],
        }
    }

    /// `OwaVersion` in the registry.
    pub(super) fn owa_version(self) -> &'static str {
        match self {
            Self::Exchange2010 => "14.3.123.3",
            Self::Exchange2013 => "15.0.1497.2",
            Self::Exchange2016 => "15.1.2507.6",
            Self::Exchange2019 => "15.2.986.14",
        }
    }

    /// The folder below `Exchange Server`, and the key below `ExchangeServer`: `V14` or `V15`.
    pub(super) fn generation(self) -> &'static str {
        match self {
            Self::Exchange2010 => "V14",
            Self::Exchange2013 | Self::Exchange2016 | Self::Exchange2019 => "V15",
        }
    }

    /// `C:\Program Files\Microsoft\Exchange Server\V15`.
    pub(super) fn folder(self) -> String {
        format!(
            r"C:\Program Files\Microsoft\Exchange Server\{}",
            self.generation()
        )
    }

    /// `MS-ASProtocolVersions`: 16.0 and 16.1 came with Exchange 2016.
    pub(super) fn protocol_versions(self) -> &'static str {
        match self {
            Self::Exchange2010 | Self::Exchange2013 => "2.5,12.0,12.1,14.0,14.1",
            Self::Exchange2016 | Self::Exchange2019 => "2.5,12.0,12.1,14.0,14.1,16.0,16.1",
        }
    }

    /// `X-AspNet-Version`.
    pub(super) fn asp_net(self) -> &'static str {
        match self {
            Self::Exchange2010 => "2.0.50727",
            Self::Exchange2013 | Self::Exchange2016 | Self::Exchange2019 => "4.0.30319",
        }
    }
}
