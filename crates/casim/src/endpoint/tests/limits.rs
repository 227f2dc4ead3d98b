//! Quotas, faults, what Windows refuses.

use std::time::Duration;

use hyper::StatusCode;
use tokio::net::TcpStream;
use tokio::time::timeout;
use wsman::{Fault, NewShell, Request, Response, ShellId, code};

use super::client::{Client, start};
use crate::endpoint::{EndpointOptions, Limits};
use crate::front_end::tests::eventually;

#[tokio::test]
async fn the_thirty_first_shell_is_one_too_many_until_one_is_deleted() {
    let (_, endpoint) = start(EndpointOptions::default()).await;
    let mut client = Client::open(endpoint.address()).await;
    let mut shells = Vec::new();
    for _ in 0..30 {
        shells.push(client.create().await.unwrap());
    }
    let fault = client.create().await.unwrap_err();
    let detail = fault.wmi.expect("the code is in MSFT_WmiError");
    assert_eq!(detail.code, Some(code::SHELL_QUOTA));
    assert!(detail.message.contains("maximum number of 30 concurrent shells"));
    assert!(fault.wsman.is_none());
    let shell = shells.remove(0);
    client.ask(Request::Delete { shell }).await.unwrap();
    client.create().await.unwrap();
    assert_eq!(endpoint.open_shells(), 30);
}

#[tokio::test]
async fn shells_have_the_name_that_the_client_chose_once() {
    let (_, endpoint) = start(EndpointOptions::default()).await;
    let mut client = Client::open(endpoint.address()).await;
    let shell = NewShell {
        shell_id: Some(ShellId::from("6a3b3c1e-0000-4000-8000-00000000abcd")),
        ..NewShell::plain()
    };
    let id = client.create_as(shell.clone()).await.unwrap();
    assert_eq!(Some(&id), shell.shell_id.as_ref());
    let fault = client.create_as(shell).await.unwrap_err();
    assert_eq!(fault.error_code(), Some(183));
    client.ask(Request::Delete { shell: id.clone() }).await.unwrap();
    let fault = client.ask(Request::Delete { shell: id }).await.unwrap_err();
    assert!(fault.is_gone());
    assert_eq!(fault.wsman.unwrap().machine.as_deref(), Some("127.0.0.1"));
}

#[tokio::test]
async fn a_shell_that_nobody_uses_is_ended() {
    let limits = Limits {
        idle: Duration::from_millis(200),
        ..Limits::default()
    };
    let options = EndpointOptions {
        limits,
        ..EndpointOptions::default()
    };
    let (_, endpoint) = start(options).await;
    let mut client = Client::open(endpoint.address()).await;
    let shell = client.create().await.unwrap();
    eventually("the shell is gone", async || endpoint.open_shells() == 0).await;
    assert!(client.ask(Request::Delete { shell }).await.unwrap_err().is_gone());
    let hasty = NewShell {
        idle_time_out: Some(Duration::from_secs(20)),
        ..NewShell::plain()
    };
    let fault = client.create_as(hasty).await.unwrap_err();
    assert_eq!(fault.error_code(), Some(code::INVALID_PARAMETER));
}

#[tokio::test]
async fn what_windows_refuses_is_a_sealed_fault() {
    let (_, endpoint) = start(EndpointOptions::default()).await;
    let mut client = Client::open(endpoint.address()).await;
    let (good, _) = client.write(&Request::Create(NewShell {
        code_page: Some(65001),
        ..NewShell::plain()
    }));
    let cut = |text: &str, from: &str, to: &str| {
        let start = text.find(from).expect(from);
        let end = text.find(to).expect(to) + to.len();
        (
            text[..start].to_owned() + &text[end..],
            text[start..end].to_owned(),
        )
    };
    let (without_reply_to, _) = cut(&good, "<wsa:ReplyTo>", "</wsa:ReplyTo>");
    let (without_options, options) = cut(&good, "<wsman:OptionSet", "</wsman:OptionSet>");
    let beside_header = without_options.replace("</s:Header>", &format!("</s:Header>{options}"));
    let unknown = good.replace("windows/shell/cmd<", "windows/shell/fish<");
    let strange = good.replace(
        "</s:Header>",
        "<x:Y xmlns:x='urn:x' s:mustUnderstand='true'/></s:Header>",
    );
    let small = good.replace(">153600<", ">4096<");
    let lenient = good.replace("s:mustUnderstand", "mustUnderstand");
    for (message, expected) in [
        (&without_reply_to, "ReplyTo: expected in the header"),
        (&beside_header, "OptionSet: expected in the header"),
        (&unknown, "shell/fish) was not found in the WS-Management catalog"),
        (&strange, "mustUnderstand"),
        (&small, "MaxEnvelopeSize: expected at least 8192, found 4096"),
        (&"<s:Envelope".to_owned(), "XML"),
    ] {
        let answer = client.exchange(message.as_bytes()).await.unwrap();
        assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
        assert!(auth::multipart::is_sealed(&answer.kind), "{}", answer.kind);
        let Ok(Response::Fault(fault)) = Response::parse(&answer.body, None) else {
            panic!("no fault: {expected}")
        };
        assert!(fault.to_string().contains(expected), "{fault}");
    }
    assert_eq!(endpoint.open_shells(), 0);
    let answer = client.exchange(lenient.as_bytes()).await.unwrap();
    assert_eq!(answer.status, StatusCode::OK);
}

#[tokio::test]
async fn the_configuration_tells_the_largest_envelope() {
    let (_, endpoint) = start(EndpointOptions::default()).await;
    let mut client = Client::open(endpoint.address()).await;
    let Ok(Response::Config(config)) = client.ask(Request::GetConfig).await else {
        panic!("no configuration")
    };
    assert_eq!(
        (config.max_envelope_size_kb, config.max_timeout_ms),
        (Some(500), Some(60_000))
    );
}

#[tokio::test]
async fn while_winrm_is_down_nothing_connects_and_open_connections_break() {
    let (machine, endpoint) = start(EndpointOptions::default()).await;
    let mut client = Client::open(endpoint.address()).await;
    machine.faults().winrm_down.set(true);
    eventually("the connection is broken", async || {
        let (message, _) = client.write(&Request::Identify);
        client.exchange(message.as_bytes()).await.is_none()
    })
    .await;
    eventually("new ones are refused", async || {
        TcpStream::connect(endpoint.address()).await.is_err()
    })
    .await;
    machine.faults().winrm_down.set(false);
    eventually("it is back", async || {
        TcpStream::connect(endpoint.address()).await.is_ok()
    })
    .await;
    Client::open(endpoint.address()).await.create().await.unwrap();
}

#[tokio::test]
async fn while_winrm_is_silent_it_accepts_and_says_nothing() {
    let (machine, endpoint) = start(EndpointOptions::default()).await;
    let mut before = Client::open(endpoint.address()).await;
    machine.faults().winrm_silent.set(true);
    let silence = Duration::from_millis(300);
    let (message, _) = before.write(&Request::Identify);
    let mut fresh = Client::connect(endpoint.address()).await.unwrap();
    let wait = timeout(silence, fresh.post("/wsman", &[], Vec::new()));
    assert!(wait.await.is_err(), "a new connection was answered");
    assert!(
        timeout(silence, before.exchange(message.as_bytes()))
            .await
            .is_err(),
        "an open connection was answered"
    );
    machine.faults().winrm_silent.set(false);
    Client::open(endpoint.address()).await.create().await.unwrap();
}

/// A fault of the service has the server's name in it.
#[tokio::test]
async fn an_unknown_shell_is_no_valid_selector() {
    let (_, endpoint) = start(EndpointOptions::default()).await;
    let mut client = Client::open(endpoint.address()).await;
    let shell = ShellId::from("11111111-2222-3333-4444-555555555555");
    let Fault {
        subcode,
        wsman,
        reason,
        ..
    } = client.ask(Request::Delete { shell }).await.unwrap_err();
    assert_eq!(subcode.as_deref(), Some("w:InvalidSelectors"));
    assert_eq!(wsman.unwrap().code, Some(2_150_858_843));
    assert!(reason.contains("11111111-2222-3333-4444-555555555555"));
}

/// `Enumerate` and `Pull` tell the shells that there are, in parts that fit the client's envelope.
#[tokio::test]
async fn shells_are_listed_as_they_are() {
    let (_, endpoint) = start(EndpointOptions::default()).await;
    let mut client = Client::open(endpoint.address()).await;
    let list = |response: Result<Response, Fault>| match response {
        Ok(Response::Shells(list)) => list,
        other => panic!("{other:?}"),
    };
    let none = list(client.ask(Request::ListShells).await);
    assert_eq!((none.shells.len(), none.context), (0, None));
    let mut made = Vec::new();
    for number in 0..7 {
        let shell = NewShell {
            name: Some(format!("shell {number}")),
            idle_time_out: Some(Duration::from_secs(300)),
            ..NewShell::plain()
        };
        made.push(client.create_as(shell).await.unwrap());
    }
    let whole = list(client.ask(Request::ListShells).await);
    assert_eq!((whole.shells.len(), whole.context.as_ref()), (7, None));
    let first = whole
        .shells
        .iter()
        .find(|shell| shell.shell_id == made[0])
        .unwrap();
    assert_eq!(first.name.as_deref(), Some("shell 0"));
    assert_eq!(first.details.owner.as_deref(), Some(r"CONTOSO\operator"));
    assert_eq!(first.details.client_ip.as_deref(), Some("127.0.0.1"));
    assert_eq!(first.details.idle_time_out, Some(Duration::from_secs(300)));

    client.set_envelope_size(8192);
    let mut part = list(client.ask(Request::ListShells).await);
    let mut seen: Vec<ShellId> = Vec::new();
    let mut parts = 1;
    loop {
        seen.extend(part.shells.iter().map(|shell| shell.shell_id.clone()));
        let Some(context) = part.context else { break };
        part = list(client.ask(Request::ListMoreShells { context }).await);
        parts += 1;
    }
    seen.sort();
    made.sort();
    assert_eq!(seen, made);
    assert!(parts > 1, "one reply of 8 KiB held all");
    let context = "uuid:11111111-2222-3333-4444-555555555555".to_owned();
    let fault = client.ask(Request::ListMoreShells { context }).await.unwrap_err();
    assert_eq!(fault.error_code(), Some(code::INVALID_PARAMETER));
}
