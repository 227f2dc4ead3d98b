//! What a preflight asks of a server, through the invocations that the client uses.

use std::sync::Arc;

use command::Invocation;
use exchange::component_state;
use iis::appcmd::{self, ObjectState};
use iis::redirection::{self, Source};
use iis::schema::{self, Attributes};
use iis::{disk, process, shell, system};

use super::{fresh, run};
use crate::machine::{ExchangeRelease, Machine, MachineOptions, WindowsRelease};

/// Runs an invocation's line and reads what was printed.
async fn ask<T>(machine: &Arc<Machine>, invocation: Invocation<T>) -> T {
    let ran = run(machine, invocation.line().as_str()).await;
    invocation.parse(&command::Output {
        exit_code: ran.code,
        stdout: ran.stdout.into_bytes(),
        stderr: ran.stderr.into_bytes(),
    })
}

fn with(change: impl FnOnce(&mut MachineOptions)) -> Arc<Machine> {
    let mut options = MachineOptions::named("CAS01");
    change(&mut options);
    Machine::new(options)
}

#[tokio::test(start_paused = true)]
async fn a_good_server_answers_every_question() {
    let machine = fresh();
    assert!(ask(&machine, shell::architecture()).await.unwrap().is_64_bit());
    assert!(ask(&machine, shell::elevation()).await.unwrap().is_elevated());
    let windows = ask(&machine, system::windows().unwrap()).await.unwrap().unwrap();
    assert_eq!(windows.to_string(), "Windows Server 2019 Standard, build 17763");
    let iis = ask(&machine, system::iis().unwrap()).await.unwrap().unwrap();
    assert_eq!(iis.to_string(), "10.0");
    assert_eq!(
        ask(&machine, system::computer_name().unwrap()).await,
        Ok(Some("CAS01".to_owned()))
    );
    assert_eq!(ask(&machine, redirection::source()).await, Ok(Source::Local));
    assert_eq!(
        ask(&machine, schema::ip_security()).await,
        Ok(Attributes {
            deny_action: true,
            enable_proxy_mode: true
        })
    );
    assert_eq!(ask(&machine, disk::free()).await, Ok(43_270_029_312));
    assert_eq!(ask(&machine, component_state::taken_out()).await, Ok(Vec::new()));
    let processes = ask(&machine, process::list()).await.unwrap();
    assert!(processes.iter().any(|p| p.image == "w3wp.exe"), "{processes:?}");
    assert_eq!(
        exchange::setup::running(&processes),
        Vec::<&process::Process>::new()
    );
    let sites = ask(&machine, appcmd::list_sites()).await.unwrap();
    let seen: Vec<_> = sites
        .iter()
        .map(|site| (site.name.as_str(), site.state))
        .collect();
    assert_eq!(
        seen,
        [
            ("Default Web Site", ObjectState::Started),
            ("Exchange Back End", ObjectState::Started)
        ]
    );
    assert!(sites[1].ports().contains(&444) && sites[0].ports().contains(&443));
    let apps = ask(&machine, appcmd::list_applications()).await.unwrap();
    let eas = apps
        .iter()
        .filter(|app| app.path.path() == "/Microsoft-Server-ActiveSync");
    assert_eq!(eas.count(), 2, "front end and back end");
    let pools = ask(&machine, appcmd::list_app_pools()).await.unwrap();
    assert!(
        pools
            .iter()
            .any(|pool| pool.name == "MSExchangeSyncAppPool" && pool.state == ObjectState::Started)
    );
    assert_eq!(
        ask(&machine, appcmd::list_server_section()).await,
        Ok(iis::ip_security::Section::default())
    );
}

#[tokio::test(start_paused = true)]
async fn every_machine_has_an_identity_of_its_own() {
    let guid = async |name: &str| {
        let machine = Machine::new(MachineOptions::named(name));
        ask(&machine, system::machine_guid().unwrap())
            .await
            .unwrap()
            .unwrap()
    };
    assert_ne!(guid("CAS01").await, guid("CAS02").await);
}

#[tokio::test(start_paused = true)]
async fn an_old_server_answers_in_its_own_way() {
    let machine = with(|options| {
        options.windows = WindowsRelease::Server2008R2;
        options.exchange = ExchangeRelease::Exchange2010;
    });
    assert_eq!(
        ask(&machine, schema::ip_security()).await,
        Ok(Attributes {
            deny_action: false,
            enable_proxy_mode: false
        })
    );
    assert_eq!(ask(&machine, disk::free()).await, Ok(43_270_029_312));
    let iis = ask(&machine, system::iis().unwrap()).await.unwrap().unwrap();
    assert_eq!(iis.to_string(), "7.5");
}

#[tokio::test(start_paused = true)]
async fn what_is_wrong_is_seen() {
    let machine = with(|options| {
        options.shell_is_32_bit = true;
        options.free_bytes = 1_000;
        options.shared_configuration = Some(r"\\FILES01\iis$".to_owned());
    });
    let shell = ask(&machine, shell::architecture()).await.unwrap();
    assert_eq!(shell.to_string(), "an x86 process on AMD64 Windows");
    assert_eq!(ask(&machine, disk::free()).await, Ok(1_000));
    assert_eq!(
        ask(&machine, redirection::source()).await,
        Ok(Source::Shared(r"\\FILES01\iis$".to_owned()))
    );
    machine.faults().exchange_setup_runs.set(true);
    let processes = ask(&machine, process::list()).await.unwrap();
    let setup: Vec<_> = exchange::setup::running(&processes)
        .iter()
        .map(|process| process.image.clone())
        .collect();
    assert_eq!(setup, ["Setup.exe", "ExSetup.exe"]);
    machine.faults().filtered_token.set(true);
    assert!(!ask(&machine, shell::elevation()).await.unwrap().is_elevated());
    assert!(ask(&machine, disk::free()).await.is_err());
    assert!(ask(&machine, redirection::source()).await.is_err());
    assert!(ask(&machine, appcmd::list_sites()).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn component_states_are_read_from_the_registry() {
    let machine = fresh();
    let line = r"reg add HKLM\SOFTWARE\Microsoft\ExchangeServer\v15\ServerComponentStates\ServerWideOffline /v Maintenance /t REG_SZ /d 1:0:637683895210000000 /f";
    assert_eq!(run(&machine, line).await.code, 0);
    let taken_out = ask(&machine, component_state::taken_out()).await.unwrap();
    assert!(
        !component_state::is_active("ActiveSyncProxy", &taken_out),
        "{taken_out:?}"
    );
}
