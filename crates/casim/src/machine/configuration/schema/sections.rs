//! The table: every section of IIS 8 and later that is modelled, what IIS 7 has instead, and what is there and not modelled.

use super::OverrideMode::{Allow, Deny};
use super::{
    ACCESS, ANONYMOUS, Attribute, BASIC, Collection, DYNAMIC_IP_SECURITY, Definition, GLOBAL_MODULES,
    IP_SECURITY, Kind, MODULES, OverrideMode, SectionSchema, WINDOWS,
};

const fn boolean(name: &'static str, default: &'static str) -> Attribute {
    Attribute {
        name,
        kind: Kind::Bool,
        default,
    }
}

const fn text(name: &'static str, default: &'static str) -> Attribute {
    Attribute {
        name,
        kind: Kind::Text,
        default,
    }
}

const DENY_ACTIONS: Kind = Kind::Enum(&["AbortRequest", "Unauthorized", "Forbidden", "NotFound"]);
const IP_KEYS: &[&str] = &["ipAddress", "subnetMask", "domainName"];
const IP_ENTRY: &[Attribute] = &[
    text("ipAddress", ""),
    text("subnetMask", "255.255.255.255"),
    text("domainName", ""),
    boolean("allowed", "false"),
];

const fn section(
    path: &'static str,
    override_mode_default: OverrideMode,
    attributes: &'static [Attribute],
) -> SectionSchema {
    SectionSchema {
        path,
        override_mode_default,
        definition: Definition::Everywhere,
        attributes,
        collection: None,
    }
}

const fn with_collection(
    schema: SectionSchema,
    keys: &'static [&'static str],
    attributes: &'static [Attribute],
) -> SectionSchema {
    SectionSchema {
        collection: Some(Collection {
            element: "add",
            keys,
            attributes,
        }),
        ..schema
    }
}

const ENABLE_REVERSE_DNS: Attribute = boolean("enableReverseDns", "false");
const ALLOW_UNLISTED: Attribute = boolean("allowUnlisted", "true");

/// The same section before `denyAction` and `enableProxyMode` came with IIS 8.
pub(super) static IP_SECURITY_OF_IIS_7: SectionSchema = with_collection(
    section(IP_SECURITY, Deny, &[ENABLE_REVERSE_DNS, ALLOW_UNLISTED]),
    IP_KEYS,
    IP_ENTRY,
);

/// The sections of IIS 8 and later.
pub(super) static SECTIONS: &[SectionSchema] = &[
    with_collection(
        section(
            IP_SECURITY,
            Deny,
            &[
                ENABLE_REVERSE_DNS,
                ALLOW_UNLISTED,
                boolean("enableProxyMode", "false"),
                Attribute {
                    name: "denyAction",
                    kind: DENY_ACTIONS,
                    default: "Forbidden",
                },
            ],
        ),
        IP_KEYS,
        IP_ENTRY,
    ),
    with_collection(
        section(
            "system.ftpServer/security/ipSecurity",
            Deny,
            &[ENABLE_REVERSE_DNS, ALLOW_UNLISTED],
        ),
        IP_KEYS,
        IP_ENTRY,
    ),
    section(
        DYNAMIC_IP_SECURITY,
        Deny,
        &[
            Attribute {
                name: "denyAction",
                kind: DENY_ACTIONS,
                default: "Forbidden",
            },
            boolean("enableProxyMode", "false"),
            boolean("enableLoggingOnlyMode", "false"),
        ],
    ),
    section(
        ACCESS,
        Deny,
        &[Attribute {
            name: "sslFlags",
            kind: Kind::Flags(&["None", "Ssl", "SslNegotiateCert", "SslRequireCert", "Ssl128"]),
            default: "None",
        }],
    ),
    section(
        ANONYMOUS,
        Deny,
        &[boolean("enabled", "true"), text("userName", "IUSR")],
    ),
    section(
        BASIC,
        Deny,
        &[
            boolean("enabled", "false"),
            text("realm", ""),
            text("defaultLogonDomain", ""),
        ],
    ),
    section(
        WINDOWS,
        Deny,
        &[
            boolean("enabled", "false"),
            boolean("authPersistSingleRequest", "false"),
            boolean("authPersistNonNTLM", "false"),
            boolean("useKernelMode", "true"),
            boolean("useAppPoolCredentials", "false"),
        ],
    ),
    section(
        "system.webServer/security/authentication/digestAuthentication",
        Deny,
        &[boolean("enabled", "false"), text("realm", "")],
    ),
    with_collection(
        section(
            "system.webServer/security/authorization",
            Allow,
            &[boolean("bypassLoginPages", "true")],
        ),
        &["users", "roles", "verbs"],
        &[
            Attribute {
                name: "accessType",
                kind: Kind::Enum(&["Allow", "Deny"]),
                default: "Allow",
            },
            text("users", ""),
            text("roles", ""),
            text("verbs", ""),
        ],
    ),
    with_collection(
        section(
            "system.webServer/security/isapiCgiRestriction",
            Deny,
            &[
                boolean("notListedIsapisAllowed", "false"),
                boolean("notListedCgisAllowed", "false"),
            ],
        ),
        &["path"],
        &[
            text("path", ""),
            boolean("allowed", "false"),
            text("groupId", ""),
            text("description", ""),
        ],
    ),
    with_collection(
        SectionSchema {
            definition: Definition::AppHostOnly,
            ..section(GLOBAL_MODULES, Deny, &[])
        },
        &["name"],
        &[text("name", ""), text("image", ""), text("preCondition", "")],
    ),
    with_collection(
        section(
            MODULES,
            Allow,
            &[
                boolean("runAllManagedModulesForAllRequests", "false"),
                boolean("runManagedModulesForWebDavRequests", "false"),
            ],
        ),
        &["name"],
        &[text("name", ""), text("type", ""), text("preCondition", "")],
    ),
    with_collection(
        section(
            "system.webServer/httpRedirect",
            Allow,
            &[
                boolean("enabled", "false"),
                text("destination", ""),
                boolean("exactDestination", "false"),
                boolean("childOnly", "false"),
                Attribute {
                    name: "httpResponseStatus",
                    kind: Kind::Enum(&["Permanent", "Found", "Temporary"]),
                    default: "Found",
                },
            ],
        ),
        &["wildcard"],
        &[text("wildcard", ""), text("destination", "")],
    ),
    section(
        "system.webServer/directoryBrowse",
        Allow,
        &[
            boolean("enabled", "false"),
            text("showFlags", "Date, Time, Size, Extension"),
        ],
    ),
    section(
        "system.webServer/httpLogging",
        Deny,
        &[
            Attribute {
                name: "selectiveLogging",
                kind: Kind::Enum(&["LogAll", "LogSuccessful", "LogError"]),
                default: "LogAll",
            },
            boolean("dontLog", "false"),
        ],
    ),
];

/// Sections of IIS that exist there and are not modelled here; asking for one is no typing error.
pub(super) static UNMODELLED: &[&str] = &[
    "system.applicationHost/applicationPools",
    "system.applicationHost/configHistory",
    "system.applicationHost/log",
    "system.applicationHost/sites",
    "system.applicationHost/webLimits",
    "system.webServer/asp",
    "system.webServer/caching",
    "system.webServer/defaultDocument",
    "system.webServer/fastCgi",
    "system.webServer/handlers",
    "system.webServer/httpCompression",
    "system.webServer/httpErrors",
    "system.webServer/httpProtocol",
    "system.webServer/isapiFilters",
    "system.webServer/security/requestFiltering",
    "system.webServer/serverRuntime",
    "system.webServer/staticContent",
    "system.webServer/urlCompression",
];
