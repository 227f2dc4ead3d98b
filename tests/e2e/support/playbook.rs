//! The playbook of most tests.

/// Like playbooks/restrict-activesync.toml, with times for tests: `apply` lives on the wall's clock.
pub(crate) const PLAYBOOK: &str = r#"
[playbook]
title = "Only the gateway may reach ActiveSync"
servers = "@eas"

[policy]
waves = [1, "50%"]
max_failures = 0
min_healthy_time = "200ms"
healthy_deadline = "3s"
progress_deadline = "30s"
on_failure = "undo"

[[step]]
drain = { timeout = "3s" }

[[step]]
back_up = {}

[[step]]
install_feature = { name = "IIS-IPSecurity" }

[[step]]
restrict = { application = "Default Web Site/Microsoft-Server-ActiveSync", unlisted = "deny", existing = "replace", allow = [
  { address = "127.0.0.10", note = "the gateway" },
  { role = "loopback" }, { role = "own_addresses" }, { role = "load_balancer_probes" },
] }

[[step]]
restart_iis = { method = "iisreset", no_force = true, timeout = "20s" }

[[step]]
wait_healthy = { paths = ["/Microsoft-Server-ActiveSync/healthcheck.htm", "/owa/healthcheck.htm"] }

[[step]]
witness = { allowed_from = ["sentry1"], denied_from = ["outside"], unchanged = ["/owa/"] }

[[step]]
return_to_rotation = { timeout = "10s" }
"#;
