//! `casgate ping --shells`: shells that an earlier casgate left behind on servers, and their end with `--clean`.

use std::sync::Arc;
use std::time::Duration;

use inventory::ServerName;
use winrm::{Endpoint, OpenShell, Service};

use crate::args::{Common, Ping};
use crate::error::Error;
use crate::exit_code::ExitCode;
use crate::fan_out::FanOut;
use crate::printer::Printer;

/// A shell that was used more recently may belong to another casgate that is at work. A waiting casgate asks at least every 20 seconds.
const UNUSED: Duration = Duration::from_secs(60);

/// How many servers at a time.
const PARALLEL: u16 = 16;

pub(crate) async fn run(common: &Common, args: &Ping, printer: &Printer) -> Result<ExitCode, Error> {
    let fan_out = FanOut {
        common,
        selector: &args.selector,
        parallel: PARALLEL,
        tells_codes: false,
        printer,
    };
    fan_out
        .run("shells", |server, endpoint, _| async move {
            one(&server, endpoint, args.clean, printer).await
        })
        .await
}

async fn one(
    server: &ServerName,
    endpoint: Arc<Endpoint>,
    clean: bool,
    printer: &Printer,
) -> Result<u32, winrm::Error> {
    let mut service = Service::open(endpoint).await?;
    let shells = service.shells().await?;
    let others = shells.iter().filter(|shell| !shell.is_ours).count();
    let ours: Vec<OpenShell> = shells.into_iter().filter(|shell| shell.is_ours).collect();
    printer.text(&format!(
        "{server}: {} of casgate, {others} of others",
        ours.len()
    ));
    for open in &ours {
        let fate = match (clean, is_unused(open)) {
            (true, true) => {
                service.end_shell(&open.shell.shell_id).await?;
                "ended"
            }
            (_, false) => "in use",
            (false, true) => "left behind",
        };
        printer.text(&format!("    {}  {fate}", described(open)));
        printer.json(&serde_json::json!({
            "server": server, "shell": open.shell.shell_id.as_str(), "owner": open.shell.details.owner,
            "client": open.shell.details.client_ip, "unused_seconds": open.shell.details.inactivity.map(|time| time.as_secs()),
            "fate": fate,
        }));
    }
    Ok(0)
}

/// A shell whose server does not say how long it has been unused counts as used.
fn is_unused(open: &OpenShell) -> bool {
    open.shell.details.inactivity.is_some_and(|time| time >= UNUSED)
}

fn described(open: &OpenShell) -> String {
    let details = &open.shell.details;
    let harmless = |text: &str| -> String { text.chars().filter(|c| !c.is_control()).collect() };
    let or_unknown = |text: &Option<String>| text.as_deref().map_or_else(|| "?".to_owned(), harmless);
    let seconds =
        |time: Option<Duration>| time.map_or_else(|| "?".to_owned(), |time| time.as_secs().to_string());
    format!(
        "{}  {} from {}, {} s old, unused for {} s",
        harmless(open.shell.shell_id.as_str()),
        or_unknown(&details.owner),
        or_unknown(&details.client_ip),
        seconds(details.run_time),
        seconds(details.inactivity),
    )
}

#[cfg(test)]
mod tests {
    use winrm::{ListedShell, ShellDetails, ShellId};

    use super::*;

    fn open(inactivity: Option<u64>) -> OpenShell {
        OpenShell {
            shell: ListedShell {
                shell_id: ShellId::from("CA56A7E0-0000-4000-8000-000000000001"),
                name: None,
                resource_uri: None,
                state: None,
                details: ShellDetails {
                    owner: Some("CONTOSO\\oper\u{1b}ator".to_owned()),
                    inactivity: inactivity.map(Duration::from_secs),
                    ..ShellDetails::default()
                },
            },
            is_ours: true,
        }
    }

    #[test]
    fn only_what_nobody_has_used_for_a_minute_may_be_ended() {
        assert!(is_unused(&open(Some(60))));
        assert!(!is_unused(&open(Some(59))));
        assert!(!is_unused(&open(None)));
    }

    #[test]
    fn a_shell_is_described_without_moving_the_cursor() {
        assert_eq!(
            described(&open(Some(61))),
            r"CA56A7E0-0000-4000-8000-000000000001  CONTOSO\operator from ?, ? s old, unused for 61 s"
        );
    }
}
