//! Golden transcripts: command lines with everything they print, on one fresh machine per transcript.

use super::{APP, APPCMD, SECTION, fresh, run};
use crate::machine::Machine;
use std::sync::Arc;

/// `> line`, `exit N`, then both streams, line by line.
async fn transcript(machine: &Arc<Machine>, lines: &[String]) -> String {
    let mut text = String::new();
    for line in lines {
        let ran = run(machine, line).await;
        text.push_str(&format!("> {line}\nexit {}\n", ran.code));
        for (mark, stream) in [('|', &ran.stdout), ('!', &ran.stderr)] {
            assert!(
                !stream.replace("\r\n", "").contains('\n'),
                "lines end with CR LF: {stream:?}"
            );
            for output in stream.replace("\r\n", "\n").lines() {
                text.push_str(&format!("{mark} {}\n", output.replace('\r', "\\r")));
            }
        }
        text.push('\n');
    }
    text
}

fn appcmd(rest: &[&str]) -> Vec<String> {
    rest.iter().map(|rest| format!("{APPCMD} {rest}")).collect()
}

fn lines(lines: &[&str]) -> Vec<String> {
    lines.iter().map(|line| (*line).to_owned()).collect()
}

#[tokio::test(start_paused = true)]
async fn objects() {
    let list = appcmd(&[
        "list site",
        "list sites \"default web site\" /xml",
        "list app /site.name:\"Default Web Site\"",
        &format!("list app \"{APP}\" /xml"),
        &format!("list app \"{APP}\" /text:*"),
        "list app \"Default Web Site/nosuch\"",
        "list app /apppool.name:NoSuchPool",
        "list vdir \"Default Web Site/\"",
        "list apppool MSExchangeSyncAppPool",
        "list apppool /state:Stopped",
        "list apppool MSExchangeSyncAppPool /xml",
        "list wps /apppool.name:MSExchangeSyncAppPool",
        "list module BasicAuthenticationModule",
        "list module OutputCache",
        "list request",
        "list backups",
        "list nosuch",
        "frobnicate site",
        "list site a b",
        "list site /nosuch:1",
    ]);
    insta::assert_snapshot!(transcript(&fresh(), &list).await);
}

#[tokio::test(start_paused = true)]
async fn configuration() {
    let section = format!("\"{APP}\" /section:{SECTION}");
    let list = appcmd(&[
        &format!("list config {section}"),
        &format!("list config {section} /xml"),
        &format!("list config {section} /config:* /xml"),
        &format!(
            "set config {section} /+\"[ipAddress='192.0.2.10',allowed='True']\" /+\"[ipAddress='2001:db8::',subnetMask='32',allowed='True']\" /allowUnlisted:False /commit:apphost"
        ),
        &format!("list config {section}"),
        &format!("list config {section} /xml"),
        &format!("list config {section} /config:* /xml"),
        &format!("list config \"{APP}/Proxy\" /section:{SECTION} /config:*"),
        &format!("set config {section} /+\"[ipAddress='192.0.2.10',allowed='False']\" /commit:apphost"),
        &format!("set config {section} /-\"[ipAddress='203.0.113.9']\" /commit:apphost"),
        &format!(
            "set config {section} /-\"[ipAddress='192.0.2.10',subnetMask='255.255.255.255',domainName='']\" /+\"[ipAddress='192.0.2.10',allowed='False']\" /commit:apphost"
        ),
        &format!("set config {section} /[ipAddress='192.0.2.10'].allowed:true /commit:apphost"),
        &format!("list config {section} /text:allowUnlisted"),
        &format!("set config {section} /allowUnlisted:True"),
        &format!("set config {section} /allowUnlisted:perhaps /commit:apphost"),
        &format!("set config {section} /nosuch:1 /commit:apphost"),
        &format!("set config {section} /+\"[ipAddress='192.0.2.10\" /commit:apphost"),
        &format!("set config {section} /+\"[allowed='True']\" /commit:apphost"),
        &format!("set config \"No Such Site/x\" /section:{SECTION} /allowUnlisted:True /commit:apphost"),
        &format!("set config {section} /allowUnlisted:True /commit:nowhere"),
        "set config /section:ipSecurity /allowUnlisted:True /commit:apphost",
        "list config /section:handlers",
        &format!("clear config {section} /commit:apphost"),
        &format!("list config {section}"),
        &format!("unlock config /section:{SECTION}"),
        &format!("set config {section} /allowUnlisted:True"),
        "list config https://mail.contoso.example/Microsoft-Server-ActiveSync /section:access",
    ]);
    insta::assert_snapshot!(transcript(&fresh(), &list).await);
}

#[tokio::test(start_paused = true)]
async fn services() {
    let list = lines(&[
        "sc query W3SVC",
        "sc queryex w3svc",
        "sc queryex NoSuchService",
        "sc qc W3SVC",
        "sc qc NoSuchService",
        "sc start W3SVC",
        "sc start NoSuchService",
        "sc stop WAS",
        "sc stop W3SVC",
        "sc stop W3SVC",
        "ping -n 5 127.0.0.1 >nul & sc queryex W3SVC",
        "sc stop W3SVC",
        "sc start W3SVC",
        "sc config W3SVC start= demand",
        "iisreset /status",
        "iisreset /noforce /nosuch",
    ]);
    insta::assert_snapshot!(transcript(&fresh(), &list).await);
}

#[tokio::test(start_paused = true)]
async fn features() {
    let list = lines(&[
        "dism /online /get-featureinfo /featurename:IIS-IPSecurity /english",
        "dism /online /enable-feature /featurename:IIS-IPSecurity /norestart /english",
        "dism /online /enable-feature /featurename:IIS-IPSecurity /norestart /quiet",
        "dism /online /get-featureinfo /featurename:iis-ipsecurity",
        "dism /online /enable-feature /featurename:NoSuchFeature",
        "dism /online /enable-feature /featurename:NetFx3 /all",
        "dism /online /disable-feature /featurename:IIS-IPSecurity",
        "dism /online /get-features",
        "dism /online /nosuch",
        "dism /image:C:\\x /get-features",
    ]);
    insta::assert_snapshot!(transcript(&fresh(), &list).await);
}

#[tokio::test(start_paused = true)]
async fn registry_and_network() {
    let key = r"HKLM\SOFTWARE\Contoso\casgate";
    let list = lines(&[
        r"reg query HKLM\SOFTWARE\Microsoft\InetStp /v VersionString",
        r"reg query HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\ExchangeServer\v15\Setup",
        r"reg query HKLM\SOFTWARE\Microsoft\ExchangeServer",
        r"reg query HKLM\SYSTEM\CurrentControlSet\Control\ComputerName\ComputerName /v ComputerName",
        &format!("reg query {key} /v Run"),
        &format!("reg add {key} /v Run /t REG_SZ /d \"a b\" /f"),
        &format!("reg add {key} /v Count /t REG_DWORD /d 10 /f"),
        &format!("reg query {key}"),
        r"reg query HKLM\SOFTWARE\Contoso /s",
        &format!("reg delete {key} /v Run /f"),
        &format!("reg delete {key} /v Run /f"),
        &format!("reg delete {key} /f"),
        "reg query NOHIVE\\x",
        "reg add",
        "netsh interface ipv4 show ipaddresses",
        "netsh interface ipv6 show addresses",
        "netsh http show sslcert",
    ]);
    insta::assert_snapshot!(transcript(&fresh(), &list).await);
}

#[tokio::test(start_paused = true)]
async fn powershell() {
    let encoded = |script: &str| {
        command::CommandLine::powershell(script)
            .expect("short")
            .as_str()
            .to_owned()
    };
    let list = vec![
        encoded("Write-Output 'one', 'two'; exit 3"),
        encoded("throw 'it <broke>'"),
        encoded("Get-Service W3SVC"),
        "powershell -NoProfile -Command \"Write-Output 'three'\"".to_owned(),
        "powershell -Command throw 'four'".to_owned(),
        "powershell".to_owned(),
        "powershell -enc !!!".to_owned(),
    ];
    insta::assert_snapshot!(transcript(&fresh(), &list).await);
}
