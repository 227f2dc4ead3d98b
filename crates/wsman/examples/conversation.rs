//! Both sides of a conversation, without a network: a client writes, a server reads and answers, the client reads the answer.
//!
//! ```text
//! cargo run -p wsman --example conversation
//! ```

#![expect(clippy::print_stdout, reason = "an example talks to a person")]

use std::error::Error;
use std::time::Duration;

use uuid::Uuid;
use wsman::{
    Fault, IncomingBody, IncomingRequest, MessageId, NewShell, Request, Response, Session, SessionId,
    ShellCreated, ShellId,
};

fn main() -> Result<(), Box<dyn Error>> {
    let session = Session {
        to: "http://server.example:5985/wsman".to_owned(),
        session_id: SessionId::new(Uuid::new_v4()),
        locale: "en-US".to_owned(),
        max_envelope_size: Session::SAFE_ENVELOPE_SIZE,
        operation_timeout: Duration::from_secs(20),
    };
    let create = Request::Create(NewShell {
        shell_id: Some(ShellId::new(Uuid::new_v4())),
        code_page: Some(65001),
        ..NewShell::plain()
    });
    for request in [create, Request::ListShells] {
        let id = MessageId::new(Uuid::new_v4());
        let message = request.write(&session, &id)?;
        println!("> {}", String::from_utf8_lossy(&message));
        let reply = serve(&message)?;
        println!("< {}", String::from_utf8_lossy(&reply));
        match Response::parse(&reply, Some(&id))? {
            Response::ShellCreated(shell) => println!("the shell is {}\n", shell.shell_id),
            Response::Fault(fault) => println!("refused: {fault}\n"),
            other => println!("{}\n", other.word()),
        }
    }
    Ok(())
}

/// A server that makes every shell and does nothing else.
fn serve(message: &[u8]) -> Result<Vec<u8>, wsman::Error> {
    let id = MessageId::new(Uuid::new_v4());
    let request = match IncomingRequest::parse(message) {
        Ok(request) => request,
        Err(refused) => {
            return Response::Fault(Box::new(refused.fault)).write(&id, refused.relates_to.as_deref());
        }
    };
    let response = match request.body {
        IncomingBody::Create(new) => Response::ShellCreated(ShellCreated {
            shell_id: new.shell_id.unwrap_or_else(|| ShellId::new(Uuid::new_v4())),
            resource_uri: request.resource_uri,
            details: None,
        }),
        _ => Response::Fault(Box::new(Fault::bad_request("only Create is done here"))),
    };
    response.write(&id, request.message_id.as_deref())
}
