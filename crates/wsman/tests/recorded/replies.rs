//! Every recorded reply of a Windows server is read, and says what the recording says.

use std::collections::BTreeMap;
use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use wsman::{CommandId, Fault, MessageId, Response, ShellId, State, StreamName, code};

use crate::{Exchange, between, exchanges, folder};

fn parse(exchange: &Exchange) -> Response {
    let id = MessageId::from(between(&exchange.request, "MessageID>", "<").unwrap());
    Response::parse(exchange.response.as_bytes(), Some(&id))
        .unwrap_or_else(|error| panic!("{}: {error}", exchange.place))
}

#[test]
fn each_reply_is_of_the_kind_that_its_action_says() {
    let Some(exchanges) = exchanges() else { return };
    for exchange in &exchanges {
        let action = between(&exchange.response, "<a:Action>", "<")
            .unwrap()
            .rsplit('/')
            .next()
            .unwrap();
        let word = parse(exchange).word();
        assert_eq!(
            word.to_ascii_lowercase(),
            action.to_ascii_lowercase(),
            "{}",
            exchange.place
        );
        assert_eq!(
            word == "Fault",
            exchange.status == Some(500),
            "{}",
            exchange.place
        );
    }
}

#[test]
fn shells_carry_the_recorded_facts() {
    let Some(exchanges) = exchanges() else { return };
    let mut shells = 0;
    for exchange in &exchanges {
        let Response::ShellCreated(created) = parse(exchange) else {
            continue;
        };
        let recorded = |name: &str| {
            between(
                &exchange.response,
                &format!("<rsp:{name}>"),
                &format!("</rsp:{name}>"),
            )
            .map(str::to_owned)
        };
        let details = created.details.unwrap();
        assert_eq!(Some(created.shell_id.to_string()), recorded("ShellId"));
        assert_eq!(created.resource_uri, recorded("ResourceUri"));
        assert_eq!(details.owner, recorded("Owner"));
        assert_eq!(details.client_ip, recorded("ClientIP"));
        assert_eq!(details.working_directory, recorded("WorkingDirectory"));
        let idle = details.idle_time_out.unwrap();
        assert_eq!(
            Some(format!("PT{}.000S", idle.as_secs())),
            recorded("IdleTimeOut")
        );
        assert_eq!(details.input_streams, [StreamName::Stdin]);
        assert_eq!(details.output_streams, [StreamName::Stdout, StreamName::Stderr]);
        assert_eq!(details.run_time, Some(std::time::Duration::ZERO));
        let variables = exchange.response.matches("<rsp:Variable ").count();
        assert_eq!(details.environment.len(), variables);
        shells += 1;
    }
    assert!(shells >= 7, "{shells}");
}

#[test]
fn an_environment_keeps_its_odd_characters() {
    let Some(exchanges) = exchanges() else { return };
    let exchange = exchanges
        .iter()
        .find(|e| e.place == "test_winrs_environment[0]")
        .unwrap();
    let Response::ShellCreated(created) = parse(exchange) else {
        panic!("no shell")
    };
    let environment = created.details.unwrap().environment;
    assert_eq!(environment[0], ("env1".to_owned(), "var1".to_owned()));
    assert_eq!(environment[1], ("1234".to_owned(), "5678".to_owned()));
    assert_eq!(environment[2].1, r#"_-(){}[]<>*+-/\?"!@#$^&|;:i,.`~0"#);
}

#[test]
fn output_is_the_recorded_base64() {
    let Some(exchanges) = exchanges() else { return };
    let mut pieces = 0;
    for exchange in &exchanges {
        let Response::Received(received) = parse(exchange) else {
            continue;
        };
        let mut streams = exchange.response.split("<rsp:Stream ").skip(1);
        for chunk in &received.chunks {
            let stream = streams.next().unwrap();
            let encoded = between(stream, ">", "<").unwrap_or_default();
            assert_eq!(STANDARD.encode(&chunk.data), encoded, "{}", exchange.place);
            assert_eq!(Some(chunk.name.word()), between(stream, "Name=\"", "\""));
            assert_eq!(
                chunk.command_id.as_ref().map(CommandId::as_str),
                between(stream, "CommandId=\"", "\"")
            );
            assert_eq!(
                chunk.end,
                stream.split('>').next().unwrap().contains("End=\"true\"")
            );
            pieces += 1;
        }
        assert!(streams.next().is_none());
        let state = received.states.last().unwrap();
        let recorded = between(&exchange.response, "CommandState/", "\"").unwrap();
        assert_eq!(state.state.uri().rsplit('/').next(), Some(recorded));
        let code = between(&exchange.response, "<rsp:ExitCode>", "<").map(|code| code.parse().unwrap());
        assert_eq!(state.exit_code, code);
        assert_eq!(
            received.done(state.command_id.as_ref().unwrap()),
            (state.state == State::Done).then_some(code)
        );
    }
    assert!(pieces > 20, "{pieces}");
}

/// What people who look at the recordings see: the whole output of each conversation, and how it ended.
#[test]
fn conversations_tell_their_story() {
    let Some(exchanges) = exchanges() else { return };
    let mut stdout: BTreeMap<String, String> = BTreeMap::new();
    let mut ended: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for exchange in &exchanges {
        let name = exchange.place.split('[').next().unwrap().to_owned();
        match parse(exchange) {
            Response::Received(received) => {
                for chunk in received
                    .chunks
                    .iter()
                    .filter(|chunk| chunk.name == StreamName::Stdout)
                {
                    stdout
                        .entry(name.clone())
                        .or_default()
                        .push_str(std::str::from_utf8(&chunk.data).unwrap());
                }
                let codes = received.states.iter().filter_map(|state| state.exit_code);
                ended
                    .entry(name)
                    .or_default()
                    .extend(codes.map(|code| format!("exit {code}")));
            }
            Response::Fault(fault) => {
                let subcode = fault.subcode.clone().unwrap_or_default();
                ended
                    .entry(name)
                    .or_default()
                    .push(format!("{subcode} {}", fault.error_code().unwrap()));
            }
            _ => {}
        }
    }
    assert_eq!(stdout["test_winrs_standard"], "hi\r\n");
    assert_eq!(stdout["test_winrs_send"], "output 1\noutput 2\n");
    assert_eq!(stdout["test_winrs_extra_opts"], "C:\\Windows\r\n");
    assert!(stdout["test_winrs_environment"].contains("\r\nenv1=var1\r\n"));
    assert_eq!(ended["test_winrs_standard"], ["exit 0"]);
    assert_eq!(ended["test_winrs_bad_cmd_id"], ["w:InvalidSelectors 2150858843"]);
    let timed_out = format!("w:TimedOut {}", code::TIMED_OUT);
    assert!(
        ended["test_winrs_operation_timeout"].contains(&timed_out),
        "{ended:?}"
    );
    assert_eq!(ended["test_winrs_operation_timeout"].last().unwrap(), "exit 0");
}

#[test]
fn faults_keep_every_detail() {
    let Some(exchanges) = exchanges() else { return };
    let mut faults = 0;
    for exchange in &exchanges {
        let Response::Fault(fault) = parse(exchange) else {
            continue;
        };
        let recorded = |start, end| between(&exchange.response, start, end).map(str::to_owned);
        assert_eq!(
            fault.error_code().map(|code| code.to_string()),
            recorded("Code=\"", "\"")
        );
        assert_eq!(
            fault.wsman.as_ref().unwrap().machine,
            recorded("Machine=\"", "\"")
        );
        assert_eq!(fault.subcode, recorded("<s:Subcode><s:Value>", "<"));
        assert_eq!(
            Some(format!("s:{}", fault.code)),
            recorded("<s:Code><s:Value>", "<")
        );
        assert_eq!(fault.fault_detail, recorded("<w:FaultDetail>", "<"));
        assert_eq!(
            Some(fault.reason.as_str()),
            between(&exchange.response, "<s:Text xml:lang=\"en-US\">", "<")
        );
        faults += 1;
    }
    assert!(faults >= 4, "{faults}");
}

#[test]
fn configurations_tell_the_size_of_an_envelope() {
    let Some(exchanges) = exchanges() else { return };
    for size in [150, 4096] {
        let place = format!("test_wsman_update_envelope_size_{size}[0]");
        let exchange = exchanges.iter().find(|exchange| exchange.place == place).unwrap();
        let Response::Config(config) = parse(exchange) else {
            panic!("no configuration")
        };
        assert_eq!(config.max_envelope_size_kb, Some(size));
        assert_eq!(config.max_timeout_ms, Some(60_000));
    }
}

#[test]
fn a_reply_to_another_request_is_refused() {
    let Some(exchanges) = exchanges() else { return };
    for exchange in &exchanges {
        let error =
            Response::parse(exchange.response.as_bytes(), Some(&MessageId::from("uuid:OTHER"))).unwrap_err();
        assert!(
            matches!(error, wsman::Error::OtherMessage { .. }),
            "{}: {error}",
            exchange.place
        );
    }
}

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
