//! The files below `C:\inetpub\logs\LogFiles\W3SVC1`: one for each day (UTC), made up of what was put there or happened before, and what the front end
//! has answered since.
//!
//! A line is in the file once HTTP.SYS has written it out: a minute later, or when it is told to (`netsh http flush logbuffer`).

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::ops::Range;
use std::time::Duration;

use jiff::SignedDuration;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

use super::Machine;
use super::former::LINE;
use super::log;

/// The folder of the site's log.
pub(super) const FOLDER: &str = r"C:\inetpub\logs\LogFiles\W3SVC1";
/// How long a line may stay in memory.
const BUFFERED: Duration = Duration::from_secs(60);
/// Lines made at a time.
const BLOCK: u64 = 512;

/// A file that programs can read.
pub(super) struct VirtualFile {
    /// Without its folder.
    pub(super) name: String,
    parts: Vec<Part>,
}

enum Part {
    Bytes(Vec<u8>),
    Former(Range<u64>),
}

impl VirtualFile {
    /// In bytes.
    pub(super) fn length(&self) -> u64 {
        let part = |part: &Part| match part {
            Part::Bytes(bytes) => u64::try_from(bytes.len()).unwrap_or(u64::MAX),
            Part::Former(lines) => (lines.end - lines.start) * LINE,
        };
        self.parts.iter().map(part).sum()
    }

    /// The contents, block after block. Blocks end where lines end, but for what somebody else put there.
    pub(super) fn blocks<'a>(&'a self, machine: &'a Machine) -> impl Iterator<Item = Vec<u8>> + 'a {
        let end = wall(machine, Duration::ZERO);
        let server = server_address(machine);
        self.parts.iter().flat_map(move |part| {
            let lines = match part {
                Part::Bytes(_) => 0..0,
                Part::Former(lines) => lines.clone(),
            };
            let bytes = match part {
                Part::Bytes(bytes) => Some(bytes.clone()),
                Part::Former(_) => None,
            };
            let starts = (lines.start..lines.end).step_by(usize::try_from(BLOCK).unwrap_or(1));
            let made = starts.map(move |start| {
                let mut text = Vec::new();
                if let Some(former) = &machine.options().former {
                    (start..lines.end.min(start + BLOCK))
                        .for_each(|i| former.write(i, end, server, &mut text));
                }
                text
            });
            bytes.into_iter().chain(made)
        })
    }
}

/// Every file of the folder, by name.
pub(super) fn all(machine: &Machine) -> Vec<VirtualFile> {
    let mut names: BTreeSet<String> = stored(machine).into_iter().collect();
    let mut day = first_day(machine);
    let today = wall(machine, machine.uptime()).date();
    while day <= today {
        names.insert(name(day));
        day = day.tomorrow().unwrap_or(Date::MAX);
    }
    names
        .into_iter()
        .filter_map(|name| find(machine, &name))
        .collect()
}

/// One file of the folder; `None` where there is none of this name.
pub(super) fn find(machine: &Machine, wanted: &str) -> Option<VirtualFile> {
    let put = machine.file(&format!(r"{FOLDER}\{wanted}"));
    let day = day_of(wanted);
    let mut parts: Vec<Part> = put.map(Part::Bytes).into_iter().collect();
    if let Some(day) = day {
        let from = day.at(0, 0, 0, 0);
        let to = day.tomorrow().unwrap_or(Date::MAX).at(0, 0, 0, 0);
        if let (Some(former), true) = (&machine.options().former, parts.is_empty()) {
            let born = wall(machine, Duration::ZERO);
            let lines = former.between(born, from, to);
            if !lines.is_empty() {
                parts.push(Part::Bytes(log::header(from).into_bytes()));
                parts.push(Part::Former(lines));
            }
        }
        let live = live(machine, from, to, parts.is_empty());
        if !live.is_empty() {
            parts.push(Part::Bytes(live));
        }
    }
    (!parts.is_empty()).then(|| VirtualFile {
        name: wanted.to_lowercase(),
        parts,
    })
}

/// What the front end has answered in this time, as far as it is written out.
fn live(machine: &Machine, from: DateTime, to: DateTime, with_header: bool) -> Vec<u8> {
    let server = server_address(machine);
    let now = machine.uptime();
    let written = machine.state().log_flushed.max(now.checked_sub(BUFFERED));
    let mut text = String::new();
    for line in machine.requests() {
        let at = wall(machine, line.at);
        if Some(line.at) > written || at < from || at >= to {
            continue;
        }
        if text.is_empty() && with_header {
            text.push_str(&log::header(at));
        }
        text.push_str(&line.text(at, server));
    }
    text.into_bytes()
}

/// The machine's clock on the wall, in UTC, at this simulated time.
pub(super) fn wall(machine: &Machine, at: Duration) -> DateTime {
    let passed = SignedDuration::try_from(at).unwrap_or(SignedDuration::MAX);
    let at = machine
        .options()
        .born
        .saturating_add(passed)
        .unwrap_or(machine.options().born);
    TimeZone::UTC.to_datetime(at)
}

fn first_day(machine: &Machine) -> Date {
    let born = wall(machine, Duration::ZERO);
    machine
        .options()
        .former
        .as_ref()
        .map_or(born, |former| former.begin(born))
        .date()
}

/// The address that the front end is reached at.
fn server_address(machine: &Machine) -> IpAddr {
    let addresses = &machine.options().addresses;
    let outside = addresses.iter().find(|address| !address.is_loopback());
    outside
        .copied()
        .unwrap_or(IpAddr::V4(std::net::Ipv4Addr::LOCALHOST))
}

/// Files that were put there: their names.
fn stored(machine: &Machine) -> Vec<String> {
    let folder = format!(r"{}\", FOLDER.to_lowercase());
    let names = machine.files();
    let names = names.iter().map(|path| path.to_lowercase());
    names
        .filter_map(|path| Some(path.strip_prefix(&folder)?.to_owned()))
        .filter(|name| !name.contains('\\'))
        .collect()
}

fn name(day: Date) -> String {
    format!("u_ex{}.log", day.strftime("%y%m%d"))
}

fn day_of(name: &str) -> Option<Date> {
    let name = name.to_ascii_lowercase();
    let digits = name
        .strip_prefix("u_ex")?
        .strip_suffix(".log")
        .filter(|d| d.len() == 6)?;
    let number = |range: Range<usize>| digits.get(range)?.parse::<i8>().ok();
    Date::new(2000 + i16::from(number(0..2)?), number(2..4)?, number(4..6)?).ok()
}
