//! Every table that a file may have, with every key that it may hold. The one list that the readers, the "did you mean" and the test of the
//! reference pages go by.

/// A kind of table.
#[derive(Debug)]
pub(crate) struct Keys {
    /// How the reference page calls it: the heading of its section.
    pub(crate) heading: &'static str,
    names: Names,
    /// Words that people look for here, each with why it is not a key and what to write instead.
    later: &'static [(&'static str, &'static str)],
}

#[derive(Debug)]
enum Names {
    /// These and no others.
    Only(&'static [&'static str]),
    /// The keys are names that the operator chooses.
    Any,
}

impl Keys {
    const fn only(heading: &'static str, names: &'static [&'static str]) -> Self {
        Self {
            heading,
            names: Names::Only(names),
            later: &[],
        }
    }

    /// Whether the key means something here.
    pub(crate) fn contains(&self, key: &str) -> bool {
        match self.names {
            Names::Only(names) => names.contains(&key),
            Names::Any => true,
        }
    }

    /// The known keys; none where they are free.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> + Clone + use<> {
        match self.names {
            Names::Only(names) => names.iter().copied(),
            Names::Any => [].iter().copied(),
        }
    }

    /// What to use instead of a key of a later version.
    pub(crate) fn later(&self, key: &str) -> Option<&'static str> {
        self.later
            .iter()
            .find(|(later, _)| *later == key)
            .map(|(_, instead)| *instead)
    }
}

/// A table whose keys are the operator's own names.
pub(crate) const NAMES: Keys = Keys {
    heading: "names",
    names: Names::Any,
    later: &[],
};

pub(crate) const INVENTORY: Keys = Keys::only(
    "The file",
    &[
        "defaults",
        "credential",
        "load_balancer",
        "pool",
        "server",
        "site",
        "vantage",
    ],
);
pub(crate) const DEFAULTS: Keys = Keys::only(
    "`[defaults]`",
    &[
        "transport",
        "auth",
        "realm",
        "kdc",
        "spn_service",
        "credential",
        "pool",
        "port",
        "https_port",
        "ca_file",
        "tls",
        "proxy",
        "allow_unencrypted",
        "connect_timeout",
        "login_timeout",
        "operation_timeout",
    ],
);
pub(crate) const CREDENTIAL: Keys = Keys::only("`[credential.NAME]`", &["user", "password"]);
pub(crate) const PASSWORD: Keys = Keys {
    heading: "`password`",
    names: Names::Only(&["env", "file", "command", "prompt"]),
    later: &[(
        "keyring",
        "use env, file, command or prompt; `command` can ask a keyring's own program",
    )],
};
pub(crate) const LOAD_BALANCER: Keys = Keys::only(
    "`[load_balancer.NAME]`",
    &[
        "kind",
        "socket",
        "backend",
        "url",
        "command",
        "credential",
        "ca_file",
        "timeout",
        "headers",
        "drain",
        "ready",
        "state",
        "probes_from",
    ],
);
pub(crate) const REQUEST: Keys = Keys::only(
    "`drain` and `ready`",
    &["method", "path", "body", "status", "expect"],
);
pub(crate) const STATE: Keys = Keys::only(
    "`state`",
    &[
        "method",
        "path",
        "body",
        "status",
        "expect",
        "in_rotation",
        "drained",
        "connections",
    ],
);
pub(crate) const POOL: Keys = Keys::only(
    "`[pool.NAME]`",
    &[
        "load_balancer",
        "vip",
        "vip_address",
        "min_in_rotation",
        "max_failures",
    ],
);
pub(crate) const SITE: Keys = Keys::only("`[site.NAME]`", &["min_in_rotation"]);
pub(crate) const SERVER: Keys = Keys::only(
    "`[server.NAME]`",
    &[
        "address",
        "port",
        "transport",
        "auth",
        "realm",
        "kdc",
        "spn_service",
        "spn_host",
        "credential",
        "pool",
        "https_port",
        "weight",
        "load_balancer_name",
        "ca_file",
        "fingerprint",
        "tls_server_name",
        "tls",
        "proxy",
        "allow_unencrypted",
        "connect_timeout",
        "login_timeout",
        "operation_timeout",
        "labels",
    ],
);
pub(crate) const VANTAGE: Keys = Keys::only("`[vantage.NAME]`", &["source_address", "proxy", "server"]);

pub(crate) const FILE: Keys = Keys::only("The file", &["playbook", "policy", "step", "hook"]);
pub(crate) const PLAYBOOK: Keys = Keys::only("`[playbook]`", &["title", "servers"]);
pub(crate) const POLICY: Keys = Keys::only(
    "`[policy]`",
    &[
        "strategy",
        "waves",
        "canary_hold",
        "pause_after",
        "spread",
        "max_parallel",
        "max_failures",
        "min_healthy_time",
        "healthy_deadline",
        "progress_deadline",
        "lease",
        "on_failure",
        "max_cut_off",
        "window",
    ],
);
pub(crate) const WINDOW: Keys = Keys::only("`window`", &["from", "until", "time_zone"]);
pub(crate) const DRAIN: Keys = Keys::only("`drain`", &["timeout"]);
pub(crate) const BACK_UP: Keys = Keys::only("`back_up`", &[]);
pub(crate) const INSTALL_FEATURE: Keys = Keys::only("`install_feature`", &["name"]);
pub(crate) const RESTRICT: Keys = Keys::only(
    "`restrict`",
    &[
        "application",
        "unlisted",
        "existing",
        "allow",
        "deny_action",
        "proxy_mode",
        "confirm_within",
    ],
);
pub(crate) const ALLOW: Keys = Keys::only("`allow`", &["address", "network", "name", "role", "note"]);
pub(crate) const RESTART_IIS: Keys = Keys::only("`restart_iis`", &["method", "no_force", "timeout"]);
pub(crate) const WAIT_HEALTHY: Keys = Keys::only("`wait_healthy`", &["paths"]);
pub(crate) const WITNESS: Keys = Keys::only(
    "`witness`",
    &["allowed_from", "denied_from", "unchanged", "path", "every"],
);
pub(crate) const HOOK: Keys = Keys::only(
    "`[[hook]]`",
    &[
        "on", "command", "url_env", "format", "body", "timeout", "required",
    ],
);
pub(crate) const RETURN_TO_ROTATION: Keys = Keys::only("`return_to_rotation`", &["timeout"]);
pub(crate) const COMMAND: Keys = Keys::only("`command`", &["command", "unless", "exit_codes", "timeout"]);
pub(crate) const POWERSHELL: Keys =
    Keys::only("`powershell`", &["script", "unless", "exit_codes", "timeout"]);

#[cfg(test)]
/// The tables of an inventory, as docs/inventory.md has them.
pub(crate) const OF_INVENTORY: [&Keys; 11] = [
    &INVENTORY,
    &DEFAULTS,
    &CREDENTIAL,
    &PASSWORD,
    &LOAD_BALANCER,
    &REQUEST,
    &STATE,
    &POOL,
    &SERVER,
    &SITE,
    &VANTAGE,
];
#[cfg(test)]
/// The tables of a playbook, as docs/playbook.md has them.
pub(crate) const OF_PLAYBOOK: [&Keys; 16] = [
    &FILE,
    &PLAYBOOK,
    &HOOK,
    &POLICY,
    &WINDOW,
    &DRAIN,
    &BACK_UP,
    &INSTALL_FEATURE,
    &RESTRICT,
    &ALLOW,
    &RESTART_IIS,
    &WAIT_HEALTHY,
    &WITNESS,
    &RETURN_TO_ROTATION,
    &COMMAND,
    &POWERSHELL,
];
