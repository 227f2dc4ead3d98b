//! A preview for people.

use std::net::IpAddr;

use driver::Coverage;
use exchange::traffic::{CutOff, Requester};

use super::finding::loses;
use super::{Application, Judgement};

/// How many names or addresses a list shows; `--format jsonl` has more.
const SHOWN: usize = 10;

/// The whole report.
pub(super) fn text(title: &str, judgement: &Judgement) -> String {
    let Judgement { farm, findings, .. } = judgement;
    let mut text = format!("PREVIEW  {title}\nthe last {} hours, times in UTC\n", farm.hours);
    for (name, application) in &farm.applications {
        text.push_str(&format!("\n{name}\n"));
        servers(application, &mut text);
        clients(application, &mut text);
        probes(application, &mut text);
        unseen(application, &mut text);
    }
    for (server, error) in &farm.unread {
        text.push_str(&format!("\n{server}  NOT READ\n"));
        for line in report::wording::failure(error) {
            text.push_str(&format!("    {line}\n"));
        }
    }
    text.push('\n');
    for finding in findings {
        let accepted = judgement.accepted(finding);
        let word = match (finding.refuses && judgement.is_gate, accepted) {
            (_, Some(_)) => "accepted",
            (true, None) => "refused",
            (false, None) => "warning",
        };
        text.push_str(&format!(
            "{word}[{}]: {}\n    hint: {}\n",
            finding.rule, finding.found, finding.hint
        ));
        if let Some(reason) = accepted {
            text.push_str(&format!("    accepted: {reason}\n"));
        }
    }
    if findings.is_empty() {
        let nobody = !farm
            .applications
            .values()
            .any(|application| loses(&application.traffic));
        text.push_str(match nobody {
            true => "nobody who was served would be cut off\n",
            false => "some would be cut off; nothing else was found\n",
        });
    }
    text
}

fn servers(application: &Application, text: &mut String) {
    for (server, part) in &application.servers {
        let Coverage { bytes, files, .. } = part.coverage;
        text.push_str(&format!(
            "    {server}  {}, {} denied; {}; {} of {files} files\n",
            requests(part.requests),
            part.denied,
            covered(&part.coverage),
            size(bytes)
        ));
        let faults = part.coverage.faults;
        if faults.malformed + faults.too_long > 0 {
            text.push_str(&format!(
                "        {} lines could not be read, {} were too long\n",
                faults.malformed, faults.too_long
            ));
        }
    }
}

/// How much of the wanted time was read, in words.
pub(super) fn covered(coverage: &Coverage) -> String {
    if !coverage.is_cut {
        return "all of that time".to_owned();
    }
    let clock = |at: jiff::civil::DateTime| at.strftime("%Y-%m-%d %H:%M").to_string();
    let part = coverage
        .part
        .map(|(from, to)| format!("{} to {}", clock(from), clock(to)));
    match (coverage.whole_from < coverage.wanted.to, part) {
        (true, Some(part)) => format!("ONLY from {} on, and {part}", clock(coverage.whole_from)),
        (true, None) => format!("ONLY from {} on", clock(coverage.whole_from)),
        (false, Some(part)) => format!("ONLY {part}"),
        (false, None) => "NOTHING".to_owned(),
    }
}

fn clients(application: &Application, text: &mut String) {
    let traffic = &application.traffic;
    let (addresses, is_whole) = traffic.addresses();
    text.push_str(&format!(
        "  clients: {} from {addresses}{} addresses; would be denied: {}; refused already: {}\n",
        requests(traffic.requests),
        if is_whole { "" } else { " or more" },
        traffic.denied,
        traffic.already_refused
    ));
    if traffic.unjudged > 0 {
        text.push_str(&format!("    {} lines tell no address\n", traffic.unjudged));
    }
    people("users", &traffic.users(), text);
    people("devices", &traffic.devices(), text);
    let denied = traffic.denied_addresses();
    if !denied.is_empty() {
        text.push_str(&format!("  addresses denied: {}\n", denied.len()));
        list(&denied, text, |(address, count)| {
            format!("{address}  {}", requests(*count))
        });
    }
}

fn people(what: &str, cut_off: &CutOff<'_>, text: &mut String) {
    let more = if cut_off.is_whole { "" } else { " or more" };
    text.push_str(&format!(
        "  {what} cut off: {} of {}{more} who are served today\n",
        cut_off.clients.len(),
        cut_off.of
    ));
    list(&cut_off.clients, text, |(name, client)| {
        let about: Vec<&str> = [client.kind.as_deref(), client.user.as_deref()]
            .into_iter()
            .flatten()
            .collect();
        let about = match about.is_empty() {
            true => String::new(),
            false => format!(" ({})", about.join(", ")),
        };
        let kept = match client.kept {
            0 => "none allowed".to_owned(),
            kept => format!("{kept} allowed"),
        };
        format!("{name}{about}  {} denied, {kept}", requests(client.cut_off))
    });
}

fn list<T>(items: &[T], text: &mut String, line: impl Fn(&T) -> String) {
    for item in items.iter().take(SHOWN) {
        text.push_str(&format!("    {}\n", line(item)));
    }
    if items.len() > SHOWN {
        text.push_str(&format!("    and {} more\n", items.len() - SHOWN));
    }
}

fn probes(application: &Application, text: &mut String) {
    for requester in [
        Requester::ManagedAvailability,
        Requester::HealthMailbox,
        Requester::HealthPage,
    ] {
        let probes = application.traffic.probes(requester);
        let denied: Vec<(IpAddr, u64)> = probes.denied_addresses();
        text.push_str(&format!(
            "  probes, {requester}: {}, {} denied\n",
            requests(probes.requests),
            probes.denied
        ));
        list(&denied, text, |(address, count)| {
            format!("{address}  {}", requests(*count))
        });
    }
}

fn unseen(application: &Application, text: &mut String) {
    let unseen: Vec<_> = application.traffic.unseen().collect();
    if unseen.is_empty() {
        return;
    }
    text.push_str("  entries of the allow list from where nobody came\n");
    for net in unseen {
        let note = application
            .notes
            .get(net)
            .map(|note| format!("  {note}"))
            .unwrap_or_default();
        let single = net.prefix_len() == net.max_prefix_len();
        let shown = if single {
            net.addr().to_string()
        } else {
            net.to_string()
        };
        text.push_str(&format!("    {shown}{note}\n"));
    }
}

/// `1 request`, `2 requests`.
fn requests(count: u64) -> String {
    format!("{count} request{}", if count == 1 { "" } else { "s" })
}

/// `12.3 MiB`.
pub(super) fn size(bytes: u64) -> String {
    const UNITS: [(u64, &str); 3] = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    match UNITS.iter().find(|(unit, _)| bytes >= *unit) {
        Some((unit, name)) => format!("{}.{} {name}", bytes / unit, bytes % unit * 10 / unit),
        None => format!("{bytes} B"),
    }
}
