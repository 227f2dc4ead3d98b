//! Who is let in: the feature, the module in the worker, the section, and what denied clients get.

use super::{APP, EAS, HEALTH, SECTION, appcmd, fresh, get, run, status, warm, with_ip_restrictions};
use crate::machine::{WebReply, WebRequest};

const GATEWAY: &str = "127.0.0.10";
const OUTSIDE: &str = "127.0.0.66";

fn restrict(edits: &str) -> String {
    format!("set config \"{APP}\" /section:{SECTION} {edits} /commit:apphost")
}

fn closed() -> String {
    restrict(
        "/+\"[ipAddress='127.0.0.10',allowed='True']\" /+\"[ipAddress='127.0.0.1',allowed='True']\" /allowUnlisted:False",
    )
}

#[tokio::test(start_paused = true)]
async fn a_fresh_server_asks_for_credentials_and_shows_its_health() {
    let machine = fresh();
    let WebReply::Reply {
        status,
        headers,
        body,
    } = get(&machine, EAS, OUTSIDE)
    else {
        panic!("a server that runs answers");
    };
    assert_eq!((status, body.is_empty()), (401, true));
    let header = |name: &str| {
        headers
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, value)| value.as_str())
    };
    assert_eq!(
        header("WWW-Authenticate"),
        Some("Basic realm=\"mail.contoso.example\"")
    );
    assert_eq!(header("X-FEServer"), Some("CAS01"));
    assert_eq!(header("request-id").map(str::len), Some(36));
    let WebReply::Reply {
        status,
        headers,
        body,
    } = get(&machine, HEALTH, OUTSIDE)
    else {
        panic!("a server that runs answers");
    };
    assert_eq!(
        (status, body.as_slice()),
        (200, b"200 OK<br/>CAS01.CONTOSO.EXAMPLE".as_slice())
    );
    assert!(headers.iter().all(|(name, _)| name != "WWW-Authenticate"));
    let owa = get(&machine, "/OWA/?x=1", OUTSIDE);
    let WebReply::Reply {
        status: 302, headers, ..
    } = owa
    else {
        panic!("{owa:?}")
    };
    assert!(
        headers
            .iter()
            .any(|(n, v)| n == "Location" && v.starts_with("/owa/auth/logon.aspx"))
    );
}

#[tokio::test(start_paused = true)]
async fn every_virtual_directory_answers_in_its_way() {
    let machine = fresh();
    for (path, expected) in [
        ("/", 302),
        ("/ecp/", 302),
        ("/owa/auth/logon.aspx", 200),
        ("/EWS/Exchange.asmx", 401),
        ("/mapi/emsmdb/", 401),
        ("/Autodiscover/Autodiscover.xml", 401),
        ("/OAB/", 401),
        ("/rpc/rpcproxy.dll", 401),
        ("/rpc/healthcheck.htm", 200),
        ("/nosuch/", 404),
        ("/microsoft-server-activesync2/", 404),
    ] {
        assert_eq!(status(&machine, path, OUTSIDE), expected, "{path}");
    }
    let options = WebRequest {
        method: "OPTIONS".to_owned(),
        authorization: true,
        ..WebRequest::get(EAS, [127, 0, 0, 1].into())
    };
    let WebReply::Reply {
        status: 200, headers, ..
    } = machine.web(&options)
    else {
        panic!("OPTIONS with credentials is answered");
    };
    assert!(headers.iter().any(|(name, _)| name == "MS-ASProtocolVersions"));
}

#[tokio::test(start_paused = true)]
async fn without_the_feature_a_section_enforces_nothing() {
    let machine = fresh();
    appcmd(&machine, &closed()).await;
    assert_eq!(status(&machine, EAS, OUTSIDE), 401);
}

#[tokio::test(start_paused = true)]
async fn an_installed_feature_enforces_only_in_workers_that_loaded_it() {
    let machine = fresh();
    appcmd(&machine, &closed()).await;
    let installed = run(
        &machine,
        "dism /online /enable-feature /featurename:IIS-IPSecurity /norestart /quiet",
    )
    .await;
    assert_eq!((installed.code, installed.stdout.as_str()), (0, ""));
    assert!(
        appcmd(&machine, "list module")
            .await
            .contains("MODULE \"IpRestrictionModule\"")
    );
    assert_eq!(
        status(&machine, EAS, OUTSIDE),
        401,
        "the worker is older than the module"
    );
    appcmd(&machine, "recycle apppool MSExchangeSyncAppPool").await;
    assert_eq!(
        status(&machine, EAS, OUTSIDE),
        401,
        "the old worker answers until the new one is warm"
    );
    machine.pause(std::time::Duration::from_secs(5)).await;
    assert_eq!(status(&machine, EAS, OUTSIDE), 403);
    assert_eq!(status(&machine, EAS, GATEWAY), 401);
    assert_eq!(
        status(&machine, "/owa/", OUTSIDE),
        302,
        "other pools still have their old workers"
    );
}

#[tokio::test(start_paused = true)]
async fn tasklist_tells_which_workers_have_loaded_the_module() {
    let machine = fresh();
    let none = run(&machine, "tasklist /m iprestr.dll /fo csv /nh").await;
    assert_eq!(
        (none.code, none.stdout.as_str()),
        (
            0,
            "INFO: No tasks are running which match the specified criteria.\r\n"
        )
    );
    machine.faults().localised.set(true);
    let none = run(&machine, "tasklist /m iprestr.dll /fo csv /nh").await;
    assert!(none.stdout.starts_with("INFORMATION: "), "{}", none.stdout);
    run(
        &machine,
        "dism /online /enable-feature /featurename:IIS-IPSecurity /norestart /quiet",
    )
    .await;
    appcmd(&machine, "recycle apppool MSExchangeSyncAppPool").await;
    machine.pause(std::time::Duration::from_secs(5)).await;
    let loaded = run(&machine, "tasklist /m IPRESTR.DLL /nh /fo csv").await.stdout;
    let wps = appcmd(&machine, "list wps").await;
    let worker = |pool: &str| {
        let line = wps.lines().find(|line| line.contains(pool)).expect("a worker");
        line.split('"').nth(1).expect("a process id").to_owned()
    };
    let sync = worker("MSExchangeSyncAppPool");
    assert_eq!(loaded, format!("\"w3wp.exe\",\"{sync}\",\"iprestr.dll\"\r\n"));
    let all = run(&machine, "tasklist /m i*.dll /fo csv /nh").await.stdout;
    for (pid, dlls) in [
        (sync, "IMM32.DLL,iisutil.dll,iiscore.dll,iprestr.dll"),
        (
            worker("MSExchangeOWAAppPool"),
            "IMM32.DLL,iisutil.dll,iiscore.dll",
        ),
    ] {
        let line = format!("\"w3wp.exe\",\"{pid}\",\"{dlls}\"");
        assert!(all.lines().any(|found| found == line), "{line}\n{all}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_denied_client_gets_iis_own_page_and_the_log_tells_why() {
    let machine = with_ip_restrictions().await;
    appcmd(&machine, &closed()).await;
    let before = machine.requests().len();
    let WebReply::Reply {
        status: 403, headers, ..
    } = get(&machine, EAS, OUTSIDE)
    else {
        panic!("denied");
    };
    for absent in ["WWW-Authenticate", "request-id", "X-FEServer"] {
        assert!(headers.iter().all(|(name, _)| name != absent), "{absent}");
    }
    assert_eq!(
        status(&machine, HEALTH, OUTSIDE),
        403,
        "ipSecurity comes before healthcheck.htm"
    );
    assert_eq!(
        status(&machine, &format!("{EAS}Proxy"), OUTSIDE),
        403,
        "levels below inherit"
    );
    assert_eq!(status(&machine, HEALTH, "127.0.0.1"), 200);
    assert_eq!(status(&machine, "/owa/", OUTSIDE), 302);
    assert_eq!(
        status(&machine, "/owa/%2e./MICROSOFT-server-activesync/", OUTSIDE),
        403,
        "no spelling leads around"
    );
    let log = machine.requests();
    let lines: Vec<_> = log[before..]
        .iter()
        .map(|l| (l.path.as_str(), l.status, l.substatus))
        .collect();
    assert_eq!(lines[0], (EAS, 403, 503));
    assert_eq!(lines[3], (HEALTH, 200, 0));
    assert!(log.windows(2).all(|pair| pair[0].at <= pair[1].at));
}

#[tokio::test(start_paused = true)]
async fn rules_act_at_once_on_levels_below_and_for_the_action_chosen() {
    let machine = with_ip_restrictions().await;
    let server = format!("set config /section:{SECTION} /+\"[ipAddress='127.0.0.66']\" /commit:apphost");
    appcmd(&machine, &server).await;
    assert_eq!(
        status(&machine, "/owa/", OUTSIDE),
        403,
        "an entry without `allowed` denies, on every site"
    );
    assert_eq!(status(&machine, "/owa/", GATEWAY), 302);
    for (action, expected) in [
        ("Unauthorized", 401),
        ("NotFound", 404),
        ("Forbidden", 403),
        ("AbortRequest", 0),
    ] {
        appcmd(&machine, &restrict(&format!("/denyAction:{action}"))).await;
        assert_eq!(status(&machine, EAS, OUTSIDE), expected, "{action}");
    }
    let seen = machine.requests().len();
    assert_eq!(get(&machine, EAS, OUTSIDE), WebReply::Aborted);
    assert_eq!(machine.requests().len(), seen, "an aborted request is not logged");
}

#[tokio::test(start_paused = true)]
async fn plain_http_is_refused_before_anything_else() {
    let machine = with_ip_restrictions().await;
    appcmd(&machine, &closed()).await;
    let plain = |path: &str| WebRequest {
        https: false,
        ..WebRequest::get(path, [127, 0, 0, 10].into())
    };
    assert!(matches!(
        machine.web(&plain(EAS)),
        WebReply::Reply { status: 403, .. }
    ));
    assert_eq!(
        machine.requests().last().map(|l| (l.status, l.substatus)),
        Some((403, 4))
    );
    assert!(matches!(
        machine.web(&plain("/rpc/healthcheck.htm")),
        WebReply::Reply { status: 200, .. }
    ));
}

#[tokio::test(start_paused = true)]
async fn a_parent_with_the_same_key_breaks_the_application_with_500_19() {
    let machine = with_ip_restrictions().await;
    appcmd(&machine, &closed()).await;
    let site = format!(
        "set config \"Default Web Site\" /section:{SECTION} /+\"[ipAddress='127.0.0.10']\" /commit:apphost"
    );
    appcmd(&machine, &site).await;
    assert_eq!(status(&machine, EAS, GATEWAY), 500);
    assert_eq!(machine.requests().last().map(|l| l.substatus), Some(19));
    assert_eq!(status(&machine, "/owa/", OUTSIDE), 302);
    let effective = run(
        &machine,
        &format!(
            "{} list config \"{APP}\" /section:{SECTION} /config:*",
            super::APPCMD
        ),
    )
    .await;
    assert_eq!(effective.code, 183);
}

#[tokio::test(start_paused = true)]
async fn a_stopped_pool_answers_503_and_a_started_one_again() {
    let machine = fresh();
    appcmd(&machine, "stop apppool MSExchangeSyncAppPool").await;
    assert_eq!(status(&machine, EAS, GATEWAY), 503);
    assert_eq!(status(&machine, "/owa/", GATEWAY), 302);
    appcmd(&machine, "start apppool MSExchangeSyncAppPool").await;
    warm(&machine, HEALTH).await;
    assert_eq!(status(&machine, EAS, GATEWAY), 401);
}
