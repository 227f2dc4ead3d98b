//! The client against a server that says exactly what a test wants, in clear: Basic over http, on loopback.
//!
//! What a real endpoint does is the business of the oracle's tests and of the simulator; here are the replies that neither gives.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use command::{CommandLine, Output};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use winrm::{AuthMethod, Endpoint, Error, Shell, Timeouts, TlsPolicy};
use wsman::{
    CommandId, CommandState, Fault, IncomingBody, IncomingRequest, MessageId, Received, Response,
    ShellCreated, ShellId, State, StreamChunk, StreamName, namespace,
};

mod certificates;
mod http;
#[path = "../support/tls.rs"]
mod identity;
#[path = "../support/proxy.rs"]
mod proxy;
mod refusals;
mod replies;
mod requests;
mod transfers;
mod waits;

/// What the server does with a request.
enum Answer {
    /// Replies, with 500 for a fault.
    Say(Response),
    /// Replies and then closes the connection.
    SayAndClose(Response),
    /// Reads the request and closes the connection.
    Close,
    /// Sends these bytes and keeps the connection open.
    Raw(Vec<u8>),
    /// Reads the request and says nothing.
    Nothing,
}

/// Decides on each request: the request, and how many of the same kind came before.
type Script = Box<dyn Fn(&IncomingRequest, usize) -> Option<Answer> + Send + Sync>;

struct Server {
    port: u16,
    /// Every request, by its action, with a `|` where a new connection began.
    seen: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Starts it. What the script leaves to it is answered as a plain server would: each command prints `ok` and exits with 0.
    async fn start(
        script: impl Fn(&IncomingRequest, usize) -> Option<Answer> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let script: Arc<Script> = Arc::new(Box::new(script));
        let heard = Arc::clone(&seen);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                heard.lock().unwrap().push("|".to_owned());
                tokio::spawn(serve(stream, Arc::clone(&script), Arc::clone(&heard)));
            }
        });
        Self { port, seen }
    }

    fn endpoint(&self) -> Endpoint {
        Endpoint {
            url: format!("http://127.0.0.1:{}/wsman", self.port).parse().unwrap(),
            auth: AuthMethod::Basic,
            credentials: auth::Credentials::new("operator", auth::Secret::from("secret")),
            tls: TlsPolicy::default(),
            kerberos: winrm::KerberosPolicy::default(),
            allow_unencrypted: true,
            proxy: None,
            timeouts: Timeouts {
                connect: Duration::from_secs(5),
                login: Duration::from_millis(500),
                operation: Duration::from_secs(20),
            },
            locale: "en-US".to_owned(),
        }
    }

    async fn shell(&self) -> Result<Shell, Error> {
        Shell::open(Arc::new(self.endpoint())).await
    }

    /// Runs `do it` in a shell of its own.
    async fn run(&self) -> Result<Output, Error> {
        let mut shell = self.shell().await?;
        let output = shell
            .execute(&line(), None, Duration::from_secs(30), &mut |_, _| {})
            .await;
        shell.close().await?;
        output
    }

    fn seen(&self) -> String {
        self.seen.lock().unwrap().join(" ")
    }
}

fn line() -> CommandLine {
    CommandLine::raw("do it").unwrap()
}

async fn serve(mut stream: TcpStream, script: Arc<Script>, seen: Arc<Mutex<Vec<String>>>) {
    while let Some(body) = read_request(&mut stream).await {
        let request = IncomingRequest::parse(&body).unwrap();
        let word = request.action.word().to_owned();
        let before = {
            let mut seen = seen.lock().unwrap();
            let before = seen.iter().filter(|other| **other == word).count();
            seen.push(word);
            before
        };
        let answer = script(&request, before).unwrap_or_else(|| Answer::Say(usual(&request)));
        let (response, close) = match answer {
            Answer::Say(response) => (response, false),
            Answer::SayAndClose(response) => (response, true),
            Answer::Close => return,
            Answer::Nothing => std::future::pending().await,
            Answer::Raw(bytes) => {
                let _ = stream.write_all(&bytes).await;
                continue;
            }
        };
        let status = if matches!(response, Response::Fault(_)) {
            "500 Internal Server Error"
        } else {
            "200 OK"
        };
        let body = response
            .write(&MessageId::from("uuid:REPLY"), request.message_id.as_deref())
            .unwrap();
        let head = format!(
            "HTTP/1.1 {status}\r\nContent-Type: application/soap+xml;charset=UTF-8\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        stream
            .write_all(&[head.as_bytes(), &body].concat())
            .await
            .unwrap();
        if close {
            return;
        }
    }
}

/// Reads one request; `None` at the end of the connection.
async fn read_request(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
    assert!(head.starts_with("post /wsman http/1.1\r\n"), "{head}");
    let length = head
        .split("content-length: ")
        .nth(1)
        .and_then(|rest| rest.split("\r\n").next())
        .unwrap();
    let mut body = vec![0; length.parse().unwrap()];
    stream.read_exact(&mut body).await.unwrap();
    Some(body)
}

fn usual(request: &IncomingRequest) -> Response {
    match &request.body {
        IncomingBody::Identify => Response::Identity(wsman::Identity::default()),
        IncomingBody::Create(new) => Response::ShellCreated(ShellCreated {
            shell_id: new.shell_id.clone().unwrap_or_else(|| ShellId::from("S")),
            resource_uri: Some(namespace::CMD_RESOURCE.to_owned()),
            details: None,
        }),
        IncomingBody::Command(command) => Response::CommandStarted {
            command_id: command.command_id.clone(),
        },
        IncomingBody::Receive(receive) => received(receive.command_id.as_ref(), b"ok", State::Done, Some(0)),
        IncomingBody::Send(_) => Response::Sent,
        IncomingBody::Signal(_) => Response::Signalled,
        IncomingBody::Delete => Response::Deleted,
        IncomingBody::Get | IncomingBody::Enumerate(_) | IncomingBody::Pull(..) | IncomingBody::Other(_) => {
            Response::Fault(Box::new(Fault::bad_request("not here")))
        }
    }
}

fn received(id: Option<&CommandId>, data: &[u8], state: State, exit_code: Option<u32>) -> Response {
    Response::Received(Received {
        chunks: vec![StreamChunk {
            name: StreamName::Stdout,
            command_id: id.cloned(),
            data: data.to_vec(),
            end: false,
        }],
        states: vec![CommandState {
            command_id: id.cloned(),
            state,
            exit_code,
        }],
    })
}

fn fault(fault: Fault) -> Option<Answer> {
    Some(Answer::Say(Response::Fault(Box::new(fault))))
}
