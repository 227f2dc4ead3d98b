//! The web server's log, as commands read it.

use std::time::Duration;

use command::Output;
use iis::web_log::{self, Reader, Window};
use jiff::civil::datetime;

use super::*;
use crate::machine::FormerTraffic;

const FOLDER: &str = r"C:\inetpub\logs\LogFiles\W3SVC1";

fn settings(printed: &Ran) -> web_log::Settings {
    let app = APP.parse().unwrap();
    let output = Output {
        exit_code: printed.code,
        stdout: printed.stdout.clone().into(),
        stderr: printed.stderr.clone().into(),
    };
    web_log::settings(&app).parse(&output).unwrap()
}

async fn asked(machine: &Arc<Machine>) -> web_log::Settings {
    let app = APP.parse().unwrap();
    settings(&run(machine, web_log::settings(&app).line().as_str()).await)
}

#[tokio::test(start_paused = true)]
async fn settings_are_those_of_the_schema() {
    let machine = fresh();
    let settings = asked(&machine).await;
    assert_eq!(settings.directory, r"%SystemDrive%\inetpub\logs\LogFiles");
    assert!(settings.is_w3c && settings.has_time && settings.enabled);
    let text = appcmd(&machine, r#"list site "Default Web Site" /text:*"#).await;
    assert!(!text.contains("logFile"), "{text}");
    let unknown = run(
        &machine,
        &format!(r#"{APPCMD} list site "Default Web Site" /text:logFile.nosuch"#),
    )
    .await;
    assert_ne!(unknown.code, 0);
}

#[tokio::test(start_paused = true)]
async fn an_answered_request_is_in_the_file_once_it_is_written_out() {
    let machine = fresh();
    let path = format!("{EAS}default.eas?Cmd=Ping&DeviceId=A1");
    assert_eq!(status(&machine, &path, "203.0.113.9"), 401);
    let all = format!(r#"findstr /r /i /c:"^2026" /c:"^#" "{FOLDER}\u_ex260101.log""#);
    let before = run(&machine, &all).await;
    assert_eq!(
        (before.code, before.stdout.as_str()),
        (1, ""),
        "{}",
        before.stderr
    );
    assert_eq!(run(&machine, web_log::flush().line().as_str()).await.code, 0);
    let after = run(&machine, &all).await;
    assert_eq!(after.code, 0);
    let lines: Vec<&str> = after.stdout.lines().collect();
    assert_eq!(lines.len(), 5);
    assert_eq!(
        lines[0],
        "#Software: Microsoft Internet Information Services 10.0"
    );
    assert!(
        lines[4].ends_with(
            " 192.0.2.11 GET /Microsoft-Server-ActiveSync/default.eas Cmd=Ping&DeviceId=A1 443 - 203.0.113.9 - - 401 0 0 15"
        ),
        "{}",
        lines[4]
    );
    get(&machine, "/owa/", "203.0.113.9");
    machine.pause(Duration::from_secs(61)).await;
    let later = run(&machine, &all).await;
    assert_eq!(
        later.stdout.lines().count(),
        6,
        "after a minute HTTP.SYS writes by itself"
    );
}

#[tokio::test(start_paused = true)]
async fn former_traffic_is_listed_and_searched_without_being_held() {
    let bytes = 8 * 1024 * 1024;
    let machine = Machine::new(MachineOptions {
        born: "2026-11-25T19:00:00Z".parse().unwrap(),
        former: Some(FormerTraffic {
            bytes,
            hours: 30,
            users: 100,
            clients: vec!["203.0.113.9".parse().unwrap(), "198.51.100.7".parse().unwrap()],
            probes_from: vec!["192.0.2.5".parse().unwrap()],
            others: 40,
            seed: 5,
        }),
        ..MachineOptions::named("CAS01")
    });
    let settings = asked(&machine).await;
    let listing = web_log::list_files(&settings).unwrap();
    let printed = run(&machine, listing.line().as_str()).await;
    let files = listing
        .parse(&Output {
            exit_code: printed.code,
            stdout: printed.stdout.into(),
            ..Output::default()
        })
        .unwrap();
    let names: Vec<&str> = files.iter().map(|file| file.name.as_str()).collect();
    assert_eq!(names, ["u_ex261124.log", "u_ex261125.log"]);
    let total: u64 = files.iter().map(|file| file.length).sum();
    assert!(total.abs_diff(bytes) < 2_000, "{total}");
    let window = Window::last(datetime(2026, 11, 25, 19, 0, 0, 0), 2, 0);
    let line = web_log::search(
        &settings,
        &files[1],
        Some(window),
        &["/Microsoft-Server-ActiveSync"],
    )
    .unwrap();
    let found = run(&machine, line.as_str()).await;
    let (mut reader, mut times, mut others) = (Reader::default(), Vec::new(), 0);
    reader.push(found.stdout.as_bytes(), &mut |entry| {
        times.push(entry.at.unwrap());
        others += u32::from(!entry.is_below("/Microsoft-Server-ActiveSync"));
    });
    assert_eq!((reader.faults(), others), (web_log::Faults::default(), 0));
    assert!(times.iter().all(|at| window.from <= *at && *at < window.to));
    // Two of thirty hours, and about 57 of a hundred lines: two of each hundred are probes, five the balancer's, of the rest 40 % are others.
    let share = times.len() * 100 / (usize::try_from(bytes).unwrap() / 360 / 15);
    assert!((55..65).contains(&share), "{share}");
}

#[tokio::test(start_paused = true)]
async fn a_file_that_was_put_there_is_read_as_it_is() {
    let machine = fresh();
    machine.put(
        &format!(r"{FOLDER}\U_EX251231.log"),
        b"#Fields: c-ip\n203.0.113.9\nlast".to_vec(),
    );
    let line = format!(r#"findstr /l /i /c:"203" /c:"LAST" "{FOLDER}\u_ex251231.log""#);
    let found = run(&machine, &line).await;
    assert_eq!(found.stdout, "203.0.113.9\nlast");
    let listed = run(
        &machine,
        &format!(r#"for %f in ("{FOLDER}\*.log") do @echo %~zf %~nxf"#),
    )
    .await;
    assert_eq!(
        (listed.stderr.as_str(), listed.stdout.as_str()),
        ("", "30 u_ex251231.log\r\n")
    );
}

#[tokio::test(start_paused = true)]
async fn what_findstr_and_for_refuse() {
    let machine = fresh();
    let ran = run(
        &machine,
        &format!(r#"findstr /r /c:"x" "{FOLDER}\u_ex990101.log""#),
    )
    .await;
    assert_eq!((ran.code, ran.stdout.as_str()), (1, ""));
    assert!(ran.stderr.starts_with("FINDSTR: Cannot open "), "{}", ran.stderr);
    machine.put(r"C:\notes.txt", b"one\r\ntwo\r\n".to_vec());
    assert_eq!(
        run(&machine, r#"findstr /i /c:"TWO" C:\notes.txt"#).await.stdout,
        "two\r\n"
    );
    let long = "x".repeat(255);
    assert_eq!(
        run(&machine, &format!(r#"findstr /r /c:"{long}" "{FOLDER}\a.log""#))
            .await
            .code,
        2
    );
    for line in [
        r#"findstr /c:"x.y" "C:\a.log""#,
        r#"findstr /v /r /c:"x" "C:\a.log""#,
        r#"findstr /r /c:"x" "C:\*.log""#,
        "for /l %i in (1,1,3) do @echo %i",
    ] {
        assert_eq!(run(&machine, line).await.code, 50, "{line}");
    }
    let elsewhere = run(&machine, r#"for %f in ("C:\nowhere\*.log") do @echo %~zf"#).await;
    assert_eq!((elsewhere.code, elsewhere.stdout.as_str()), (0, ""));
}
