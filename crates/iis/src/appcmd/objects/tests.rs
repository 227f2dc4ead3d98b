use command::Output;

use super::*;
use crate::appcmd::AppcmdErrorKind;
use crate::testing::said;

fn path(text: &str) -> ApplicationPath {
    text.parse().unwrap()
}

#[test]
fn lines_read_as_expected() {
    const APPCMD: &str = r"%windir%\system32\inetsrv\appcmd.exe";
    let line = |rest: &str| format!("{APPCMD} {rest}");
    assert_eq!(
        list_app(&path("Default Web Site/Microsoft-Server-ActiveSync"))
            .line()
            .as_str(),
        line(r#"list app "Default Web Site/Microsoft-Server-ActiveSync""#)
    );
    assert_eq!(
        list_app(&path("Default Web Site")).line().as_str(),
        line(r#"list app "Default Web Site/""#)
    );
    assert_eq!(list_modules().line().as_str(), line("list module"));
    assert_eq!(list_worker_processes().line().as_str(), line("list wps"));
    assert_eq!(list_backups().line().as_str(), line("list backups"));
    assert_eq!(
        add_backup("20261124-0214-7f3a").unwrap().line().as_str(),
        line("add backup 20261124-0214-7f3a")
    );
    assert_eq!(
        delete_backup("a_b.c").unwrap().line().as_str(),
        line("delete backup a_b.c")
    );
    assert_eq!(
        recycle_app_pool("MSExchangeSyncAppPool").unwrap().line().as_str(),
        line(r#"recycle apppool /apppool.name:"MSExchangeSyncAppPool""#)
    );
}

#[test]
fn names_are_checked() {
    for name in [
        "",
        "a b",
        "a\"b",
        "..\\x",
        "-x",
        ".",
        "x.",
        "a/b",
        "ä",
        &"x".repeat(101),
    ] {
        assert!(
            matches!(add_backup(name), Err(Error::BadName { what: "a backup", .. })),
            "{name}"
        );
        assert!(delete_backup(name).is_err(), "{name}");
    }
    for name in ["", "a\"b", "a\" & format c:", "%PATH%", "a\\", "a\nb"] {
        assert!(
            matches!(
                recycle_app_pool(name),
                Err(Error::BadName {
                    what: "an application pool",
                    ..
                })
            ),
            "{name}"
        );
    }
    assert!(recycle_app_pool("Pool & Co (2)").is_ok());
}

#[test]
fn an_application_in_both_forms() {
    let invocation = list_app(&path("Default Web Site/Microsoft-Server-ActiveSync"));
    let found = |pool: &str| {
        Ok(Some(App {
            application_pool: pool.to_owned(),
        }))
    };
    let text =
        "APP \"Default Web Site/Microsoft-Server-ActiveSync\" (applicationPool:MSExchangeSyncAppPool)\r\n";
    assert_eq!(invocation.parse(&said(0, text)), found("MSExchangeSyncAppPool"));
    // V15
    assert_eq!(
        invocation.parse(&said(
            0,
            "APP \"Default Web Site/\" (applicationPool:DefaultAppPool)"
        )),
        found("DefaultAppPool")
    );
    // V19
    let xml = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n<appcmd>\r\n<APP APP.NAME=\"GraniteProcessApp/sub\" APPPOOL.NAME=\"Other\" SITE.NAME=\"GraniteProcessApp\" path=\"/sub\" />\r\n</appcmd>";
    assert_eq!(invocation.parse(&said(0, xml)), found("Other"));
}

#[test]
fn a_miss_is_none_in_either_form() {
    let invocation = list_app(&path("Default Web Site/nosuch"));
    for output in [
        said(
            1168,
            "ERROR ( message:Cannot find APP object with identifier \"Default Web Site/nosuch\". )",
        ),
        said(1, ""),
        said(0, "\r\n"),
        said(1, "<appcmd>\r\n</appcmd>"),
        said(0, "<?xml version=\"1.0\"?><appcmd>\n</appcmd>"),
    ] {
        assert_eq!(invocation.parse(&output), Ok(None), "{output:?}");
    }
}

#[test]
fn other_failures_are_not_a_miss() {
    let invocation = list_app(&path("Default Web Site/ecp"));
    let filtered = "ERROR ( message:Configuration error\nFilename: redirection.config\nLine Number: 0\nDescription: Cannot read configuration file due to insufficient permissions. )";
    assert_eq!(
        invocation.parse(&said(1168, filtered)).unwrap_err().kind,
        AppcmdErrorKind::AccessDenied
    );
    let no_iis = Output {
        stderr: b"The system cannot find the path specified.\r\n".to_vec(),
        ..said(1, "")
    };
    assert_eq!(
        invocation.parse(&no_iis).unwrap_err().kind,
        AppcmdErrorKind::Other
    );
    assert!(invocation.parse(&said(0xC000_013A, "")).is_err());
    assert_eq!(
        invocation.parse(&said(0, "APP \"x/\" ()")).unwrap_err().kind,
        AppcmdErrorKind::Unreadable
    );
    assert_eq!(
        invocation.parse(&said(0, "what?")).unwrap_err().kind,
        AppcmdErrorKind::Unreadable
    );
    assert_eq!(
        invocation.parse(&said(0, "<appcmd><APP")).unwrap_err().kind,
        AppcmdErrorKind::Unreadable
    );
}

#[test]
fn modules_by_name() {
    let text = "MODULE \"UriCacheModule\" ( native, preCondition: )\r\nMODULE \"IpRestrictionModule\" ( native, preCondition: )\r\nMODULE \"OutputCache\" ( type:System.Web.Caching.OutputCacheModule, preCondition:managedHandler )\r\n";
    let modules = list_modules().parse(&said(0, text)).unwrap();
    assert_eq!(modules, ["UriCacheModule", "IpRestrictionModule", "OutputCache"]);
    let xml = "<appcmd><MODULE MODULE.NAME=\"IpRestrictionModule\" type=\"\" preCondition=\"\" /></appcmd>";
    assert_eq!(
        list_modules().parse(&said(0, xml)).unwrap(),
        ["IpRestrictionModule"]
    );
}

#[test]
fn worker_processes_in_all_spellings() {
    let process = |pid, pool: &str| WorkerProcess {
        pid,
        application_pool: pool.to_owned(),
    };
    let parse = |output: &Output| list_worker_processes().parse(output);
    // V15: documented, and as current builds print it.
    let text =
        "WP \"3577\" (apppool:DefaultAppPool)\r\nWP \"4188\" (applicationPool:MSExchangeSyncAppPool)\r\n";
    let expected = vec![
        process(3577, "DefaultAppPool"),
        process(4188, "MSExchangeSyncAppPool"),
    ];
    assert_eq!(parse(&said(0, text)), Ok(expected));
    let xml = "<appcmd><WP WP.NAME=\"3577\" APPPOOL.NAME=\"DefaultAppPool\" /></appcmd>";
    assert_eq!(parse(&said(0, xml)), Ok(vec![process(3577, "DefaultAppPool")]));
    assert_eq!(parse(&said(1, "")), Ok(Vec::new()), "no process is no error");
    assert_eq!(
        parse(&said(0, "WP \"x\" (applicationPool:P)")).unwrap_err().kind,
        AppcmdErrorKind::Unreadable
    );
    assert_eq!(
        parse(&said(0, "WP \"1\"")).unwrap_err().kind,
        AppcmdErrorKind::Unreadable
    );
}

#[test]
fn backups_by_name() {
    // V16
    let text = "BACKUP \"MyBackup\"\r\nBACKUP \"CFGHISTORY_0000000003\"\r\n";
    assert_eq!(
        list_backups().parse(&said(0, text)).unwrap(),
        ["MyBackup", "CFGHISTORY_0000000003"]
    );
    assert_eq!(
        add_backup("x")
            .unwrap()
            .parse(&said(0, "BACKUP object \"x\" added")),
        Ok(())
    );
    assert_eq!(
        recycle_app_pool("P")
            .unwrap()
            .parse(&said(0, "\"P\" successfully recycled")),
        Ok(())
    );
    let missing = said(
        1168,
        "ERROR ( message:Cannot find APPPOOL object with identifier \"P\". )",
    );
    assert_eq!(
        recycle_app_pool("P").unwrap().parse(&missing).unwrap_err().kind,
        AppcmdErrorKind::UnknownObject
    );
}

#[test]
fn requests_under_way() {
    let invocation = list_requests();
    // Microsoft's page on appcmd shows the first form, later releases of IIS name stage and module as well.
    let text = "REQUEST \"f200000280000577\" (url:GET /wait.aspx?seconds=10000, time:3560 msec, client:localhost)\r\n\
        REQUEST \"f200000180000001\" (url:POST /Microsoft-Server-ActiveSync?Cmd=Ping&User=a, b), time:17 msec, client:192.0.2.7, \
        stage:ExecuteRequestHandler, module:ManagedPipelineHandler)\r\n";
    let request = |verb: &str, url: &str| RequestUnderWay {
        url: url.to_owned(),
        verb: verb.to_owned(),
    };
    assert_eq!(
        invocation.parse(&said(0, text)).unwrap(),
        [
            request("GET", "/wait.aspx?seconds=10000"),
            request("POST", "/Microsoft-Server-ActiveSync?Cmd=Ping&User=a, b)"),
        ]
    );
    assert_eq!(invocation.parse(&said(0, "")), Ok(Vec::new()));
    let error = invocation
        .parse(&said(0, "REQUEST \"f200000280000577\" (something else)\r\n"))
        .unwrap_err();
    assert_eq!(error.kind, AppcmdErrorKind::Unreadable);
}
