//! `ping -n N 127.0.0.1`: the way to wait on a Windows command line.

use std::net::IpAddr;

use super::Call;

pub(super) async fn run(call: &mut Call<'_, '_>) -> u32 {
    let mut count = 4_u32;
    let mut target = None;
    let mut arguments = call.arguments.iter();
    while let Some(argument) = arguments.next() {
        match argument.strip_prefix(['-', '/']) {
            Some("n") => match arguments.next().and_then(|n| n.parse().ok()) {
                Some(n) => count = n,
                None => return call.not_simulated("this form of 'ping'"),
            },
            Some(_) => return call.not_simulated("this form of 'ping'"),
            None => target = Some(argument.clone()),
        }
    }
    let address = target
        .as_deref()
        .map(|name| if name == "localhost" { "::1" } else { name }.parse::<IpAddr>());
    let own = |address: &IpAddr| call.machine().options().addresses.contains(address);
    let Some(Ok(address)) = address.filter(|parsed| parsed.as_ref().is_ok_and(own)) else {
        return call.not_simulated("'ping' of anything but the server's own addresses");
    };
    call.print(&format!("\r\nPinging {address} with 32 bytes of data:\r\n"));
    for round in 0..count {
        if round > 0 {
            call.work(1000).await;
        }
        call.print(&match address {
            IpAddr::V4(_) => format!("Reply from {address}: bytes=32 time<1ms TTL=128\r\n"),
            IpAddr::V6(_) => format!("Reply from {address}: time<1ms \r\n"),
        });
    }
    call.print(&format!(
        "\r\nPing statistics for {address}:\r\n    Packets: Sent = {count}, Received = {count}, Lost = 0 (0% loss),\r\n\
         Approximate round trip times in milli-seconds:\r\n    Minimum = 0ms, Maximum = 0ms, Average = 0ms\r\n"
    ));
    0
}
