//! What stands between this machine and a working shell, layer after layer.

use std::net::SocketAddr;

use iis::shell;
use inventory::{Server, ServerName};
use rollout::{FailureKind, StepError};
use tokio::net::{TcpStream, lookup_host};
use winrm::{Greeting, Service};

use crate::failure::{StepErrorExt, failed, from_iis, from_winrm};
use crate::remote::Remote;
use crate::world::World;

/// The most that clocks may differ, in seconds: beyond it Kerberos refuses logins, and NTLM may.
const SKEW: u64 = 5 * 60;

/// The server's addresses.
pub(super) async fn resolve(
    world: &World,
    server: &Server,
    found: &mut Vec<SocketAddr>,
) -> Result<String, StepError> {
    let doing = "resolve the server's name";
    let expected = format!("an address of {}", server.address);
    let lookup = lookup_host((server.address.as_str(), server.port));
    match world.clock().timeout(server.connect_timeout, lookup).await {
        Ok(Ok(addresses)) => found.extend(addresses),
        Ok(Err(error)) => {
            return Err(failed(doing, expected, error.to_string())
                .of_kind(FailureKind::Unreachable)
                .hint("is the name spelled right, and does this machine ask the right DNS servers?"));
        }
        Err(elapsed) => {
            return Err(failed(doing, expected, elapsed.to_string())
                .of_kind(FailureKind::TimedOut)
                .hint("the DNS servers of this machine do not answer"));
        }
    }
    let mut shown: Vec<String> = found.iter().map(|address| address.ip().to_string()).collect();
    shown.dedup();
    Ok(shown.join(", "))
}

/// A TCP connection, to the first address that takes one.
pub(super) async fn reach(
    world: &World,
    server: &Server,
    addresses: &[SocketAddr],
) -> Result<String, StepError> {
    let doing = "connect to WinRM's port";
    let expected = format!(
        "port {} of {} accepts the connection",
        server.port, server.address
    );
    let connect = TcpStream::connect(addresses);
    let stream = match world.clock().timeout(server.connect_timeout, connect).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => {
            return Err(failed(doing, expected, error.to_string())
                .of_kind(FailureKind::Unreachable)
                .hint("is the name right, is the server up, and does a firewall let this machine through?"));
        }
        Err(elapsed) => {
            return Err(failed(doing, expected, elapsed.to_string())
                .of_kind(FailureKind::TimedOut)
                .hint("packets vanish on the way: a firewall that drops them, or a server that is down"));
        }
    };
    stream
        .peer_addr()
        .map(|peer| peer.to_string())
        .map_err(|error| failed(doing, expected, error.to_string()).of_kind(FailureKind::Unreachable))
}

/// What the server says before a login; TLS, if that is spoken, stands by then.
pub(super) async fn greet(
    world: &World,
    server: &ServerName,
    seen: &mut Option<Greeting>,
) -> Result<String, StepError> {
    let doing = "ask WinRM which logins it offers";
    let endpoint = world
        .endpoint(server)
        .map_err(|error| failed(doing, "all that a login needs", error.to_string()).caused_by(&error))?;
    let greeting = winrm::greet(&endpoint)
        .await
        .map_err(|error| from_winrm(doing, server, &error))?;
    let text = match (greeting.offered.join(", "), greeting.status) {
        (offered, _) if !offered.is_empty() => offered,
        (_, status) => {
            return Err(failed(
                doing,
                "a 401 that names schemes",
                format!("status {status} without any"),
            )
            .hint("another service than WinRM listens there, or a proxy answers in its place"));
        }
    };
    let server = greeting.server.clone();
    *seen = Some(greeting);
    Ok(match server {
        Some(server) => format!("{text} ({server})"),
        None => text,
    })
}

/// Backend and certificate.
pub(super) fn tls(greeting: &Greeting) -> Option<String> {
    let facts = greeting.tls.as_ref()?;
    Some(format!("{}, {}", facts.backend, facts.certificate))
}

/// How far the clocks are apart.
pub(super) async fn clock(greeting: &Greeting) -> Result<String, StepError> {
    let Some(ahead) = greeting.clock_ahead else {
        return Ok("not told".to_owned());
    };
    let text = match ahead {
        -1..=1 => "the same as here".to_owned(),
        ahead if ahead < 0 => format!("{} s behind this machine's", ahead.unsigned_abs()),
        ahead => format!("{ahead} s ahead of this machine's"),
    };
    if ahead.unsigned_abs() > SKEW {
        return Err(
            failed("compare the clocks", "at most 5 minutes of difference", text).hint(
                "logins fail beyond that: set both clocks right (`w32tm /query /status` on the server)",
            ),
        );
    }
    Ok(text)
}

/// The service's limits; a user who is no administrator may not know them, which is no failure.
pub(super) async fn limits(service: &mut Service, server: &ServerName) -> Result<String, StepError> {
    let doing = "read the limits of WinRM";
    let config = match service.config().await {
        Ok(config) => config,
        Err(winrm::Error::Fault { fault, .. }) if fault.is_access_denied() => {
            return Ok("not told to this user (administrators only)".to_owned());
        }
        Err(error) => return Err(from_winrm(doing, server, &error)),
    };
    if config.allow_remote_shell_access == Some(false) {
        return Err(
            failed(doing, "AllowRemoteShellAccess is true", "it is false").hint(
                "`winrm set winrm/config/winrs @{AllowRemoteShellAccess=\"true\"}` on the server, or its group policy",
            ),
        );
    }
    let told = [
        ("MaxEnvelopeSizekb", config.max_envelope_size_kb),
        ("MaxShellsPerUser", config.max_shells_per_user),
        ("MaxProcessesPerShell", config.max_processes_per_shell),
        ("MaxMemoryPerShellMB", config.max_memory_per_shell_mb),
        (
            "MaxConcurrentOperationsPerUser",
            config.max_concurrent_operations_per_user,
        ),
        ("IdleTimeout ms", config.idle_timeout_ms),
    ];
    let told: Vec<String> = told
        .into_iter()
        .filter_map(|(name, value)| value.map(|value| format!("{name} {}", number(value))))
        .collect();
    Ok(told.join(", "))
}

/// Windows writes "no limit" as the largest number of 31 or 32 bits.
fn number(value: u32) -> String {
    match value {
        2_147_483_647 | u32::MAX => "unlimited".to_owned(),
        value => value.to_string(),
    }
}

/// Whether the shell is a 64-bit process.
pub(super) async fn architecture(remote: &mut Remote) -> Result<String, StepError> {
    let doing = "ask for the processor architecture of the shell";
    let told = |error: iis::Error| from_iis(doing, "a 64-bit shell", &error);
    let seen = remote.look(doing, &shell::architecture()).await?.map_err(told)?;
    match seen.is_64_bit() {
        true => Ok(seen.to_string()),
        false => {
            Err(failed(doing, "a 64-bit shell", seen.to_string())
                .hint("32-bit processes see another System32"))
        }
    }
}

/// Whether the token has all of an administrator's rights.
pub(super) async fn elevation(remote: &mut Remote) -> Result<String, StepError> {
    let doing = "ask for the integrity level of the shell";
    let told = |error: iis::Error| from_iis(doing, "the groups of the token", &error);
    let seen = remote.look(doing, &shell::elevation()).await?.map_err(told)?;
    match seen.is_elevated() {
        true => Ok(format!("yes ({seen})")),
        false => Err(failed(doing, "S-1-16-12288 (high) or higher", seen.to_string()).hint(
            "the user is no administrator of the server, or a local account that UAC holds back from afar",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn clocks_may_differ_by_five_minutes() {
        let told = async |clock_ahead| {
            let greeting = Greeting {
                offered: Vec::new(),
                status: 401,
                server: None,
                clock_ahead,
                tls: None,
            };
            clock(&greeting).await
        };
        assert_eq!(told(Some(0)).await.unwrap(), "the same as here");
        assert_eq!(told(Some(-300)).await.unwrap(), "300 s behind this machine's");
        assert_eq!(told(None).await.unwrap(), "not told");
        assert!(told(Some(301)).await.is_err());
        assert!(told(Some(-4000)).await.is_err());
    }

    #[test]
    fn no_limit_is_said_so() {
        assert_eq!(number(2_147_483_647), "unlimited");
        assert_eq!(number(30), "30");
    }
}
