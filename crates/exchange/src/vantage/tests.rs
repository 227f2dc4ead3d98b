use std::time::Duration;

use command::{Output, powershell, quote};
use iis::ip_security::DenyAction;

use super::*;
use crate::{Access, classify_by};

const REQUEST: Request<'_> = Request {
    address: "cas01.contoso.example",
    port: 443,
    server: "mail.contoso.example",
    path: "/Microsoft-Server-ActiveSync/",
    limit: Duration::from_secs(10),
};

fn said(exit_code: u32, stdout: &str) -> Result<Sighting, Error> {
    look(&REQUEST).unwrap().parse(&Output {
        exit_code,
        stdout: stdout.into(),
        stderr: Vec::new(),
    })
}

fn no_answer_of(stdout: &str) -> NoAnswer {
    said(0, stdout).unwrap().seen.unwrap_err()
}

#[test]
fn the_line_carries_what_is_asked_for_as_literals() {
    let request = Request {
        path: "/owa/?a='$(calc)'",
        ..REQUEST
    };
    let line = look(&request).unwrap();
    let words = quote::split(line.line().as_str());
    let script = powershell::decode(words.last().unwrap()).unwrap();
    let set = script.strip_suffix(SCRIPT).unwrap();
    assert_eq!(
        set,
        "$address='cas01.contoso.example'\n$port=443\n$server='mail.contoso.example'\n$path='/owa/?a=''$(calc)'''\n$limit=10000\n"
    );
}

#[test]
fn what_powershell_would_take_for_a_quotation_mark_is_refused() {
    for path in ["/a\u{2019}b", "/a b", "/a\nb", "/ü"] {
        let refused = look(&Request { path, ..REQUEST });
        assert!(matches!(refused, Err(Error::CommandLine { .. })), "{path:?}");
    }
    let path = format!("/{}", "x".repeat(3000));
    let refused = look(&Request {
        path: &path,
        ..REQUEST
    });
    assert!(matches!(refused, Err(Error::CommandLine { .. })));
}

#[test]
fn an_answer_tells_who_was_let_in() {
    let seen = said(
        0,
        "status 401\r\nheader Server\r\nheader WWW-Authenticate\r\nheader X-FEServer\r\ntook 41\r\n",
    )
    .unwrap();
    assert_eq!(seen.took, Duration::from_millis(41));
    let answer = seen.seen.unwrap();
    let headers = answer.headers.iter().map(|name| (name.as_str(), ""));
    assert_eq!(
        classify_by(DenyAction::Forbidden, answer.status, headers),
        Access::Allowed
    );
    let bare = said(0, "status 403\r\ntook 3\r\n").unwrap().seen.unwrap();
    assert_eq!((bare.status, bare.headers.len()), (403, 0));
}

#[test]
fn the_lack_of_an_answer_tells_how_far_it_got() {
    let refused = no_answer_of("failed connect System.Net.Sockets.SocketException 10061\r\ntook 2\r\n");
    assert_eq!((refused.stage, refused.code), (Stage::Connect, Some(10061)));
    assert!(!refused.is_dropped() && !refused.is_timeout());
    // An exception without a number leaves a space at the end.
    let untrusted =
        no_answer_of("failed tls System.Security.Authentication.AuthenticationException \r\ntook 9\r\n");
    assert_eq!((untrusted.stage, untrusted.code), (Stage::Tls, None));
    for dropped in [
        "System.IO.EndOfStreamException ",
        "System.Net.Sockets.SocketException 10054",
    ] {
        let dropped = no_answer_of(&format!("failed answer {dropped}\r\ntook 2\r\n"));
        assert!(dropped.is_dropped(), "{dropped:?}");
    }
    for late in [
        "connect System.TimeoutException ",
        "answer System.Net.Sockets.SocketException 10060",
    ] {
        assert!(no_answer_of(&format!("failed {late}\r\ntook 10000\r\n")).is_timeout());
    }
    let cut = no_answer_of(
        "status 403\r\nheader Server\r\nfailed headers System.Net.Sockets.SocketException 10054\r\ntook 2\r\n",
    );
    assert_eq!((cut.stage, cut.is_dropped()), (Stage::Headers, false));
}

#[test]
fn a_vantage_that_says_something_else_saw_nothing() {
    for text in [
        "",
        "status 401\r\n",
        "took 3\r\n",
        "status OK\r\ntook 3\r\n",
        "failed somewhere X 1\r\ntook 3\r\n",
        "Die Benennung wurde nicht erkannt.\r\n",
    ] {
        assert!(matches!(said(0, text), Err(Error::Unreadable { .. })), "{text:?}");
    }
    assert!(matches!(
        said(1, "status 401\r\ntook 3\r\n"),
        Err(Error::Failed { exit_code: 1, .. })
    ));
}
