//! Replies of other servers and tools: Windows 7, WinRM 1 and 2, OMI, faults with odd details.

use std::fs;

use wsman::{CommandId, Fault, MessageId, Response, ShellId, code};

use crate::folder;

/// One session against Windows 7, wrapped into a document of its own.
#[test]
fn windows_7_is_understood() {
    let Some(folder) = folder() else { return };
    let text = fs::read_to_string(folder.join("session_windows7.xml")).unwrap();
    let options = roxmltree::ParsingOptions {
        allow_dtd: true,
        ..Default::default()
    };
    let document = roxmltree::Document::parse_with_options(&text, options).unwrap();
    let mut words = Vec::new();
    let mut stdout = Vec::new();
    for response in document
        .descendants()
        .filter(|node| node.has_tag_name("response"))
    {
        let envelope = response.children().find(roxmltree::Node::is_element).unwrap();
        let reply = Response::parse(
            &text.as_bytes()[envelope.range()],
            Some(&MessageId::from("${messageId}")),
        )
        .unwrap();
        match &reply {
            Response::ShellCreated(created) => {
                assert_eq!(created.shell_id.as_str(), "DDAD7559-3B88-44FA-890B-7FD87F86CB6C");
                assert_eq!(created.details, None);
            }
            Response::CommandStarted { command_id } => {
                assert_eq!(
                    command_id.as_ref().unwrap().as_str(),
                    "0EC45416-057F-49E6-913F-5230FEF0F184"
                );
            }
            Response::Received(received) => {
                stdout.extend(received.chunks.iter().flat_map(|chunk| chunk.data.clone()));
            }
            _ => {}
        }
        words.push(reply.word());
    }
    assert_eq!(
        words[..3],
        ["CreateResponse", "CommandResponse", "ReceiveResponse"]
    );
    assert_eq!(words.last(), Some(&"DeleteResponse"));
    assert_eq!(String::from_utf8(stdout).unwrap(), "myline\r\n");
}

fn single(name: &str) -> Option<String> {
    Some(fs::read_to_string(folder()?.join("replies").join(name)).unwrap())
}

fn fault(text: &str, relates_to: &str) -> Box<Fault> {
    match Response::parse(text.as_bytes(), Some(&MessageId::from(relates_to))).unwrap() {
        Response::Fault(fault) => fault,
        other => panic!("{other:?}"),
    }
}

#[test]
fn shells_of_winrm_1_winrm_2_and_omi_have_names() {
    for (file, relates_to, id) in [
        (
            "open_shell_v1.xml",
            "uuid:EEF803CE-B9A6-48C1-BF00-90C6F077EC2A",
            "uuid:739990FF-1492-4CDD-80BB-6E07ADB06D85",
        ),
        (
            "open_shell_v2.xml",
            "uuid:EA2A7785-D8E6-4E28-8AD8-FC27156537B3",
            "62DE33F0-8674-43D9-B6A5-3298012CC4CD",
        ),
        (
            "open_shell_omi.xml",
            "uuid:C872AD16-50F1-4CD3-908B-35AED7E485B7",
            "74142DC5-E14D-4FCC-86ED-63DA3EE8407E",
        ),
    ] {
        let Some(text) = single(file) else { return };
        match Response::parse(text.as_bytes(), Some(&MessageId::from(relates_to))).unwrap() {
            Response::ShellCreated(created) => assert_eq!(created.shell_id, ShellId::from(id), "{file}"),
            other => panic!("{file}: {other:?}"),
        }
    }
}

#[test]
fn a_nested_provider_fault_is_kept_and_its_innermost_text_shown() {
    let Some(text) = single("soap_fault_v2.xml") else {
        return;
    };
    let fault = fault(&text, "uuid:0CB1C49A-5054-4C12-AF30-FC60BE995DD9");
    assert_eq!(fault.error_code(), Some(2_150_858_778));
    let provider = fault.wsman.as_ref().unwrap().provider.as_ref().unwrap();
    assert_eq!(provider.provider.as_deref(), Some("WMI Provider"));
    assert_eq!(
        provider.path.as_deref(),
        Some(r"%systemroot%\system32\WsmWmiPl.dll")
    );
    assert_eq!(provider.faults[0].machine.as_deref(), Some("vagrant-2008R2"));
    assert_eq!(
        provider.extended[0],
        ("Operation".to_owned(), "ExecQuery".to_owned())
    );
    assert_eq!(
        fault.to_string(),
        "fault 2150858778 (n:CannotProcessFilter): The specified class does not exist in the given namespace."
    );
}

#[test]
fn a_quota_fault_relates_to_nothing_and_has_its_code_in_the_wmi_error() {
    let Some(text) = single("wmi_error_v2.xml") else {
        return;
    };
    let fault = fault(&text, "uuid:ANY");
    assert!(fault.is_quota());
    assert_eq!(fault.quota_setting(), Some("MaxShellsPerUser"));
    assert_eq!(fault.wsman, None);
    let wmi = fault.wmi.as_ref().expect("the detail");
    assert_eq!((wmi.code, wmi.cim_status), (Some(code::SHELL_QUOTA), Some(27)));
    assert_eq!(wmi.message_id.as_deref(), Some("HRESULT 0x803381a5"));
    assert!(
        fault
            .message()
            .contains("a maximum number of 30 concurrent shells")
    );
}

#[test]
fn a_time_out_is_known_as_one() {
    let Some(text) = single("operation_timeout.xml") else {
        return;
    };
    assert!(fault(&text, "26ba4524-38c7-46fe-a31d-52c49d7df4f9").is_timed_out());
}

#[test]
fn single_replies_of_other_tools_are_read() {
    let Some(text) = single("command_response.xml") else {
        return;
    };
    let id = MessageId::from("6b1e869b-02d1-45a0-a8af-5d50cf417521");
    assert_eq!(
        Response::parse(text.as_bytes(), Some(&id)).unwrap(),
        Response::CommandStarted {
            command_id: Some(CommandId::from("5B8A3515-ADB4-4AE2-90A8-4665AE9E71A2"))
        }
    );
    let text = single("get_command_output_response.xml.erb").unwrap();
    let text = text
        .replace("<%= command_id %>", "C-1")
        .replace("<%= test_data_stdout %>", "aGk=")
        .replace("<%= test_data_stderr %>", "");
    let Response::Received(received) = Response::parse(text.as_bytes(), None).unwrap() else {
        panic!("no output")
    };
    assert_eq!(received.chunks[0].data, b"hi");
    assert!(received.chunks[1].end);
    assert_eq!(received.done(&CommandId::from("c-1")), Some(Some(0)));
    // The template has no header, so it cannot relate to a request.
    assert!(Response::parse(text.as_bytes(), Some(&id)).is_err());
}
