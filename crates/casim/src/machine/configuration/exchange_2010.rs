//! What Exchange 2010's setup leaves in `applicationHost.config`: one site that serves clients and other servers alike.
//!
//! No recording of such a server is at hand. Applications, pools and folders are those of Microsoft's documentation of the
//! default settings of Exchange 2010's virtual directories; the authentication of `Proxy` is that of the later servers.

use super::layout::Tag;

/// Application pools; none forbids that workers overlap.
pub(super) const POOLS: &[(&str, bool)] = &[
    ("DefaultAppPool", false),
    ("Classic .NET AppPool", false),
    ("MSExchangePowerShellAppPool", false),
    ("MSExchangeOWAAppPool", false),
    ("MSExchangeOWACalendarAppPool", false),
    ("MSExchangeOABAppPool", false),
    ("MSExchangeECPAppPool", false),
    ("MSExchangeAutodiscoverAppPool", false),
    ("MSExchangeSyncAppPool", false),
    ("MSExchangeServicesAppPool", false),
    ("MSExchangeRpcProxyAppPool", false),
];

/// Applications: path, pool, folder below `ClientAccess` (or a whole path).
pub(super) const APPLICATIONS: &[(&str, &str, &str)] = &[
    ("/", "DefaultAppPool", r"%SystemDrive%\inetpub\wwwroot"),
    ("/owa", "MSExchangeOWAAppPool", "owa"),
    ("/owa/Calendar", "MSExchangeOWACalendarAppPool", r"owa\Calendar"),
    ("/ecp", "MSExchangeECPAppPool", "ecp"),
    ("/EWS", "MSExchangeServicesAppPool", r"exchweb\EWS"),
    ("/Autodiscover", "MSExchangeAutodiscoverAppPool", "Autodiscover"),
    ("/Microsoft-Server-ActiveSync", "MSExchangeSyncAppPool", "sync"),
    ("/OAB", "MSExchangeOABAppPool", "OAB"),
    ("/PowerShell", "MSExchangePowerShellAppPool", "PowerShell"),
    ("/Rpc", "MSExchangeRpcProxyAppPool", r"%windir%\System32\RpcProxy"),
    (
        "/RpcWithCert",
        "MSExchangeRpcProxyAppPool",
        r"%windir%\System32\RpcProxy",
    ),
];

pub(super) const BINDINGS: &[(&str, &str)] = &[
    ("http", "*:80:"),
    ("net.tcp", "808:*"),
    ("net.pipe", "*"),
    ("net.msmq", "localhost"),
    ("msmq.formatname", "localhost"),
    ("https", ":443:"),
    ("http", "127.0.0.1:80:"),
    ("https", "127.0.0.1:443:"),
];

const SSL: Option<&str> = Some("Ssl, Ssl128");

/// Location tags.
pub(super) const LOCATIONS: &[Tag] = &[
    ("Default Web Site", SSL, None),
    ("Default Web Site/owa", None, Some([false, true, false])),
    ("Default Web Site/ecp", None, Some([false, true, false])),
    ("Default Web Site/EWS", None, Some([true, false, true])),
    ("Default Web Site/Autodiscover", None, Some([true, true, true])),
    (
        "Default Web Site/Microsoft-Server-ActiveSync",
        SSL,
        Some([false, true, false]),
    ),
    (
        "Default Web Site/Microsoft-Server-ActiveSync/Proxy",
        None,
        Some([false, false, true]),
    ),
    ("Default Web Site/OAB", Some("None"), Some([false, false, true])),
    (
        "Default Web Site/PowerShell",
        Some("SslNegotiateCert"),
        Some([false, false, false]),
    ),
    ("Default Web Site/Rpc", SSL, Some([false, true, true])),
];
