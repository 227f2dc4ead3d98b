use super::*;

fn name() -> TaskName {
    TaskName::new("casgate-20261124-0214-7f3a-3").unwrap()
}

fn output(exit_code: u32, stdout: &str, stderr: &str) -> Output {
    Output {
        exit_code,
        stdout: stdout.into(),
        stderr: stderr.into(),
    }
}

#[test]
fn a_name_is_what_no_quoting_can_change() {
    for bad in ["", "a b", r"a\b", "a\"b", "a%b", "ä", &"x".repeat(201)] {
        assert!(matches!(TaskName::new(bad), Err(Error::BadName { .. })), "{bad}");
    }
}

#[test]
fn the_lines() {
    assert_eq!(
        create(&name(), r"%windir%\System32\inetsrv\x.xml")
            .unwrap()
            .line()
            .as_str(),
        r#"%windir%\system32\schtasks.exe /create /tn casgate-20261124-0214-7f3a-3 /xml "%windir%\System32\inetsrv\x.xml" /f"#
    );
    assert_eq!(
        delete(&name()).unwrap().line().as_str(),
        r"%windir%\system32\schtasks.exe /delete /tn casgate-20261124-0214-7f3a-3 /f"
    );
    assert_eq!(
        exists(&name()).unwrap().line().as_str(),
        r"%windir%\system32\schtasks.exe /query /fo csv /nh"
    );
}

#[test]
fn a_task_is_there_or_not_or_nobody_knows() {
    let exists = exists(&name()).unwrap();
    let others = "\"\\Microsoft\\Windows\\Defrag\\ScheduledDefrag\",\"N/A\",\"Ready\"\r\n";
    let ours = "\"\\casgate-20261124-0214-7f3a-3\",\"N/A\",\"Bereit\"\r\n";
    let another = "\"\\casgate-20261124-0214-7f3a-33\",\"N/A\",\"Ready\"\r\n";
    assert_eq!(
        exists.parse(&output(0, &format!("\r\n{others}{ours}"), "")),
        Ok(true)
    );
    assert_eq!(exists.parse(&output(0, ours, "")), Ok(true));
    assert_eq!(
        exists.parse(&output(0, &format!("{others}{another}"), "")),
        Ok(false)
    );
    assert!(matches!(
        exists.parse(&output(0, "", "")),
        Err(Error::Unreadable { .. })
    ));
    let refused = exists.parse(&output(1, "", "ERROR: Access is denied.\r\n"));
    assert_eq!(refused.unwrap_err().exit_code(), Some(1));
}

#[test]
fn the_xml_is_utf_16_and_carries_any_line() {
    let line = CommandLine::raw(r#"appcmd set config "Größe & <x>" /+"[ipAddress='192.0.2.1']""#).unwrap();
    let bytes = delayed(&[&line], 600, "undo <now>").unwrap();
    let units: Vec<u16> = bytes
        .chunks(2)
        .map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
        .collect();
    assert_eq!(units[0], 0xFEFF);
    let text = String::from_utf16(&units[1..]).unwrap();
    let document = roxmltree::Document::parse(&text).unwrap();
    let texts = |name: &str| -> Vec<String> {
        let nodes = document
            .descendants()
            .filter(|node| node.tag_name().name() == name);
        nodes
            .map(|node| node.text().unwrap_or_default().to_owned())
            .collect()
    };
    let arguments = format!("/d /s /c \"{line}\"");
    assert_eq!(texts("Arguments"), [arguments.clone(), arguments]);
    assert_eq!(texts("Description"), ["undo <now>"]);
    assert_eq!(texts("UserId"), ["S-1-5-18"]);
    let delay = |trigger: &str| {
        let node = document
            .descendants()
            .find(|node| node.tag_name().name() == trigger)
            .unwrap();
        let delay = node
            .children()
            .find(|node| node.tag_name().name() == "Delay")
            .unwrap();
        delay.text().unwrap().to_owned()
    };
    assert_eq!(
        (delay("RegistrationTrigger"), delay("BootTrigger")),
        ("PT600S".to_owned(), "PT60S".to_owned())
    );
}

/// What a task would run, in order.
fn run_by(lines: &[&CommandLine]) -> Vec<String> {
    let ran = twice(lines);
    ran.map(|line| line.as_str().to_owned()).collect()
}

#[test]
fn each_line_has_a_second_chance_as_far_as_there_is_room() {
    let (a, b) = (CommandLine::literal("a"), CommandLine::literal("b"));
    assert_eq!(run_by(&[&a, &b]), ["a", "a", "b", "b"]);
    let mut many = vec![&b; 31];
    many[0] = &a;
    let ran = run_by(&many);
    assert_eq!(
        (ran.len(), &ran[..3]),
        (32, &["a".to_owned(), "a".to_owned(), "b".to_owned()][..])
    );
    assert_eq!(run_by(&[&a; 32]).len(), 32);
}

#[test]
fn a_task_has_room_for_32_lines() {
    let line = CommandLine::literal("ver");
    assert!(delayed(&[&line; 32], 60, "x").is_ok());
    assert!(delayed(&[&line; 33], 60, "x").is_err());
    assert!(delayed(&[], 60, "x").is_err());
}
