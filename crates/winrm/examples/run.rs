//! Runs a command line on a Windows server and shows its output as it comes.
//!
//! ```text
//! WINRM_PASSWORD=… cargo run -p winrm --example run -- http://server:5985/wsman 'DOMAIN\user' 'ipconfig /all'
//! ```

#![expect(clippy::print_stderr, reason = "an example talks to a person")]

use std::error::Error;
use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use command::CommandLine;
use winrm::{AuthMethod, Endpoint, Shell, Stream, Timeouts, TlsPolicy};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    let mut words = std::env::args().skip(1);
    let (Some(url), Some(user), Some(line)) = (words.next(), words.next(), words.next()) else {
        eprintln!("usage: run URL USER LINE, with the password in WINRM_PASSWORD");
        return Ok(ExitCode::from(2));
    };
    let endpoint = Arc::new(Endpoint {
        url: url.parse()?,
        auth: AuthMethod::Negotiate,
        credentials: auth::Credentials::new(&user, password()?),
        tls: TlsPolicy::default(),
        kerberos: winrm::KerberosPolicy::default(),
        allow_unencrypted: false,
        proxy: None,
        timeouts: Timeouts::default(),
        locale: "en-US".to_owned(),
    });
    // One certificate library for the whole process.
    let _ = rustls::crypto::ring::default_provider().install_default();

    let line = CommandLine::raw(line)?;
    let mut shell = Shell::open(endpoint).await?;
    let ended = shell
        .execute(&line, None, Duration::from_secs(300), &mut |stream, bytes| {
            let _ = match stream {
                Stream::Stdout => std::io::stdout().write_all(bytes),
                Stream::Stderr => std::io::stderr().write_all(bytes),
            };
        })
        .await;
    // Also after a failure: a shell that stays behind counts against the user's quota.
    shell.close().await?;
    Ok(ExitCode::from(u8::try_from(ended?.exit_code).unwrap_or(1)))
}

#[expect(
    clippy::disallowed_methods,
    reason = "a password on the command line is seen by all"
)]
fn password() -> Result<auth::Secret, std::env::VarError> {
    std::env::var("WINRM_PASSWORD").map(auth::Secret::from)
}
