//! Runs a simulated farm until Ctrl-C and prints who listens where.
//!
//! `cargo run -p casim --example farm -- [SERVERS] [SPEED] [FIRST_PORT]`
#![expect(clippy::print_stdout, reason = "an example talks to whoever runs it")]

use casim::clients::{Clients, ClientsOptions};
use casim::{Farm, FarmOptions};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut words = std::env::args().skip(1);
    let mut options = FarmOptions {
        servers: 1,
        ..FarmOptions::default()
    };
    if let Some(servers) = words.next() {
        options.servers = servers.parse()?;
    }
    if let Some(speed) = words.next() {
        options.speed = speed.parse()?;
    }
    if let Some(port) = words.next() {
        options.first_port = Some(port.parse()?);
    }
    let farm = Farm::start(options).await?;
    println!("{}", farm.describe());
    println!("\n{}", farm.inventory_toml());
    let clients = Clients::start(&farm, ClientsOptions::default());
    println!("ready; Ctrl-C ends it");
    tokio::signal::ctrl_c().await?;
    let tally = clients.stop().await;
    for (machine, endpoint) in farm.machines().iter().zip(farm.endpoints()) {
        let open = endpoint.open_shells();
        println!(
            "{}: {:?}, {open} shells left open",
            machine.name(),
            endpoint.record()
        );
    }
    println!("clients: {} requests, {} failed", tally.requests, tally.failed);
    for failure in tally.first_failures {
        println!("  {failure}");
    }
    farm.stop().await;
    Ok(())
}
