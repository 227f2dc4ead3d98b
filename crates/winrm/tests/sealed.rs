//! The client against a server that logs it in with NTLM, unseals what it is sent, and then answers as a test wants.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::sync::{Arc, Mutex};

use auth::{Acceptor, AcceptorOptions, FileTime, NtHash, Secret, Session, multipart};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use winrm::{AuthMethod, Connection, Endpoint, Error, ErrorKind, Timeouts, TlsPolicy};
use wsman::{Fault, Identity, IncomingRequest, MessageId, Response};

const PASSWORD: &str = "Opera+Pass1!";

/// What becomes of the reply to a message.
#[derive(Clone, Copy, Debug)]
enum Reply {
    Sealed,
    /// A sealed fault with status 500.
    Fault,
    /// As OMI does: the fault in clear.
    FaultInClear,
    InClear,
    /// One bit is another.
    Altered,
    /// The one before comes again.
    Repeated,
    /// The connection ends in the middle.
    Cut,
    /// A status, and nothing else.
    Status(u16),
}

struct Server {
    port: u16,
    /// The head of each request, with the number of bytes behind it; `|` where a connection began.
    heads: Arc<Mutex<Vec<(String, usize)>>>,
}

impl Server {
    /// The first message gets the first of the replies, and so on; the last one is for the rest.
    async fn start(replies: &'static [Reply]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self {
            port: listener.local_addr().unwrap().port(),
            heads: Arc::default(),
        };
        let heads = Arc::clone(&server.heads);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                heads.lock().unwrap().push(("|".to_owned(), 0));
                tokio::spawn(serve(stream, replies, Arc::clone(&heads)));
            }
        });
        server
    }

    async fn connection(&self, auth: AuthMethod) -> Connection {
        let endpoint = Endpoint {
            url: format!("http://127.0.0.1:{}/wsman", self.port).parse().unwrap(),
            auth,
            credentials: auth::Credentials::new(r"CONTOSO\operator", Secret::from(PASSWORD)),
            tls: TlsPolicy::default(),
            allow_unencrypted: false,
            proxy: None,
            kerberos: winrm::KerberosPolicy::default(),
            timeouts: Timeouts::default(),
            locale: "en-US".to_owned(),
        };
        Connection::open(&endpoint).await.unwrap()
    }

    /// What `Identify` leads to. Whatever it was, the connection is not used again, and nothing went in clear.
    async fn failure(replies: &'static [Reply]) -> Error {
        let server = Self::start(replies).await;
        let mut connection = server.connection(AuthMethod::Ntlm).await;
        for _ in 1..replies.len() {
            connection.identify().await.unwrap();
        }
        let error = connection.identify().await.unwrap_err();
        assert!(!connection.is_open(), "{error}");
        let requests = server.heads().len();
        assert!(matches!(
            connection.identify().await,
            Err(Error::ConnectionLost { .. })
        ));
        assert_eq!(server.heads().len(), requests);
        server.expect_nothing_in_clear();
        error
    }

    fn heads(&self) -> Vec<(String, usize)> {
        self.heads.lock().unwrap().clone()
    }

    fn expect_nothing_in_clear(&self) {
        for (head, length) in self.heads() {
            let sealed = multipart::is_sealed(header(&head, "content-type").unwrap_or_default());
            assert_eq!(sealed, length > 0, "{head}");
        }
    }
}

/// The value of a header.
fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines()
        .filter_map(|line| line.split_once(": "))
        .find_map(|(key, value)| key.eq_ignore_ascii_case(name).then_some(value))
}

async fn serve(mut stream: TcpStream, replies: &[Reply], heads: Arc<Mutex<Vec<(String, usize)>>>) {
    let hash = NtHash::of_password(&Secret::from(PASSWORD));
    #[expect(clippy::disallowed_methods, reason = "a server has a clock")]
    let now = FileTime::from(std::time::SystemTime::now());
    let mut acceptor = Some(Acceptor::new(
        AcceptorOptions::named("CONTOSO", "SERVER"),
        move |_: &str, user: &str| (user == "operator").then(|| hash.clone()),
        &mut rand::rngs::OsRng,
        now,
    ));
    let mut session: Option<Session> = None;
    let (mut messages, mut last) = (0, Vec::new());
    while let Some((head, body)) = read(&mut stream).await {
        heads.lock().unwrap().push((head.clone(), body.len()));
        if let Some(token) = header(&head, "authorization") {
            let token = STANDARD
                .decode(token.strip_prefix("Negotiate ").unwrap())
                .unwrap();
            let step = acceptor.as_mut().unwrap().step(&token).unwrap();
            let status = if step.done { 200 } else { 401 };
            if step.done {
                session = Some(acceptor.take().unwrap().into_session().unwrap());
            }
            let token = format!("WWW-Authenticate: Negotiate {}\r\n", STANDARD.encode(&step.token));
            send(&mut stream, status, &token, b"").await;
            continue;
        }
        let session = session.as_mut().unwrap();
        let kind = header(&head, "content-type").unwrap_or_default();
        let message = session.unseal_body(kind, &body).unwrap();
        let request = IncomingRequest::parse(&message).unwrap();
        let reply = replies[messages.min(replies.len() - 1)];
        messages += 1;
        let write = |response: Response| {
            response
                .write(&MessageId::from("uuid:REPLY"), request.message_id.as_deref())
                .unwrap()
        };
        let good = || write(Response::Identity(Identity::default()));
        let fault = || {
            write(Response::Fault(Box::new(Fault::new(
                5,
                "w:AccessDenied",
                "Access is denied.",
            ))))
        };
        let soap = "Content-Type: application/soap+xml;charset=UTF-8\r\n";
        let sealed = "Content-Type: multipart/encrypted;protocol=\"application/HTTP-SPNEGO-session-encrypted\";\
                      boundary=\"Encrypted Boundary\"\r\n";
        match reply {
            Reply::Sealed => {
                last = session.seal_body(&good()).unwrap().1;
                send(&mut stream, 200, sealed, &last).await;
            }
            Reply::Fault => {
                let body = session.seal_body(&fault()).unwrap().1;
                send(&mut stream, 500, sealed, &body).await;
            }
            Reply::FaultInClear => send(&mut stream, 500, soap, &fault()).await,
            Reply::InClear => send(&mut stream, 200, soap, &good()).await,
            Reply::Altered => {
                let mut body = session.seal_body(&good()).unwrap().1;
                let place = body.len() - 40;
                body[place] ^= 1;
                send(&mut stream, 200, sealed, &body).await;
            }
            Reply::Repeated => send(&mut stream, 200, sealed, &last).await,
            Reply::Cut => {
                let body = session.seal_body(&good()).unwrap().1;
                let head = format!(
                    "HTTP/1.1 200 OK\r\n{sealed}Content-Length: {}\r\n\r\n",
                    body.len()
                );
                let half = [head.as_bytes(), &body[..body.len() / 2]].concat();
                stream.write_all(&half).await.unwrap();
                return;
            }
            Reply::Status(status) => send(&mut stream, status, "", b"").await,
        }
    }
}

async fn send(stream: &mut TcpStream, status: u16, headers: &str, body: &[u8]) {
    let head = format!(
        "HTTP/1.1 {status} Words\r\n{headers}Content-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(&[head.as_bytes(), body].concat()).await.unwrap();
}

/// One request; `None` at the end of the connection.
async fn read(stream: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).unwrap();
    let mut body = vec![0; header(&head, "content-length").unwrap().parse().unwrap()];
    stream.read_exact(&mut body).await.unwrap();
    Some((head, body))
}

/// Empty requests with tokens, then sealed ones without, all on one connection.
#[tokio::test]
async fn tokens_come_alone_and_messages_without_tokens() {
    for (auth, logins) in [(AuthMethod::Ntlm, 2), (AuthMethod::Negotiate, 2)] {
        let server = Server::start(&[Reply::Sealed]).await;
        let mut connection = server.connection(auth).await;
        for _ in 0..3 {
            connection.identify().await.unwrap();
        }
        let heads = server.heads();
        assert_eq!((heads[0].0.as_str(), heads.len()), ("|", 1 + logins + 3));
        for (head, length) in &heads[1..=logins] {
            assert!(
                header(head, "authorization").unwrap().starts_with("Negotiate "),
                "{head}"
            );
            assert_eq!((*length, header(head, "content-type")), (0, None), "{head}");
        }
        for (head, length) in &heads[1 + logins..] {
            assert!(*length > 0 && header(head, "authorization").is_none(), "{head}");
            assert_eq!(
                header(head, "content-type"),
                Some(
                    "multipart/encrypted;protocol=\"application/HTTP-SPNEGO-session-encrypted\";boundary=\"Encrypted Boundary\""
                )
            );
        }
        for (head, _) in &heads[1..] {
            assert!(head.starts_with("POST /wsman HTTP/1.1\r\n"), "{head}");
            assert_eq!(header(head, "accept-encoding"), Some("identity"), "{head}");
        }
    }
}

#[tokio::test]
async fn a_sealed_fault_is_the_servers_word() {
    let server = Server::start(&[Reply::Fault, Reply::Sealed]).await;
    let mut connection = server.connection(AuthMethod::Ntlm).await;
    let error = connection.identify().await.unwrap_err();
    assert!(
        matches!(&error, Error::Fault { fault, .. } if fault.is_access_denied()),
        "{error}"
    );
    // The connection is as good as before.
    connection.identify().await.unwrap();
}

/// OMI answers faults in clear. Anybody on the way can say such a thing, so it is told and not acted upon.
#[tokio::test]
async fn a_fault_in_clear_is_hearsay() {
    let error = Server::failure(&[Reply::FaultInClear]).await;
    assert!(
        matches!(error, Error::HttpStatus { status: 500, .. }),
        "{error:?}"
    );
    assert_eq!(error.kind(), ErrorKind::Protocol);
    assert!(
        error
            .to_string()
            .ends_with("found HTTP status 500 (in clear: fault 5 (w:AccessDenied): Access is denied.)"),
        "{error}"
    );
}

#[tokio::test]
async fn a_success_in_clear_is_refused() {
    for replies in [&[Reply::InClear][..], &[Reply::Sealed, Reply::InClear]] {
        let error = Server::failure(replies).await;
        assert!(matches!(error, Error::ClearReply { status: 200, .. }), "{error}");
        assert!(error.hint().unwrap().contains("nothing was sent in clear"));
    }
}

#[tokio::test]
async fn a_reply_that_is_altered_or_repeated_ends_the_connection() {
    let error = Server::failure(&[Reply::Altered]).await;
    assert!(
        matches!(
            error,
            Error::Unsealed {
                source: auth::Error::Tampered { .. },
                ..
            }
        ),
        "{error:?}"
    );
    let error = Server::failure(&[Reply::Sealed, Reply::Repeated]).await;
    assert!(
        matches!(
            error,
            Error::Unsealed {
                source: auth::Error::OutOfOrder {
                    expected: 1,
                    found: 0
                },
                ..
            }
        ),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_reply_that_is_cut_short_ends_the_connection() {
    let error = Server::failure(&[Reply::Sealed, Reply::Cut]).await;
    assert!(
        matches!(error, Error::ConnectionLost { step: "Identify", .. }),
        "{error:?}"
    );
}

/// Whatever the refusal, what was sealed is not sent again in clear.
#[tokio::test]
async fn no_refusal_makes_the_client_speak_in_clear() {
    for replies in [
        &[Reply::Status(400)][..],
        &[Reply::Status(401)],
        &[Reply::Status(411)],
        &[Reply::Status(415)],
        &[Reply::Status(500)],
        &[Reply::Status(503)],
    ] {
        let error = Server::failure(replies).await;
        let refused = matches!(error, Error::HttpStatus { .. } | Error::LoginRefused { .. });
        assert!(refused, "{error}");
    }
}
