//! Runs a PowerShell script of any length on a Windows server, and tells errors from warnings as they come.
//!
//! ```text
//! WINRM_PASSWORD=… cargo run -p winrm --example powershell -- http://server:5985/wsman 'DOMAIN\user' script.ps1
//! ```

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "an example talks to a person"
)]

use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use command::clixml::{Decoder, Record};
use winrm::{AuthMethod, Endpoint, Shell, Stream, Timeouts, TlsPolicy};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    let mut words = std::env::args().skip(1);
    let (Some(url), Some(user), Some(file)) = (words.next(), words.next(), words.next()) else {
        eprintln!("usage: powershell URL USER FILE, with the password in WINRM_PASSWORD");
        return Ok(ExitCode::from(2));
    };
    let script = std::fs::read_to_string(file)?;
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

    let mut shell = Shell::open(endpoint).await?;
    let mut errors = Decoder::new();
    let ended = shell
        .powershell(
            &script,
            Duration::from_secs(300),
            &mut |stream, bytes| match stream {
                Stream::Stdout => print!("{}", String::from_utf8_lossy(bytes)),
                Stream::Stderr => errors.push(bytes).iter().for_each(tell),
            },
        )
        .await;
    errors.finish().iter().for_each(tell);
    shell.close().await?;
    Ok(ExitCode::from(u8::try_from(ended?.exit_code).unwrap_or(1)))
}

fn tell(record: &Record) {
    match record {
        Record::Error(text) | Record::Plain(text) => eprint!("{text}"),
        Record::Warning(text) => eprintln!("WARNING: {text}"),
        Record::Verbose(text) | Record::Debug(text) => eprintln!("({text})"),
        Record::Output(text) => println!("{text}"),
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a password on the command line is seen by all"
)]
fn password() -> Result<auth::Secret, std::env::VarError> {
    std::env::var("WINRM_PASSWORD").map(auth::Secret::from)
}
