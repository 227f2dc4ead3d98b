//! The tables of HAProxy's `show stat` and `show servers state`, read by the names of their columns, since every release adds some.

use std::collections::BTreeMap;

use crate::load_balancer::error::BalancerError;
use crate::load_balancer::member::{Member, Standing};

/// The bits of `srv_admin_state` that keep a server out: forced and inherited maintenance, forced and inherited drain, an unresolved name.
/// The others (0x04: the configuration said `disabled`, 0x40: the address was set by hand) only tell of the past.
const TAKEN_OUT: u32 = 0x01 | 0x02 | 0x08 | 0x10 | 0x20;

/// The servers of each backend, in the table's order, from the answer to `show stat` and `show servers state` on one line (`request`).
pub(super) fn read(
    answer: &str,
    place: &str,
    request: &str,
) -> Result<BTreeMap<String, Vec<Member>>, BalancerError> {
    let refused = |answer: &str| BalancerError::Refused {
        place: place.to_owned(),
        request: request.to_owned(),
        answer: answer.trim().lines().next().unwrap_or("nothing").to_owned(),
    };
    // Each answer ends with an empty line.
    let (stat, state) = answer.split_once("\n\n").unwrap_or((answer, ""));
    if !stat.starts_with('#') {
        return Err(refused(stat));
    }
    let mut lines = state.trim().lines();
    if lines.next() != Some("1") {
        // "1" is the version of the second table.
        return Err(refused(state));
    }
    let asked = admin_states(lines)?;
    let mut backends: BTreeMap<String, Vec<Member>> = BTreeMap::new();
    let mut lines = stat.lines().filter(|line| !line.trim().is_empty());
    let header = fields(lines.next().unwrap_or_default().trim_start_matches(['#', ' ']));
    let column = |name: &'static str| position(&header, name, "show stat");
    let (proxy, server) = (column("pxname")?, column("svname")?);
    let (status, current) = (column("status")?, column("scur")?);
    let (weight, is_backup) = (column("weight")?, column("bck")?);
    for row in lines.map(fields) {
        let cell = |at: usize| row.get(at).map(String::as_str).unwrap_or_default();
        if matches!(cell(server), "BACKEND" | "FRONTEND") {
            continue;
        }
        let key = (cell(proxy).to_owned(), cell(server).to_owned());
        let (standing, status) = judge(
            cell(status),
            asked.get(&key).is_some_and(|admin| admin & TAKEN_OUT != 0),
            cell(weight) == "0",
            cell(is_backup) == "1",
        );
        backends.entry(key.0).or_default().push(Member {
            name: key.1,
            status,
            standing,
            connections: cell(current).parse().ok(),
        });
    }
    Ok(backends)
}

/// What a status means, and how it is told where the word alone would mislead.
fn judge(status: &str, is_asked_out: bool, is_weightless: bool, is_backup: bool) -> (Standing, String) {
    // `UP 1/3` is `UP`, `MAINT (via eas/cas02)` is `MAINT`.
    let word = status.split([' ', '(']).next().unwrap_or(status);
    let is_up = status == "no check" || word == "UP";
    let taken_out_and_down = is_asked_out && word == "DOWN";
    let told = match () {
        () if taken_out_and_down => format!("{status} while drained"),
        () if is_up && is_weightless => format!("{status} with weight 0"),
        () if is_up && is_backup => format!("{status} as backup"),
        () => status.to_owned(),
    };
    let standing = match word {
        "DRAIN" | "MAINT" => Standing::TakenOut,
        _ if is_asked_out => Standing::TakenOut,
        _ if is_up && is_weightless => Standing::TakenOut,
        _ if is_up && is_backup => Standing::Standby,
        _ if is_up => Standing::InRotation,
        _ => Standing::Down,
    };
    (standing, told)
}

/// What operators asked of each server: `srv_admin_state` by backend and server.
fn admin_states<'a>(
    mut lines: impl Iterator<Item = &'a str>,
) -> Result<BTreeMap<(String, String), u32>, BalancerError> {
    let header: Vec<String> = lines
        .next()
        .unwrap_or_default()
        .trim_start_matches(['#', ' '])
        .split(' ')
        .map(str::to_owned)
        .collect();
    let column = |name: &'static str| position(&header, name, "show servers state");
    let (backend, server, admin) = (
        column("be_name")?,
        column("srv_name")?,
        column("srv_admin_state")?,
    );
    let states = lines.filter_map(|line| {
        let cells: Vec<&str> = line.split(' ').collect();
        let key = (
            (*cells.get(backend)?).to_owned(),
            (*cells.get(server)?).to_owned(),
        );
        Some((key, cells.get(admin)?.parse().ok()?))
    });
    Ok(states.collect())
}

fn position(header: &[String], name: &'static str, table: &'static str) -> Result<usize, BalancerError> {
    header
        .iter()
        .position(|field| field == name)
        .ok_or(BalancerError::NoColumn { table, column: name })
}

/// One line of CSV: a field in double quotes may hold commas, and `""` is a quote.
fn fields(line: &str) -> Vec<String> {
    let mut fields = Vec::new();
    let mut field = String::new();
    let mut quoted = false;
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                field.push('"');
                chars.next();
            }
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(std::mem::take(&mut field)),
            c => field.push(c),
        }
    }
    fields.push(field);
    fields
}

#[cfg(test)]
mod tests;
