//! What programs print, command lines, and the operator's files.

use command::{CommandLine, powershell};

use super::{Seed, seed};

pub(super) fn seeds() -> Vec<Seed> {
    let line = |line: Result<CommandLine, command::Error>| line.expect("a good line").as_str().to_owned();
    vec![
        seed("clixml", "records", format!("\u{7}{RECORDS}")),
        seed(
            "clixml",
            "several",
            format!("\u{1}before {RECORDS} between {RECORDS}after"),
        ),
        seed("clixml", "bad-cut", format!("\u{40}{}", &RECORDS[..120])),
        seed("programs", "section", format!("\0{SECTION}")),
        seed("programs", "lists", format!("\0{LISTS}")),
        seed(
            "programs",
            "error",
            "\u{1}ERROR ( hresult:80070021, message:Locked.\r\n )\r\n",
        ),
        seed("programs", "service", format!("\0{SERVICE}")),
        seed(
            "programs",
            "registry",
            "\0\r\nHKEY_LOCAL_MACHINE\\SOFTWARE\\Microsoft\r\n    Build    REG_SZ    15.2.1118.7\r\n\r\n",
        ),
        seed(
            "programs",
            "addresses",
            "\0Interface 1: Loopback\r\n\r\nOther  Preferred  infinite  infinite  ::1\r\nx 127.0.0.1\r\n",
        ),
        seed(
            "lines",
            "quoted",
            line(CommandLine::native(
                "reg",
                &["add", r"HKLM\a b", "/d", "50% & \"x\"\\"],
            )),
        ),
        seed("lines", "several", "a ^& b 2>&1 & c >nul && d || e"),
        seed("lines", "script", line(CommandLine::powershell("exit 1"))),
        seed("lines", "encoded", powershell::encode("Write-Output 'ä'")),
        seed("files", "inventory", INVENTORY),
        seed("files", "playbook", PLAYBOOK),
        seed("web-log", "requests", format!("\u{40}{WEB_LOG}")),
        seed(
            "web-log",
            "bad-headless",
            "\u{40}2026-11-25 19:00:01 203.0.113.9 200\r\n",
        ),
        seed("files", "bad-both", format!("{INVENTORY}{PLAYBOOK}")),
    ]
}

const RECORDS: &str = "#< CLIXML\r\n<Objs Version=\"1.1.0.1\" xmlns=\"http://schemas.microsoft.com/powershell/2004/04\">\
<S S=\"Error\">no_x000D__x000A_</S><Obj S=\"Error\" RefId=\"0\"><ToString>x</ToString></Obj><S S=\"warning\">&lt;w_xD83D__xDE00_</S></Objs>";

const SECTION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n<appcmd>\r\n<CONFIG CONFIG.SECTION=\"system.webServer/security/ipSecurity\" \
path=\"MACHINE/WEBROOT/APPHOST\">\r\n<system.webServer-security-ipSecurity allowUnlisted=\"false\"><add ipAddress=\"192.0.2.10\" allowed=\"true\" />\
<add ipAddress=\"198.51.100.0\" subnetMask=\"255.255.255.0\" allowed=\"true\" /></system.webServer-security-ipSecurity></CONFIG></appcmd>";

const LISTS: &str = "APP \"Default Web Site/\" (applicationPool:DefaultAppPool)\r\nMODULE \"IpRestrictionModule\" ( native, preCondition: )\r\n\
WP \"4120\" (applicationPool:MSExchangeSyncAppPool)\r\nBACKUP \"casgate-1\"\r\n";

const SERVICE: &str = "\r\nSERVICE_NAME: W3SVC \r\n        TYPE               : 20  WIN32_SHARE_PROCESS  \r\n        STATE              : 4  RUNNING \r\n\
        WIN32_EXIT_CODE    : 0  (0x0)\r\n        PID                : 1234\r\n        FLAGS              : \r\n";

const WEB_LOG: &str = "#Software: Microsoft Internet Information Services 10.0\r\n#Fields: date time cs-uri-stem cs-uri-query \
cs-username c-ip cs(User-Agent) X-Forwarded-For sc-status sc-substatus\r\n2026-11-25 19:00:01 /Microsoft-Server-ActiveSync/default.eas \
Cmd=Ping&User=CONTOSO%5Canna&DeviceId=A1&DeviceType=iPhone CONTOSO\\anna 198.51.100.7 Apple-iPhone - 200 0\r\n2026-11-25 19:00:02 \
/Microsoft-Server-ActiveSync/healthcheck.htm - - 192.0.2.5 - 203.0.113.9 200 0\r\n";

const INVENTORY: &str = r#"[credential.ops]
user = 'CONTOSO\operator'
password = { env = "P" }
[load_balancer.lb]
kind = "none"
[pool.dc1]
min_in_rotation = "50%"
[server.cas01]
address = "192.0.2.11"
credential = "ops"
pool = "dc1"
[server.cas02]
address = "192.0.2.12"
credential = "ops"
pool = "dc1"
"#;

const PLAYBOOK: &str = r#"[playbook]
title = "t"
servers = "@dc1 and not cas02"
[policy]
waves = [1, "50%"]
min_healthy_time = "60s"
[[step]]
restrict = { application = "Default Web Site/Microsoft-Server-ActiveSync", unlisted = "deny", existing = "keep", allow = [{ network = "192.0.2.0/24" }, { role = "loopback", note = "n" }] }
[[step]]
wait_healthy = { paths = ["/owa/healthcheck.htm"] }
"#;
