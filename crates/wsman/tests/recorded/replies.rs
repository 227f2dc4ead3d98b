//! Every recorded reply of a Windows server is read, and says what the recording says.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use wsman::{CommandId, MessageId, Response, State, StreamName, code};

use crate::{Exchange, between, exchanges};

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
        let recorded = |name: &str| {
            let text = exchange.response.split_once("<cfg:Winrs>").unwrap().1;
            between(text, &format!("<cfg:{name}>"), "<").map(|n| n.parse::<u32>().unwrap())
        };
        assert_eq!(config.max_shells_per_user, recorded("MaxShellsPerUser"));
        assert_eq!(config.max_processes_per_shell, recorded("MaxProcessesPerShell"));
        assert_eq!(config.max_memory_per_shell_mb, recorded("MaxMemoryPerShellMB"));
        assert_eq!(config.idle_timeout_ms, recorded("IdleTimeout"));
        assert_eq!(config.allow_remote_shell_access, Some(true));
        assert_eq!(config.max_concurrent_operations_per_user, Some(1500));
        assert!(config.max_connections.is_some() && config.max_shells_per_user.is_some());
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
