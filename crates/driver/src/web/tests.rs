//! Against an HTTPS stand-in on loopback.

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::testing::{FrontEnd, HOST, Reply};

const LIMIT: Duration = Duration::from_secs(5);

fn options<'a>(front_end: &'a FrontEnd, from: Origin<'a>) -> FrontOptions<'a> {
    FrontOptions {
        address: "127.0.0.1",
        port: front_end.port,
        host: HOST,
        authority: Some(front_end.ca.as_bytes()),
        from,
        connect: LIMIT,
    }
}

fn page(text: &str) -> Reply {
    (200, "x-feserver: CAS01\r\n", text.to_owned())
}

#[tokio::test]
async fn a_server_is_asked_by_its_address_in_the_name_of_the_clients() {
    let front_end = FrontEnd::start(|_| page("200 OK<br/>CAS01")).await;
    let front = Front::new(options(&front_end, Origin::Anywhere)).await.unwrap();
    let page = front.get("/owa/healthcheck.htm", LIMIT).await.unwrap();
    assert_eq!((page.status, page.body.as_str()), (200, "200 OK<br/>CAS01"));
    assert_eq!(page.headers["x-feserver"], "CAS01");
    assert_eq!(page.first_line(), "200: 200 OK<br/>CAS01");
    let asked = &front_end.asked()[0];
    assert_eq!(
        (asked.path.as_str(), asked.host.as_str()),
        ("/owa/healthcheck.htm", HOST)
    );
}

#[tokio::test]
async fn a_vantage_is_where_the_request_comes_from() {
    let front_end = FrontEnd::start(|asked| page(&asked.from.to_string())).await;
    let outside = Origin::Address("127.0.0.66".parse().unwrap());
    let front = Front::new(options(&front_end, outside)).await.unwrap();
    assert_eq!(front.get("/", LIMIT).await.unwrap().body, "127.0.0.66");
}

/// Tunnels one connection, and tells where it was asked to go.
async fn proxy() -> (Url, tokio::task::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let tunnel = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut stream = BufReader::new(stream);
        let mut request = String::new();
        while !request.ends_with("\r\n\r\n") {
            stream.read_line(&mut request).await.unwrap();
        }
        let to = request.split(' ').nth(1).unwrap().to_owned();
        let mut server = TcpStream::connect(&to).await.unwrap();
        stream
            .get_mut()
            .write_all(b"HTTP/1.1 200 x\r\n\r\n")
            .await
            .unwrap();
        let _ = copy_bidirectional(&mut stream, &mut server).await;
        to
    });
    (url.parse().unwrap(), tunnel)
}

#[tokio::test]
async fn through_a_proxy_the_server_is_named_by_its_address_and_its_certificate_by_the_clients_name() {
    let front_end = FrontEnd::start(|_| page("hello")).await;
    let (url, tunnel) = proxy().await;
    let front = Front::new(options(&front_end, Origin::Proxy(&url)))
        .await
        .unwrap();
    assert_eq!(front.get("/", LIMIT).await.unwrap().body, "hello");
    assert_eq!(front_end.asked()[0].host, HOST);
    assert_eq!(tunnel.await.unwrap(), format!("127.0.0.1:{}", front_end.port));
}

#[tokio::test]
async fn a_certificate_for_another_name_or_of_another_authority_is_refused() {
    let front_end = FrontEnd::start(|_| page("hello")).await;
    let other_name = FrontOptions {
        host: "owa.contoso.example",
        ..options(&front_end, Origin::Anywhere)
    };
    let stranger = FrontEnd::start(|_| page("hello")).await;
    let other_authority = FrontOptions {
        authority: Some(stranger.ca.as_bytes()),
        ..options(&front_end, Origin::Anywhere)
    };
    for options in [other_name, other_authority] {
        let front = Front::new(options).await.unwrap();
        let error = front.get("/", LIMIT).await.unwrap_err();
        assert!(matches!(error, WebError::Request { .. }), "{error:?}");
    }
    assert_eq!(front_end.asked(), []);
}

#[tokio::test]
async fn redirects_are_answers() {
    let front_end = FrontEnd::start(|_| (302, "location: /elsewhere\r\n", String::new())).await;
    let front = Front::new(options(&front_end, Origin::Anywhere)).await.unwrap();
    assert_eq!(front.get("/owa/", LIMIT).await.unwrap().status, 302);
    assert_eq!(front_end.asked().len(), 1);
}

#[tokio::test]
async fn silence_is_bounded_and_nobody_there_is_told_apart() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let options = || FrontOptions {
        address: "127.0.0.1",
        port,
        host: HOST,
        authority: None,
        from: Origin::Anywhere,
        connect: LIMIT,
    };
    let front = Front::new(options()).await.unwrap();
    let error = front.get("/", Duration::from_millis(100)).await.unwrap_err();
    assert!(error.is_timeout(), "{error:?}");
    drop(listener);
    let error = front.get("/", LIMIT).await.unwrap_err();
    assert!(error.is_connect(), "{error:?}");
}

#[tokio::test]
async fn only_paths_are_asked_for() {
    let front_end = FrontEnd::start(|_| page("hello")).await;
    let front = Front::new(options(&front_end, Origin::Anywhere)).await.unwrap();
    for path in ["owa/", "//elsewhere.example/", "https://elsewhere.example/"] {
        let error = front.get(path, LIMIT).await.unwrap_err();
        assert!(matches!(error, WebError::Path { .. }), "{path}: {error:?}");
    }
}

#[test]
fn literal_addresses_of_ipv6_stand_in_brackets() {
    assert_eq!(bracketed("2001:db8::1"), "[2001:db8::1]");
    assert_eq!(bracketed("192.0.2.1"), "192.0.2.1");
    assert_eq!(bracketed("cas01.contoso.example"), "cas01.contoso.example");
}
