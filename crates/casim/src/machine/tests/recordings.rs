//! The configurations that real Exchange servers had, in the simulator: what their authors say of them is what it says.

use std::sync::Arc;

use super::{APP, APPCMD, SECTION, appcmd, run};
use crate::machine::{ExchangeRelease, Machine, MachineOptions, WebReply, WebRequest, WindowsRelease};

const FILE: &str = r"type C:\Windows\System32\inetsrv\config\applicationHost.config";

/// The recorded file, or `None` (and a word about it) where there are no recordings.
fn recorded(name: &str) -> Option<String> {
    #[expect(
        clippy::disallowed_methods,
        reason = "recordings are found only through the environment"
    )]
    let Ok(folder) = std::env::var("CASGATE_RECORDINGS") else {
        println!("skipped: CASGATE_RECORDINGS is not set");
        return None;
    };
    let file = std::path::Path::new(&folder).join("exchange").join(name);
    Some(std::fs::read_to_string(file).expect("the recording can be read"))
}

const RECORDINGS: [(&str, WindowsRelease, ExchangeRelease); 3] = [
    (
        "E15_NotConfigured_Both_applicationHost.config",
        WindowsRelease::Server2012R2,
        ExchangeRelease::Exchange2013,
    ),
    (
        "E19_Configured_IPFilter_applicationHost.config",
        WindowsRelease::Server2019,
        ExchangeRelease::Exchange2019,
    ),
    (
        "E19_NotConfigured_applicationHost.config",
        WindowsRelease::Server2019,
        ExchangeRelease::Exchange2019,
    ),
];

fn server(text: &str, windows: WindowsRelease, exchange: ExchangeRelease) -> Arc<Machine> {
    let options = MachineOptions {
        windows,
        exchange,
        speed: 1000.0,
        ..MachineOptions::named("CAS01")
    };
    Machine::with_application_host(options, text).expect("the recording is simulated")
}

/// Every own section of the file, by location, read by casgate's own reader: another judge than the one that wrote it.
fn sections(text: &str) -> Vec<iis::application_host::Located> {
    let mut found = iis::application_host::ip_security_sections(text).expect("sections");
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

#[tokio::test(start_paused = true)]
async fn recorded_configurations_are_taken_over_and_written_again() {
    for (name, windows, exchange) in RECORDINGS {
        let Some(text) = recorded(name) else { return };
        let machine = server(&text, windows, exchange);
        let written = run(&machine, FILE).await;
        assert_eq!(written.code, 0, "{name}");
        let again = server(&written.stdout, windows, exchange);
        assert_eq!(
            run(&again, FILE).await.stdout,
            written.stdout,
            "{name}: there and back"
        );
        // What casgate reads from either is the same.
        assert_eq!(sections(&text), sections(&written.stdout), "{name}");
        let modules = |text: &str| iis::application_host::global_modules(text).expect("modules");
        assert_eq!(modules(&text), modules(&written.stdout), "{name}");
        let sites = appcmd(&machine, "list site").await;
        assert_eq!(sites.lines().count(), 2, "{name}: {sites}");
        for tag in [
            "<application path=",
            "<binding protocol=",
            "<virtualDirectory path=",
        ] {
            let count = |text: &str| text.matches(tag).count();
            let before_sites = text.find("<sites>").expect("sites");
            assert_eq!(
                count(&text[before_sites..]),
                count(&written.stdout),
                "{name}: {tag}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn recorded_configurations_give_the_facts_that_their_authors_state() {
    for (name, windows, exchange) in RECORDINGS {
        let Some(text) = recorded(name) else { return };
        let machine = server(&text, windows, exchange);
        let app = appcmd(&machine, &format!("list app \"{APP}\"")).await;
        assert_eq!(
            app,
            format!("APP \"{APP}\" (applicationPool:MSExchangeSyncAppPool)\r\n"),
            "{name}"
        );
        // No recording has the module: the section is there, and enforces nothing.
        assert!(
            !appcmd(&machine, "list module")
                .await
                .contains("IpRestrictionModule"),
            "{name}"
        );
        let feature = "dism /online /get-featureinfo /featurename:IIS-IPSecurity /english";
        assert!(
            run(&machine, feature).await.stdout.contains("State : Disabled"),
            "{name}"
        );
        // It is locked below applicationHost.config.
        let locked = run(
            &machine,
            &format!("{APPCMD} set config \"{APP}\" /section:{SECTION} /allowUnlisted:false"),
        )
        .await;
        assert!(
            locked.stdout.contains("locked at a parent level"),
            "{name}: {}",
            locked.stdout
        );
        // "E15_NotConfigured_Both has no <access> there", the others demand TLS.
        let access = appcmd(
            &machine,
            &format!("list config \"{APP}\" /section:system.webServer/security/access"),
        )
        .await;
        assert_eq!(
            access.contains("Ssl128"),
            exchange != ExchangeRelease::Exchange2013,
            "{name}: {access}"
        );
        let basic = "list config \"Default Web Site/Microsoft-Server-ActiveSync\" /text:enabled \
             /section:system.webServer/security/authentication/";
        for (section, enabled) in [
            ("basicAuthentication", "true"),
            ("windowsAuthentication", "false"),
            ("anonymousAuthentication", "false"),
        ] {
            assert_eq!(
                appcmd(&machine, &format!("{basic}{section}")).await.trim(),
                enabled,
                "{name} {section}"
            );
        }
        let asked = WebRequest::get("/Microsoft-Server-ActiveSync/", [192, 0, 2, 66].into());
        assert!(
            matches!(machine.web(&asked), WebReply::Reply { status: 401, .. }),
            "{name}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn the_recorded_filter_lets_in_whom_its_authors_list() {
    let Some(text) = recorded("E19_Configured_IPFilter_applicationHost.config") else {
        return;
    };
    let located = sections(&text)
        .into_iter()
        .find(|located| !located.section.allow_unlisted)
        .expect("one application is restricted");
    let machine = server(&text, WindowsRelease::Server2019, ExchangeRelease::Exchange2019);
    assert_eq!(located.path, "Exchange Back End/EWS");
    let listed = appcmd(
        &machine,
        &format!("list config \"{}\" /section:{SECTION}", located.path),
    )
    .await;
    for entry in ["192.168.100.5", "fe80::de2:4f45:21dc:6c5a%14", "::1", "127.0.0.1"] {
        assert!(
            listed.contains(&format!("<add ipAddress=\"{entry}\" allowed=\"true\" />")),
            "{listed}"
        );
    }
    assert!(listed.contains("allowUnlisted=\"false\""), "{listed}");
    // As casgate reads it from the server.
    let app: iis::ApplicationPath = located.path.parse().expect("an application");
    let asked = iis::appcmd::list_effective_section(&app);
    let ran = run(&machine, asked.line().as_str()).await;
    let output = command::Output {
        exit_code: ran.code,
        stdout: ran.stdout.into_bytes(),
        stderr: Vec::new(),
    };
    let section = asked.parse(&output).expect("a section");
    assert!(section.same_meaning(&located.section));
    let allows = |client: &str| section.allows(client.parse().expect("an address"));
    assert!(
        ["192.168.100.5", "fe80::de2:4f45:21dc:6c5a", "::1", "127.0.0.1"]
            .into_iter()
            .all(allows)
    );
    assert!(!["192.0.2.66", "192.168.100.6", "::2"].into_iter().any(allows));
}

#[test]
fn what_cannot_be_simulated_is_refused_with_its_place() {
    let options = || MachineOptions::named("CAS01");
    for (text, found) in [
        ("no XML", "unknown token"),
        (
            "<configuration><system.webServer><security><ipSecurity allowUnlisted=\"perhaps\" /></security></system.webServer></configuration>",
            "allowUnlisted=`perhaps` in system.webServer/security/ipSecurity of MACHINE/WEBROOT/APPHOST",
        ),
        (
            "<configuration><system.applicationHost><sites><site name=\"x\" id=\"one\" /></sites></system.applicationHost></configuration>",
            "a site with the id `one`",
        ),
    ] {
        let error = Machine::with_application_host(options(), text)
            .expect_err("refused")
            .to_string();
        assert!(error.contains(found), "{error}");
    }
}
