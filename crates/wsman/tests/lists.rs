//! Lists of shells: what a server writes is what a client reads, in both kinds of reply, and what Windows writes is read.

use std::time::Duration;

use wsman::{
    IncomingBody, IncomingRequest, ListedShell, MessageId, Request, Response, Session, SessionId,
    ShellDetails, ShellId, ShellList, StreamName,
};

fn shell(id: &str) -> ListedShell {
    ListedShell {
        shell_id: ShellId::from(id),
        name: Some("casgate".to_owned()),
        resource_uri: Some("http://schemas.microsoft.com/wbem/wsman/1/windows/shell/cmd".to_owned()),
        state: Some("Connected".to_owned()),
        details: ShellDetails {
            owner: Some(r"CONTOSO\operator".to_owned()),
            client_ip: Some("192.0.2.7".to_owned()),
            idle_time_out: Some(Duration::from_secs(300)),
            input_streams: vec![StreamName::Stdin],
            output_streams: vec![StreamName::Stdout, StreamName::Stderr],
            run_time: Some(Duration::from_secs(75)),
            inactivity: Some(Duration::from_secs(12)),
            ..ShellDetails::default()
        },
    }
}

#[test]
fn what_is_written_is_read() {
    let id = MessageId::from("uuid:1");
    for (is_pulled, context, shells) in [
        (false, None, vec![]),
        (false, None, vec![shell("A"), shell("B")]),
        (false, Some("uuid:C".to_owned()), vec![shell("A")]),
        (true, Some("uuid:C".to_owned()), vec![shell("B")]),
        (true, None, vec![shell("C")]),
    ] {
        let list = Response::Shells(ShellList {
            shells,
            context,
            is_pulled,
        });
        let written = list.write(&MessageId::from("uuid:2"), Some(id.as_str())).unwrap();
        assert_eq!(Response::parse(&written, Some(&id)).unwrap(), list);
    }
}

#[test]
fn requests_are_read_by_a_server() {
    let session = Session {
        to: "http://cas01:5985/wsman".to_owned(),
        session_id: SessionId::from("uuid:S"),
        locale: "en-US".to_owned(),
        max_envelope_size: Session::SAFE_ENVELOPE_SIZE,
        operation_timeout: Duration::from_secs(20),
    };
    let read = |request: &Request| {
        let bytes = request.write(&session, &MessageId::from("uuid:1")).unwrap();
        IncomingRequest::parse(&bytes).unwrap()
    };
    let first = read(&Request::ListShells);
    assert_eq!(first.body, IncomingBody::Enumerate(Some(32_000)));
    assert_eq!(
        first.resource_uri.as_deref(),
        Some("http://schemas.microsoft.com/wbem/wsman/1/windows/shell")
    );
    let more = read(&Request::ListMoreShells {
        context: "uuid:C".to_owned(),
    });
    assert_eq!(
        more.body,
        IncomingBody::Pull(Some("uuid:C".to_owned()), Some(32_000))
    );
}

/// The elements and their order as `Get-WSManInstance shell -Enumerate` shows them of Windows Server 2012 and later.
#[test]
fn a_list_as_windows_writes_it_is_read() {
    let text = r#"<s:Envelope xml:lang="en-US" xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing" xmlns:n="http://schemas.xmlsoap.org/ws/2004/09/enumeration" xmlns:w="http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"><s:Header><a:Action>http://schemas.xmlsoap.org/ws/2004/09/enumeration/EnumerateResponse</a:Action><a:RelatesTo>uuid:1</a:RelatesTo></s:Header><s:Body><n:EnumerateResponse><n:EnumerationContext></n:EnumerationContext><w:Items><rsp:Shell xmlns:rsp="http://schemas.microsoft.com/wbem/wsman/1/windows/shell" xml:lang="en-US"><rsp:ShellId>47131C3A-4B2E-4E6A-8A6B-6A4B3C4A1D11</rsp:ShellId><rsp:Name>WinRM4</rsp:Name><rsp:ResourceUri>http://schemas.microsoft.com/powershell/Microsoft.PowerShell</rsp:ResourceUri><rsp:Owner>CONTOSO\operator</rsp:Owner><rsp:ClientIP>2001:db8::7</rsp:ClientIP><rsp:ProcessId>3124</rsp:ProcessId><rsp:IdleTimeOut>PT7200.000S</rsp:IdleTimeOut><rsp:InputStreams>stdin pr</rsp:InputStreams><rsp:OutputStreams>stdout</rsp:OutputStreams><rsp:State>Disconnected</rsp:State><rsp:ShellRunTime>P0DT1H2M3S</rsp:ShellRunTime><rsp:ShellInactivity>P0DT0H0M4S</rsp:ShellInactivity><rsp:MemoryUsed>57MB</rsp:MemoryUsed></rsp:Shell></w:Items><w:EndOfSequence/></n:EnumerateResponse></s:Body></s:Envelope>"#;
    let Response::Shells(list) = Response::parse(text.as_bytes(), Some(&MessageId::from("uuid:1"))).unwrap()
    else {
        unreachable!("a list")
    };
    assert_eq!(
        (list.context, list.is_pulled, list.shells.len()),
        (None, false, 1)
    );
    let shell = &list.shells[0];
    assert_eq!(shell.shell_id.as_str(), "47131C3A-4B2E-4E6A-8A6B-6A4B3C4A1D11");
    assert_eq!(shell.name.as_deref(), Some("WinRM4"));
    assert_eq!(shell.state.as_deref(), Some("Disconnected"));
    assert_eq!(shell.details.owner.as_deref(), Some(r"CONTOSO\operator"));
    assert_eq!(shell.details.run_time, Some(Duration::from_secs(3723)));
    assert_eq!(shell.details.inactivity, Some(Duration::from_secs(4)));
}
