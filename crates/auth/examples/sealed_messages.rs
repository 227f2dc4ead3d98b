//! A login with SPNEGO around NTLM, both sides in one process, and a sealed message each way.
//!
//! ```text
//! cargo run -p auth --example sealed_messages
//! ```

#![expect(clippy::print_stdout, reason = "an example talks to a person")]

use auth::{Acceptor, AcceptorOptions, Credentials, Error, FileTime, Initiator, NtHash, Scheme, Secret};
use rand::SeedableRng;
use rand::rngs::StdRng;

fn main() -> Result<(), Error> {
    // A program takes the real time and real chance; both are arguments so that every login can be played again.
    let now = FileTime::from_unix_nanoseconds(1_700_000_000_000_000_000);
    let mut chance = StdRng::seed_from_u64(1);
    let operator = Credentials::new(r"CONTOSO\operator", Secret::from("a pass phrase"));
    let known = NtHash::of_password(&operator.password);
    let accounts = move |domain: &str, user: &str| {
        (domain == "CONTOSO" && user.eq_ignore_ascii_case("operator")).then(|| known.clone())
    };
    let mut client = Initiator::new(
        Scheme::Negotiate,
        &operator,
        "HTTP/server",
        None,
        &mut chance,
        now,
    );
    let mut server = Acceptor::new(
        AcceptorOptions::named("CONTOSO", "SERVER"),
        accounts,
        &mut chance,
        now,
    );

    let mut step = client.step(None)?;
    loop {
        println!("client: {} bytes", step.token.len());
        let reply = server.step(&step.token)?;
        println!("server: {} bytes", reply.token.len());
        if reply.done && step.done {
            break;
        }
        step = client.step(Some(&reply.token))?;
        if reply.done {
            break;
        }
    }
    println!("logged in as {}", server.principal().unwrap_or("nobody"));

    let (mut client, mut server) = (client.into_session()?, server.into_session()?);
    let (content_type, body) = client.seal_body(b"<s:Envelope/>")?;
    println!("{content_type}\n{} sealed bytes", body.len());
    let message = server.unseal_body(&content_type, &body)?;
    println!("the server reads {}", String::from_utf8_lossy(&message));
    Ok(())
}
