//! One server, layer after layer: name, TCP, TLS, login, shell, rights, and the versions that matter.

mod doctor;

use std::future::{Future, ready};
use std::sync::Arc;
use std::time::Duration;

use command::Invocation;
use exchange::version::{self, SETUP_KEY, SETUP_KEY_2010};
use iis::system;
use inventory::ServerName;
use rollout::StepError;
use tokio::time::Instant;
use winrm::Service;

use crate::failure::{StepErrorExt, failed, from_iis, from_winrm};
use crate::remote::Remote;
use crate::world::World;

/// How far one got with a server.
#[derive(Debug)]
pub struct PingReport {
    /// The server.
    pub server: ServerName,
    /// Layer after layer. After a layer on which all others stand has failed, nothing more is tried.
    pub steps: Vec<PingStep>,
}

/// One layer.
#[derive(Debug)]
pub struct PingStep {
    /// `name`, `reach`, `offers`, `TLS`, `clock`, `log in`, `identify`, `limits`, `shell`, `64-bit`, `elevated`, `host name`, `Windows`, `IIS`
    /// or `Exchange`.
    pub name: &'static str,
    /// What was seen, or what went wrong.
    pub result: Result<String, StepError>,
    /// How long it took, in real time.
    pub elapsed: Duration,
}

impl PingReport {
    /// Whether every layer answered.
    pub fn is_good(&self) -> bool {
        self.steps.iter().all(|step| step.result.is_ok())
    }

    /// Name and TCP. A proxy does both in its own way; then the first request shows whether it could.
    async fn way(&mut self, world: &World, server: &ServerName) -> bool {
        let written = match world.server(server) {
            Ok(written) => written,
            Err(error) => {
                let unknown = failed(
                    "look the server up",
                    "a server of the inventory",
                    error.to_string(),
                );
                return self.step("name", ready(Err(unknown))).await;
            }
        };
        if written.proxy.is_some() {
            let text = "left to the proxy".to_owned();
            return self.step("name", ready(Ok(text))).await;
        }
        let mut addresses = Vec::new();
        self.step("name", doctor::resolve(world, written, &mut addresses))
            .await
            && self
                .step("reach", doctor::reach(world, written, &addresses))
                .await
    }

    async fn step(
        &mut self,
        name: &'static str,
        work: impl Future<Output = Result<String, StepError>>,
    ) -> bool {
        let began = Instant::now();
        let result = work.await;
        let is_good = result.is_ok();
        self.steps.push(PingStep {
            name,
            result,
            elapsed: began.elapsed(),
        });
        is_good
    }
}

/// Reaches for a server, logs in, and looks at everything that a rollout will need. Changes nothing, and closes what it opened.
pub async fn ping(world: &Arc<World>, server: &ServerName) -> PingReport {
    let mut report = PingReport {
        server: server.clone(),
        steps: Vec::new(),
    };
    if !report.way(world, server).await {
        return report;
    }
    let mut greeting = None;
    if !report
        .step("offers", doctor::greet(world, server, &mut greeting))
        .await
    {
        return report;
    }
    if let Some(greeting) = &greeting {
        if let Some(text) = doctor::tls(greeting) {
            report.step("TLS", ready(Ok(text))).await;
        }
        report.step("clock", doctor::clock(greeting)).await;
    }
    let mut service = None;
    if !report.step("log in", log_in(world, server, &mut service)).await {
        return report;
    }
    if let Some(mut service) = service {
        report
            .step("identify", async {
                let identity = service.identify().await;
                let identity = identity.map_err(|error| from_winrm("ask WinRM who it is", server, &error))?;
                let known = [identity.vendor, identity.version];
                Ok(known.into_iter().flatten().collect::<Vec<_>>().join(", "))
            })
            .await;
        report.step("limits", doctor::limits(&mut service, server)).await;
    }
    let mut remote = Remote::new(world, server.clone());
    if !report.step("shell", open(&mut remote)).await {
        return report;
    }
    report.step("64-bit", doctor::architecture(&mut remote)).await;
    report.step("elevated", doctor::elevation(&mut remote)).await;
    report
        .step(
            "host name",
            read(&mut remote, "the computer's name", system::computer_name()),
        )
        .await;
    report.step("Windows", windows(&mut remote)).await;
    report.step("IIS", iis_version(&mut remote)).await;
    report.step("Exchange", exchange(&mut remote)).await;
    remote.close().await;
    report
}

async fn open(remote: &mut Remote) -> Result<String, StepError> {
    remote.open("open a shell").await.map(|_| "cmd, UTF-8".to_owned())
}

async fn log_in(
    world: &World,
    server: &ServerName,
    service: &mut Option<Service>,
) -> Result<String, StepError> {
    let doing = "log in";
    let endpoint = world
        .endpoint(server)
        .map_err(|error| failed(doing, "all that a login needs", error.to_string()).caused_by(&error))?;
    let user = endpoint.credentials.user.clone();
    let opened = Service::open(endpoint)
        .await
        .map_err(|error| from_winrm(doing, server, &error))?;
    let login = opened.connection();
    let scheme = login_words(login.scheme(), login.mechanism(), login.kerberos_failure());
    *service = Some(opened);
    Ok(format!("{user} with {scheme}"))
}

pub(crate) async fn windows(remote: &mut Remote) -> Result<String, StepError> {
    let seen = read(remote, "the version of Windows", system::windows()).await?;
    Ok(seen.to_string())
}

pub(crate) async fn iis_version(remote: &mut Remote) -> Result<String, StepError> {
    let seen = read(remote, "the version of IIS", system::iis()).await?;
    Ok(format!("Version {seen}"))
}

pub(crate) async fn exchange(remote: &mut Remote) -> Result<String, StepError> {
    let doing = "read Exchange's version";
    for key in [SETUP_KEY, SETUP_KEY_2010] {
        let told = |error: iis::Error| from_iis(doing, "the values that setup leaves", &error);
        let line = version::query(key).map_err(told)?;
        if let Some(version) = remote.look(doing, &line).await?.map_err(told)? {
            return Ok(match version.product() {
                Some(product) => format!("{product} ({version})"),
                None => version.to_string(),
            });
        }
    }
    Err(failed(doing, "Exchange 2010 or later", "none")
        .hint("is Exchange installed on this server, and did its setup finish?"))
}

pub(crate) async fn read<T>(
    remote: &mut Remote,
    what: &str,
    line: Result<Invocation<Result<Option<T>, iis::Error>>, iis::Error>,
) -> Result<T, StepError> {
    let doing = format!("read {what} from the registry");
    let told = |error: iis::Error| from_iis(&doing, &format!("{what} where setup left it"), &error);
    let seen = remote.look(&doing, &line.map_err(told)?).await?;
    seen.map_err(told)?
        .ok_or_else(|| failed(&doing, format!("{what} where setup left it"), "no such value"))
}

/// `negotiate (ntlm; no Kerberos: why)`: what the inventory asks for, what it came to, and why not to the best.
fn login_words(scheme: &str, mechanism: &str, kerberos_failure: Option<&str>) -> String {
    match (kerberos_failure, scheme == mechanism) {
        (Some(why), _) => format!("{scheme} ({mechanism}; no Kerberos: {why})"),
        (None, true) => scheme.to_owned(),
        (None, false) => format!("{scheme} ({mechanism})"),
    }
}

#[cfg(test)]
mod tests {
    use rollout::FailureKind;
    use tokio::net::TcpListener;

    use super::*;
    use crate::testing::{Ports, world};

    /// Every layer's name, and the kind of its failure.
    fn layers(report: &PingReport) -> Vec<(&'static str, Option<FailureKind>)> {
        let kind = |step: &PingStep| step.result.as_ref().err().map(|error| error.kind);
        report.steps.iter().map(|step| (step.name, kind(step))).collect()
    }

    #[tokio::test]
    async fn a_server_that_is_not_there_is_not_asked_for_more() {
        let world = world(&Ports::default(), 1.0);
        let report = ping(&world, &"cas01".into()).await;
        assert_eq!(
            layers(&report),
            [("name", None), ("reach", Some(FailureKind::Unreachable))]
        );
        assert!(!report.is_good());
        let report = ping(&world, &"cas99".into()).await;
        assert_eq!(layers(&report), [("name", Some(FailureKind::Failed))]);
    }

    #[tokio::test]
    async fn a_port_where_something_else_answers_is_no_login() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let ports = Ports {
            winrm: listener.local_addr().unwrap().port(),
            ..Ports::default()
        };
        let _serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                drop(stream);
            }
        });
        let report = ping(&world(&ports, 1.0), &"cas01".into()).await;
        assert_eq!(
            layers(&report),
            [
                ("name", None),
                ("reach", None),
                ("offers", Some(FailureKind::Unreachable))
            ]
        );
    }
}
