//! What Exchange's setup leaves in `applicationHost.config`: sites, applications, pools, modules, locations.
//!
//! A test compares these tables with a configuration file that a real Exchange 2019 server had, where one is at hand.
//! Exchange 2016 gets the same, 2013 the same without what came later, 2010 has tables of its own (`exchange_2010`).

use super::schema::{
    ACCESS, ANONYMOUS, BASIC, GLOBAL_MODULES, IP_SECURITY, MODULES, OverrideMode, WINDOWS, known,
};
use super::{AppPool, Application, ConfigPath, Configuration, Directive, Site, Values, exchange_2010};
use crate::machine::{ExchangeRelease, MachineOptions};

/// Application pools; `true` for the ones whose workers may not overlap on recycling.
const POOLS: &[(&str, bool)] = &[
    ("DefaultAppPool", false),
    (".NET v4.5 Classic", false),
    (".NET v4.5", false),
    ("MSExchangePowerShellAppPool", false),
    ("MSExchangeMapiMailboxAppPool", false),
    ("MSExchangeMapiAddressBookAppPool", false),
    ("MSExchangeRestAppPool", false),
    ("MSExchangeOWAAppPool", false),
    ("MSExchangeOWACalendarAppPool", false),
    ("MSExchangeOABAppPool", false),
    ("MSExchangeECPAppPool", false),
    ("MSExchangeAutodiscoverAppPool", false),
    ("MSExchangeSyncAppPool", false),
    ("MSExchangeServicesAppPool", false),
    ("MSExchangeRpcProxyAppPool", true),
    ("MSExchangeRestFrontEndAppPool", false),
    ("MSExchangePowerShellFrontEndAppPool", false),
    ("MSExchangeMapiFrontEndAppPool", true),
    ("MSExchangeRpcProxyFrontEndAppPool", true),
    ("MSExchangePushNotificationsAppPool", false),
];

/// Applications of the front end: path, pool, folder below `FrontEnd\HttpProxy` (or a whole path).
const FRONT_END: &[(&str, &str, &str)] = &[
    ("/", "MSExchangeOWAAppPool", r"%SystemDrive%\inetpub\wwwroot"),
    ("/owa", "MSExchangeOWAAppPool", "owa"),
    ("/owa/Calendar", "MSExchangeOWACalendarAppPool", "owa"),
    ("/owa/Integrated", "MSExchangeOWAAppPool", "owa"),
    ("/owa/oma", "MSExchangeOWAAppPool", "owa"),
    ("/ecp", "MSExchangeECPAppPool", "ecp"),
    ("/EWS", "MSExchangeServicesAppPool", "EWS"),
    ("/API", "MSExchangeRestFrontEndAppPool", "Rest"),
    ("/Autodiscover", "MSExchangeAutodiscoverAppPool", "Autodiscover"),
    ("/Microsoft-Server-ActiveSync", "MSExchangeSyncAppPool", "sync"),
    ("/OAB", "MSExchangeOABAppPool", "OAB"),
    ("/PowerShell", "MSExchangePowerShellFrontEndAppPool", "PowerShell"),
    ("/mapi", "MSExchangeMapiFrontEndAppPool", "mapi"),
    ("/Rpc", "MSExchangeRpcProxyFrontEndAppPool", "rpc"),
];

/// Applications of the back end: path, pool, folder below `ClientAccess` (or a whole path).
const BACK_END: &[(&str, &str, &str)] = &[
    ("/", "DefaultAppPool", ""),
    ("/PowerShell", "MSExchangePowerShellAppPool", "PowerShell-Proxy"),
    ("/mapi/emsmdb", "MSExchangeMapiMailboxAppPool", r"mapi\emsmdb"),
    ("/mapi/nspi", "MSExchangeMapiAddressBookAppPool", r"mapi\nspi"),
    ("/API", "MSExchangeRestAppPool", "rest"),
    ("/owa", "MSExchangeOWAAppPool", "owa"),
    ("/owa/Calendar", "MSExchangeOWACalendarAppPool", "owa"),
    ("/OAB", "MSExchangeOABAppPool", "OAB"),
    ("/ecp", "MSExchangeECPAppPool", "ecp"),
    ("/Autodiscover", "MSExchangeAutodiscoverAppPool", "Autodiscover"),
    ("/Microsoft-Server-ActiveSync", "MSExchangeSyncAppPool", "sync"),
    ("/EWS", "MSExchangeServicesAppPool", r"exchweb\EWS"),
    ("/EWS/bin", "MSExchangeServicesAppPool", r"exchweb\EWS\bin"),
    ("/Rpc", "MSExchangeRpcProxyAppPool", r"%windir%\System32\RpcProxy"),
    (
        "/RpcWithCert",
        "MSExchangeRpcProxyAppPool",
        r"%windir%\System32\RpcProxy",
    ),
    (
        "/PushNotifications",
        "MSExchangePushNotificationsAppPool",
        "PushNotifications",
    ),
];

/// Virtual directories of the back end's root application beside `/`.
const BACK_END_DIRECTORIES: &[(&str, &str)] = &[
    ("/mapi", "mapi"),
    ("/Exchange", "owa"),
    ("/Exchweb", "owa"),
    ("/Public", "owa"),
];

const FRONT_END_BINDINGS: &[(&str, &str)] = &[
    ("http", "*:80:"),
    ("net.tcp", "808:*"),
    ("net.msmq", "localhost"),
    ("msmq.formatname", "localhost"),
    ("net.pipe", "*"),
    ("https", ":443:"),
    ("http", "127.0.0.1:80:"),
    ("https", "127.0.0.1:443:"),
];
const BACK_END_BINDINGS: &[(&str, &str)] = &[("http", "*:81:"), ("https", "*:444:"), ("net.pipe", "*")];

/// Native modules and the library in `System32\inetsrv`; `true` when they are also enabled for requests.
const NATIVE_MODULES: &[(&str, &str, bool)] = &[
    ("HttpLoggingModule", "loghttp.dll", true),
    ("UriCacheModule", "cachuri.dll", false),
    ("FileCacheModule", "cachfile.dll", false),
    ("TokenCacheModule", "cachtokn.dll", false),
    ("HttpCacheModule", "cachhttp.dll", true),
    ("DynamicCompressionModule", "compdyn.dll", true),
    ("StaticCompressionModule", "compstat.dll", true),
    ("DefaultDocumentModule", "defdoc.dll", true),
    ("DirectoryListingModule", "dirlist.dll", true),
    ("ProtocolSupportModule", "protsup.dll", true),
    ("HttpRedirectionModule", "redirect.dll", true),
    ("StaticFileModule", "static.dll", true),
    ("AnonymousAuthenticationModule", "authanon.dll", true),
    ("CertificateMappingAuthenticationModule", "authcert.dll", true),
    ("BasicAuthenticationModule", "authbas.dll", true),
    ("WindowsAuthenticationModule", "authsspi.dll", true),
    ("DigestAuthenticationModule", "authmd5.dll", true),
    ("RequestFilteringModule", "modrqflt.dll", true),
    ("CustomErrorModule", "custerr.dll", true),
    ("TracingModule", "iisetw.dll", false),
    ("FailedRequestsTracingModule", "iisfreb.dll", true),
    ("RequestMonitorModule", "iisreqs.dll", false),
    ("IsapiModule", "isapi.dll", true),
    ("IsapiFilterModule", "filter.dll", true),
    ("ConfigurationValidationModule", "validcfg.dll", true),
    ("RewriteModule", "rewrite.dll", true),
];

/// Managed modules enabled for requests, with their types.
const MANAGED_MODULES: &[(&str, &str)] = &[
    ("OutputCache", "System.Web.Caching.OutputCacheModule"),
    ("Session", "System.Web.SessionState.SessionStateModule"),
    (
        "WindowsAuthentication",
        "System.Web.Security.WindowsAuthenticationModule",
    ),
    (
        "FormsAuthentication",
        "System.Web.Security.FormsAuthenticationModule",
    ),
    (
        "DefaultAuthentication",
        "System.Web.Security.DefaultAuthenticationModule",
    ),
    ("RoleManager", "System.Web.Security.RoleManagerModule"),
    ("UrlAuthorization", "System.Web.Security.UrlAuthorizationModule"),
    ("FileAuthorization", "System.Web.Security.FileAuthorizationModule"),
    (
        "AnonymousIdentification",
        "System.Web.Security.AnonymousIdentificationModule",
    ),
    ("Profile", "System.Web.Profile.ProfileModule"),
    ("UrlMappingsModule", "System.Web.UrlMappingsModule"),
    ("UrlRoutingModule-4.0", "System.Web.Routing.UrlRoutingModule"),
    ("ScriptModule-4.0", "System.Web.Handlers.ScriptModule"),
    (
        "ServiceModel-4.0",
        "System.ServiceModel.Activation.ServiceHttpModule",
    ),
];

/// One location tag: level, `sslFlags` if written there, anonymous, basic, Windows authentication if written there.
pub(super) type Tag = (&'static str, Option<&'static str>, Option<[bool; 3]>);

const SSL: Option<&str> = Some("Ssl, Ssl128");
const NO_SSL: Option<&str> = Some("None");

/// Location tags of the front end and of the back end's ActiveSync.
const LOCATIONS: &[Tag] = &[
    ("Default Web Site", SSL, None),
    ("Exchange Back End", SSL, None),
    (
        "Exchange Back End/Microsoft-Server-ActiveSync",
        SSL,
        Some([false, true, false]),
    ),
    (
        "Exchange Back End/Microsoft-Server-ActiveSync/Proxy",
        None,
        Some([false, false, true]),
    ),
    ("Default Web Site/owa", None, Some([false, true, false])),
    ("Default Web Site/owa/auth", None, Some([true, false, false])),
    (
        "Default Web Site/owa/Calendar",
        NO_SSL,
        Some([true, false, false]),
    ),
    ("Default Web Site/owa/Integrated", SSL, Some([false, false, true])),
    ("Default Web Site/owa/oma", SSL, Some([false, true, false])),
    ("Default Web Site/ecp", None, Some([true, true, false])),
    ("Default Web Site/EWS", None, Some([true, false, true])),
    ("Default Web Site/API", SSL, Some([true, false, true])),
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
    ("Default Web Site/OAB", SSL, Some([false, false, true])),
    (
        "Default Web Site/PowerShell",
        Some("SslNegotiateCert"),
        Some([false, false, false]),
    ),
    ("Default Web Site/mapi", SSL, Some([false, false, true])),
    ("Default Web Site/Rpc", NO_SSL, Some([false, true, true])),
];

/// The site that Exchange's setup finds in Windows.
const FRONT_END_SITE: &str = "Default Web Site";

/// Applications and pools that came with Exchange 2016.
const REST: &str = "/API";
const REST_POOLS: &[&str] = &["MSExchangeRestAppPool", "MSExchangeRestFrontEndAppPool"];

/// The configuration of a fresh server.
pub(super) fn fresh(options: &MachineOptions) -> Configuration {
    let exchange = options.exchange;
    let is_there = |name: &str| exchange >= ExchangeRelease::Exchange2016 || !REST_POOLS.contains(&name);
    let runtime = if exchange.has_front_end() { "v4.0" } else { "v2.0" };
    let pool = |(name, exclusive): &(&str, bool)| AppPool {
        name: (*name).to_owned(),
        runtime,
        classic: name.contains("Classic"),
        disallow_overlapping_rotation: *exclusive,
    };
    let (pools, locations) = match exchange.has_front_end() {
        true => (POOLS, LOCATIONS),
        false => (exchange_2010::POOLS, exchange_2010::LOCATIONS),
    };
    let mut configuration = Configuration {
        sites: sites(options),
        pools: pools
            .iter()
            .filter(|(name, _)| is_there(name))
            .map(pool)
            .collect(),
        files: Vec::new(),
        modes: Vec::new(),
        stamp: 1,
        windows: options.windows,
    };
    configuration.write_server_sections();
    for (level, ssl, authentication) in locations {
        let Some(below) = level.strip_prefix(FRONT_END_SITE) else {
            configuration.write_location(level, *ssl, *authentication);
            continue;
        };
        let is_api = below == REST && exchange < ExchangeRelease::Exchange2016;
        for site in front_end_sites(options, below).filter(|_| !is_api) {
            configuration.write_location(&format!("{site}{below}"), *ssl, *authentication);
        }
    }
    configuration
}

/// The sites that have this path: the front end's own, and those that an administrator added.
fn front_end_sites<'a>(options: &'a MachineOptions, below: &str) -> impl Iterator<Item = &'a str> {
    let more = options.more_sites.iter().filter(move |site| {
        let in_application = |application: &String| {
            let rest = below.strip_prefix(application.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        below.is_empty() || site.applications.iter().any(in_application)
    });
    let names: Vec<&str> = more.map(|site| site.name.as_str()).collect();
    std::iter::once(options.front_end_site.as_str()).chain(names)
}

fn sites(options: &MachineOptions) -> Vec<Site> {
    let exchange = options.exchange;
    let folder = |below: &str| format!(r"{}\{below}", exchange.folder());
    let name = options.front_end_site.as_str();
    let client_access = folder("ClientAccess");
    let mut sites = match exchange.has_front_end() {
        true => {
            let mut back_end = site(
                2,
                "Exchange Back End",
                BACK_END_BINDINGS,
                BACK_END,
                &client_access,
            );
            if let Some(root) = back_end.applications.first_mut() {
                let more = BACK_END_DIRECTORIES.iter();
                root.directories
                    .extend(more.map(|(path, folder)| ((*path).to_owned(), joined(&client_access, folder))));
            }
            let front_end = site(
                1,
                name,
                FRONT_END_BINDINGS,
                FRONT_END,
                &folder(r"FrontEnd\HttpProxy"),
            );
            vec![front_end, back_end]
        }
        false => vec![site(
            1,
            name,
            exchange_2010::BINDINGS,
            exchange_2010::APPLICATIONS,
            &client_access,
        )],
    };
    if exchange < ExchangeRelease::Exchange2016 {
        for site in &mut sites {
            site.applications.retain(|application| application.path != REST);
        }
    }
    for more in &options.more_sites {
        let id = u32::try_from(sites.len() + 1).unwrap_or(u32::MAX);
        let offered = |application: &&Application| {
            application.path == "/" || more.applications.contains(&application.path)
        };
        let applications = sites.first().map(|front_end| &front_end.applications);
        sites.push(Site {
            id,
            name: more.name.clone(),
            bindings: vec![("https".to_owned(), format!("*:443:{}", more.host))],
            applications: applications
                .into_iter()
                .flatten()
                .filter(offered)
                .cloned()
                .collect(),
            started: true,
        });
    }
    sites
}

fn site(
    id: u32,
    name: &str,
    bindings: &[(&str, &str)],
    applications: &[(&str, &str, &str)],
    folder: &str,
) -> Site {
    let application = |(path, pool, below): &(&str, &str, &str)| Application {
        path: (*path).to_owned(),
        pool: (*pool).to_owned(),
        directories: vec![("/".to_owned(), joined(folder, below))],
    };
    Site {
        id,
        name: name.to_owned(),
        bindings: bindings
            .iter()
            .map(|(p, i)| ((*p).to_owned(), (*i).to_owned()))
            .collect(),
        applications: applications.iter().map(application).collect(),
        started: true,
    }
}

fn joined(folder: &str, below: &str) -> String {
    match below {
        "" => folder.to_owned(),
        whole if whole.starts_with('%') => whole.to_owned(),
        below => format!(r"{folder}\{below}"),
    }
}

impl Configuration {
    fn write_server_sections(&mut self) {
        let server = ConfigPath::apphost();
        let mut put = |section: &str, values: Values| {
            if let Some(schema) = known(section) {
                self.place(schema, &server, &server)
                    .directives
                    .push(Directive::Add(values));
            }
        };
        for (name, library, enabled) in NATIVE_MODULES {
            let image = format!(r"%windir%\System32\inetsrv\{library}");
            put(
                GLOBAL_MODULES,
                Values::from([("name", *name), ("image", image.as_str())]),
            );
            if *enabled {
                put(MODULES, Values::from([("name", *name)]));
            }
        }
        for (name, kind) in MANAGED_MODULES {
            let values = [
                ("name", *name),
                ("type", *kind),
                ("preCondition", "managedHandler"),
            ];
            put(MODULES, Values::from(values));
        }
        let written = [
            (ACCESS, Values::from([("sslFlags", "None")])),
            (IP_SECURITY, Values::default()),
        ];
        for (section, attributes) in written {
            if let Some(schema) = known(section) {
                self.place(schema, &server, &server).attributes = attributes;
            }
        }
        if let Some(modules) = known(MODULES) {
            self.set_mode(modules, &server, OverrideMode::Allow);
        }
    }

    fn write_location(&mut self, level: &str, ssl: Option<&str>, authentication: Option<[bool; 3]>) {
        let (server, level) = (ConfigPath::apphost(), ConfigPath::parse(level));
        let mut put = |section: &str, name: &'static str, value: &str| {
            if let Some(schema) = known(section) {
                self.place(schema, &server, &level).attributes.set(name, value);
            }
        };
        if let Some(flags) = ssl {
            put(ACCESS, "sslFlags", flags);
        }
        if let Some(enabled) = authentication {
            for (section, enabled) in [ANONYMOUS, BASIC, WINDOWS].into_iter().zip(enabled) {
                put(section, "enabled", if enabled { "true" } else { "false" });
            }
        }
    }
}
