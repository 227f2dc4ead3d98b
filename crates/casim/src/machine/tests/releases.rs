//! Other Windows, other Exchange, other sites: what differs from a fresh Windows Server 2019 with Exchange 2019.

use std::sync::Arc;

use super::{APPCMD, EAS, HEALTH, SECTION, appcmd, run, status};
use crate::machine::{
    ExchangeRelease, Machine, MachineOptions, MoreSite, WebReply, WebRequest, WindowsRelease,
};

const APP: &str = "Default Web Site/Microsoft-Server-ActiveSync";

fn server(windows: WindowsRelease, exchange: ExchangeRelease) -> Arc<Machine> {
    Machine::new(MachineOptions {
        windows,
        exchange,
        speed: 1000.0,
        ..MachineOptions::named("CAS01")
    })
}

fn headers(machine: &Machine, request: &WebRequest) -> Vec<(String, String)> {
    match machine.web(request) {
        WebReply::Reply { headers, .. } => headers,
        WebReply::Refused | WebReply::Aborted => Vec::new(),
    }
}

async fn query(machine: &Arc<Machine>, line: &str) -> String {
    let ran = run(machine, line).await;
    format!("{} {}", ran.code, ran.stdout)
}

#[tokio::test(start_paused = true)]
async fn every_release_says_what_it_is() {
    use ExchangeRelease::{Exchange2010, Exchange2013, Exchange2016, Exchange2019};
    use WindowsRelease::{Server2008R2, Server2012R2, Server2016, Server2019};
    for (windows, exchange, ver, iis, build, key, major_minor, server_header) in [
        (
            Server2008R2,
            Exchange2010,
            "6.1.7601",
            "7.5",
            "7601",
            "v14",
            ["0xe", "0x3"],
            "IIS/7.5",
        ),
        (
            Server2012R2,
            Exchange2013,
            "6.3.9600",
            "8.5",
            "9600",
            "v15",
            ["0xf", "0x0"],
            "IIS/8.5",
        ),
        (
            Server2016,
            Exchange2016,
            "10.0.14393",
            "10.0",
            "14393",
            "v15",
            ["0xf", "0x1"],
            "IIS/10.0",
        ),
        (
            Server2019,
            Exchange2019,
            "10.0.17763",
            "10.0",
            "17763",
            "v15",
            ["0xf", "0x2"],
            "IIS/10.0",
        ),
    ] {
        let machine = server(windows, exchange);
        assert!(query(&machine, "ver").await.contains(&format!("[Version {ver}")));
        let version = r"reg query HKLM\SOFTWARE\Microsoft\InetStp /v VersionString";
        assert!(query(&machine, version).await.contains(&format!("Version {iis}")));
        let current = r#"reg query "HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion" /v CurrentBuild"#;
        assert!(query(&machine, current).await.contains(build));
        for (name, number) in ["MsiProductMajor", "MsiProductMinor"]
            .into_iter()
            .zip(major_minor)
        {
            let setup = format!(r"reg query HKLM\SOFTWARE\Microsoft\ExchangeServer\{key}\Setup /v {name}");
            assert!(
                query(&machine, &setup)
                    .await
                    .contains(&format!("REG_DWORD    {number}\r\n"))
            );
        }
        let other = if key == "v14" { "v15" } else { "v14" };
        let absent = format!(r"reg query HKLM\SOFTWARE\Microsoft\ExchangeServer\{other}\Setup");
        assert!(query(&machine, &absent).await.starts_with('1'));
        let said = headers(&machine, &WebRequest::get(EAS, [192, 0, 2, 66].into()));
        let value = |name: &str| said.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str());
        assert!(value("Server").is_some_and(|value| value.ends_with(server_header)));
        assert_eq!(value("X-FEServer").is_some(), exchange != Exchange2010);
        assert!(value("WWW-Authenticate").is_some());
    }
}

#[tokio::test(start_paused = true)]
async fn iis_7_has_no_deny_action_and_logs_403_6() {
    let machine = server(WindowsRelease::Server2008R2, ExchangeRelease::Exchange2010);
    for attribute in ["denyAction:NotFound", "enableProxyMode:true"] {
        let ran = run(
            &machine,
            &format!("{APPCMD} set config \"{APP}\" /section:{SECTION} /{attribute} /commit:apphost"),
        )
        .await;
        let name = attribute.split(':').next().unwrap();
        assert_eq!(ran.code, 87);
        assert_eq!(
            ran.stdout,
            format!("ERROR ( message:Unknown attribute \"{name}\".  Replace with -? for help. )\r\n")
        );
    }
    let ran = run(
        &machine,
        "dism /online /enable-feature /featurename:IIS-IPSecurity /all /norestart",
    )
    .await;
    assert_eq!(ran.code, 87, "{}", ran.stdout);
    assert!(ran.stdout.contains("The all option is unknown."));
    let ran = run(
        &machine,
        "dism /online /enable-feature /featurename:IIS-IPSecurity /norestart",
    )
    .await;
    assert_eq!(ran.code, 0, "{}", ran.stdout);
    let modules = appcmd(&machine, "list module").await;
    assert!(modules.contains("\"IpRestrictionModule\"") && !modules.contains("DynamicIpRestrictionModule"));
    appcmd(
        &machine,
        &format!("set config \"{APP}\" /section:{SECTION} /allowUnlisted:false /commit:apphost"),
    )
    .await;
    let listed = appcmd(
        &machine,
        &format!("list config \"{APP}\" /section:{SECTION} /config:*"),
    )
    .await;
    assert!(
        !listed.contains("denyAction") && listed.contains("allowUnlisted=\"false\""),
        "{listed}"
    );
    assert_eq!(run(&machine, "iisreset /noforce").await.code, 0);
    super::warm(&machine, EAS).await;
    assert_eq!(status(&machine, EAS, "192.0.2.66"), 403);
    assert_eq!(
        machine
            .requests()
            .last()
            .map(|line| (line.status, line.substatus)),
        Some((403, 6))
    );
}

#[tokio::test(start_paused = true)]
async fn exchange_2010_has_one_site_and_no_health_pages() {
    let machine = server(WindowsRelease::Server2008R2, ExchangeRelease::Exchange2010);
    let sites = appcmd(&machine, "list site").await;
    assert_eq!(sites.lines().count(), 1, "{sites}");
    let app = appcmd(&machine, &format!("list app \"{APP}\"")).await;
    assert_eq!(
        app,
        format!("APP \"{APP}\" (applicationPool:MSExchangeSyncAppPool)\r\n")
    );
    assert_eq!(status(&machine, HEALTH, "127.0.0.1"), 401);
    assert_eq!(status(&machine, "/owa/auth/logon.aspx", "127.0.0.1"), 200);
    assert_eq!(run(&machine, "sc query MSExchangeHM").await.code, 1060);
}

#[tokio::test(start_paused = true)]
async fn a_second_site_has_rules_of_its_own() {
    let machine = Machine::new(MachineOptions {
        front_end_site: "Mail".to_owned(),
        more_sites: vec![MoreSite {
            name: "Mobile".to_owned(),
            host: "eas.contoso.example".to_owned(),
            applications: vec!["/Microsoft-Server-ActiveSync".to_owned()],
        }],
        speed: 1000.0,
        ..MachineOptions::named("CAS01")
    });
    let apps = appcmd(&machine, "list app").await;
    for name in [
        "Mail/owa",
        "Mail/Microsoft-Server-ActiveSync",
        "Mobile/Microsoft-Server-ActiveSync",
    ] {
        assert!(apps.contains(&format!("APP \"{name}\"")), "{apps}");
    }
    assert!(
        !apps.contains("Default Web Site") && !apps.contains("Mobile/owa"),
        "{apps}"
    );
    run(
        &machine,
        "dism /online /enable-feature /featurename:IIS-IPSecurity /norestart",
    )
    .await;
    let closed = format!(
        "set config \"Mail/Microsoft-Server-ActiveSync\" /section:{SECTION} /allowUnlisted:false /commit:apphost"
    );
    appcmd(&machine, &closed).await;
    assert_eq!(run(&machine, "iisreset /noforce").await.code, 0);
    super::warm(&machine, EAS).await;
    let asked = |host: &str| {
        let request = WebRequest {
            host: Some(host.to_owned()),
            ..WebRequest::get(EAS, [192, 0, 2, 66].into())
        };
        match machine.web(&request) {
            WebReply::Reply { status, .. } => status,
            WebReply::Refused | WebReply::Aborted => 0,
        }
    };
    assert_eq!(asked("mail.contoso.example"), 403);
    assert_eq!(asked("EAS.contoso.example"), 401, "the other site is still open");
}

#[tokio::test(start_paused = true)]
async fn shared_configuration_is_seen_in_its_file_and_kept_by_no_backup() {
    let machine = Machine::new(MachineOptions {
        shared_configuration: Some(r"\\FILES01\iis$".to_owned()),
        speed: 1000.0,
        ..MachineOptions::named("CAS01")
    });
    let line = r"type %windir%\System32\inetsrv\config\redirection.config";
    let shown = run(&machine, line).await;
    assert_eq!(shown.code, 0);
    assert!(
        shown.stdout.contains(r#"enabled="true" path="\\FILES01\iis$""#),
        "{}",
        shown.stdout
    );
    let own = Machine::new(MachineOptions::named("CAS02"));
    assert!(
        run(&own, line)
            .await
            .stdout
            .contains("<configurationRedirection />")
    );
    appcmd(&machine, "add backup before").await;
    appcmd(
        &machine,
        &format!("set config \"{APP}\" /section:{SECTION} /allowUnlisted:false /commit:apphost"),
    )
    .await;
    appcmd(&machine, "restore backup before").await;
    let listed = appcmd(&machine, &format!("list config \"{APP}\" /section:{SECTION}")).await;
    assert!(listed.contains("allowUnlisted=\"false\""), "{listed}");
    let missing = run(&machine, r"type C:\nosuch.txt").await;
    assert_eq!(
        (missing.code, missing.stderr.trim()),
        (1, "The system cannot find the file specified.")
    );
    own.faults().filtered_token.set(true);
    assert_eq!(run(&own, line).await.stderr.trim(), "Access is denied.");
}
