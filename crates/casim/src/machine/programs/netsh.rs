//! `netsh interface ipv4 show ipaddresses`, `netsh interface ipv6 show addresses` and `netsh http flush logbuffer`.

use super::Call;
use crate::machine::interfaces::{ETHERNET, is_link_local, of_family};

pub(super) async fn run(call: &mut Call<'_, '_>) -> u32 {
    call.work(200).await;
    let words: Vec<String> = call
        .arguments
        .iter()
        .map(|word| word.to_ascii_lowercase())
        .collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    // netsh takes any beginning of a word.
    let short_for = |word: &str, full: &str, least: usize| word.len() >= least && full.starts_with(word);
    match words.as_slice() {
        [interface, family @ ("ipv4" | "ip" | "ipv6"), show, what]
            if short_for(interface, "interface", 3) && short_for(show, "show", 2) =>
        {
            let v6 = *family == "ipv6";
            let fits = if v6 {
                short_for(what, "addresses", 4)
            } else {
                short_for(what, "ipaddresses", 3)
            };
            if fits {
                return addresses(call, v6);
            }
            call.not_simulated(&format!("'netsh {}'", words.join(" ")))
        }
        ["http", flush, buffer] if short_for(flush, "flush", 1) && short_for(buffer, "logbuffer", 1) => {
            let now = call.machine().uptime();
            call.machine().state().log_flushed = Some(now);
            call.print("\r\nLog buffers successfully flushed.\r\n\r\n");
            0
        }
        _ => call.not_simulated(&format!("'netsh {}'", words.join(" "))),
    }
}

/// One table for each interface.
fn addresses(call: &Call<'_, '_>, v6: bool) -> u32 {
    let mut text = String::new();
    for interface in of_family(&call.machine().options().addresses, v6) {
        text.push_str(&format!(
            "\r\nInterface {}: {}\r\n\r\n",
            interface.index, interface.name
        ));
        text.push_str("Addr Type  DAD State   Valid Life Pref. Life Address\r\n");
        text.push_str("---------  ----------- ---------- ---------- ------------------------\r\n");
        for address in interface.addresses {
            let manual = !address.is_loopback() && !is_link_local(address);
            let kind = if manual { "Manual" } else { "Other" };
            let zone = if is_link_local(address) {
                format!("%{ETHERNET}")
            } else {
                String::new()
            };
            text.push_str(&format!(
                "{kind:<10} Preferred     infinite   infinite {address}{zone}\r\n"
            ));
        }
    }
    text.push_str("\r\n");
    call.print(&text);
    0
}
