//! The client against the simulator's endpoint: sealed NTLM over loopback, real shells, real time.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests")]

use std::sync::Arc;
use std::time::Duration;

use casim::endpoint::{Endpoint as Simulated, EndpointOptions, Limits};
use casim::machine::{FormerTraffic, Machine, MachineOptions};
use tokio::time::Instant;
use winrm::{AuthMethod, Endpoint, Timeouts, TlsPolicy};

mod cleaning;
mod streaming;
mod transfers;

/// How long a command of these tests may take.
const LIMIT: Duration = Duration::from_secs(120);

struct Server {
    machine: Arc<Machine>,
    simulated: Simulated,
    endpoint: Arc<Endpoint>,
}

/// A server whose programs take no time to speak of.
async fn server(limits: Limits) -> Server {
    server_with(limits, None).await
}

/// The same with a log.
async fn server_with(limits: Limits, former: Option<FormerTraffic>) -> Server {
    let machine = Machine::new(MachineOptions {
        speed: 200.0,
        former,
        ..MachineOptions::named("CAS01")
    });
    let options = EndpointOptions {
        limits,
        ..EndpointOptions::default()
    };
    let simulated = Simulated::start(Arc::clone(&machine), options).await.unwrap();
    let endpoint = Arc::new(Endpoint {
        url: format!("http://{}/wsman", simulated.address()).parse().unwrap(),
        auth: AuthMethod::Negotiate,
        credentials: auth::Credentials::new(r"CONTOSO\operator", auth::Secret::from("Opera+Pass1!")),
        tls: TlsPolicy::default(),
        kerberos: winrm::KerberosPolicy::default(),
        allow_unencrypted: false,
        proxy: None,
        timeouts: Timeouts::default(),
        locale: "en-US".to_owned(),
    });
    Server {
        machine,
        simulated,
        endpoint,
    }
}

/// Says what was measured; `cargo test -- --nocapture` shows it.
fn measured(what: &str, requests: u64, since: Instant) {
    println!(
        "{what}: {requests} requests, {:.2} s",
        since.elapsed().as_secs_f64()
    );
}
