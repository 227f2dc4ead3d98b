//! What bounds a sitting: the opening of the playbook's change window, and what the operator wants to be finished by.

use inventory::{Moment, Opening, Window};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use rollout::{Forecast, Plan};

use crate::error::Error;
use crate::printer::Printer;

/// When everything has to have ended, for a run that wants to begin now; `None` where nothing bounds it.
///
/// # Errors
/// [`Error::WindowShut`] outside the window.
pub(crate) fn bound(
    window: Option<&Window>,
    finish_by: Option<Moment>,
    now: Timestamp,
) -> Result<Option<Timestamp>, Error> {
    let closes = match window {
        None => None,
        Some(window) => match window.opening(now) {
            Some(opening) if opening.contains(now) => Some(opening.until),
            later => {
                return Err(Error::WindowShut {
                    window: window.to_string(),
                    opens: later.map(|opening| show(window, opening.from)),
                });
            }
        },
    };
    Ok(earlier(closes, finish_by.and_then(|by| wanted(window, by, now))))
}

/// The same for somebody who looks ahead: where the window is not open, its next opening counts. The instant at which it would begin comes first.
pub(crate) fn ahead(
    window: Option<&Window>,
    finish_by: Option<Moment>,
    now: Timestamp,
) -> (Timestamp, Option<Timestamp>) {
    let opening = window.and_then(|window| window.opening(now));
    let begins = opening.map_or(now, |opening| opening.from.max(now));
    (begins, end(window, opening, finish_by, begins))
}

/// The same for a rehearsal, which always begins as the window opens.
pub(crate) fn rehearsed(
    window: Option<&Window>,
    finish_by: Option<Moment>,
    now: Timestamp,
) -> (Timestamp, Option<Timestamp>) {
    let opening = window.and_then(|window| window.opening(now));
    let begins = opening.map_or(now, |opening| opening.from);
    (begins, end(window, opening, finish_by, begins))
}

/// When what begins then has to have ended.
fn end(
    window: Option<&Window>,
    opening: Option<Opening>,
    finish_by: Option<Moment>,
    begins: Timestamp,
) -> Option<Timestamp> {
    let by = finish_by.and_then(|by| wanted(window, by, begins));
    earlier(opening.map(|opening| opening.until), by)
}

/// Refuses a run of which not even the first wave, with its way back, fits.
pub(crate) fn refuse_if_too_short(
    plan: &Plan,
    until: Option<Timestamp>,
    now: Timestamp,
) -> Result<(), Error> {
    let Some(until) = until else { return Ok(()) };
    let (left, needed) = (until.duration_since(now), Forecast::of(plan).first);
    match left < needed {
        true => Err(Error::WindowTooShort {
            left: report::wording::duration(left),
            needed: report::wording::duration(needed),
        }),
        false => Ok(()),
    }
}

/// Whether the window, or what the operator wants to be finished by, may stop the run before its last wave.
pub(crate) fn may_cut_short(plan: &Plan, until: Option<Timestamp>, now: Timestamp) -> bool {
    let whole = Forecast::of(plan).whole().at_worst;
    until.is_some_and(|until| until.duration_since(now) < whole)
}

/// What to tell where a run would be refused or cut short, and there is nothing to change.
pub(crate) const NOTHING_TO_FIT: &str = "every server is as wanted, so nothing has to fit into the time that is left; a run would have no more than looked: \
     health pages and witnesses were not asked";

/// Says how long the plan takes, and when it may begin.
pub(crate) fn tell(plan: &Plan, finish_by: Option<Moment>, now: Timestamp, printer: &Printer) {
    if let Some(change) = &plan.change {
        printer.text(&format!("change: {change}"));
    }
    printer.text(&format!("time: {}", report::wording::forecast(plan)));
    let window = plan.policy.window.as_ref();
    if let Some(written) = window {
        let opening = match written.opening(now) {
            Some(opening) if opening.contains(now) => format!("open until {}", show(written, opening.until)),
            Some(opening) => format!(
                "opens {}, until {}",
                show(written, opening.from),
                show(written, opening.until)
            ),
            None => "over for good".to_owned(),
        };
        printer.text(&format!("window {written}: {opening}"));
    }
    let (begins, until) = ahead(window, finish_by, now);
    let Some(until) = until else { return };
    let left = until.duration_since(begins);
    let whole = Forecast::of(plan).whole();
    let by = report::wording::instant(Some(plan), until);
    printer.text(&match (whole.at_worst <= left, whole.typical <= left) {
        (true, _) => format!("finished by {by}, its way back included, also at worst"),
        (false, true) => format!(
            "finished by {by} if servers take what such steps usually take; where they take longer the last waves wait for another time"
        ),
        (false, false) => {
            format!("not finished by {by}: the last waves wait for the next opening (`casgate resume`)")
        }
    });
}

/// What to tell an operator who takes a run back outside the window: nothing stops that.
pub(crate) fn undo_note(window: Option<&Window>, now: Timestamp) -> Option<String> {
    let window = window?;
    let is_open = window.opening(now).is_some_and(|opening| opening.contains(now));
    (!is_open).then(|| format!("outside the change window ({window}): an undo is never held up by it"))
}

/// The instant that the operator means: by the window's clock, or this machine's where there is no window.
fn wanted(window: Option<&Window>, by: Moment, now: Timestamp) -> Option<Timestamp> {
    match window {
        Some(window) => by.next_after(now, window.time_zone.rules()),
        None => by.next_after(now, &TimeZone::system()),
    }
}

fn earlier(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    one.into_iter().chain(other).min()
}

fn show(window: &Window, at: Timestamp) -> String {
    at.to_zoned(window.time_zone.rules().clone())
        .strftime("%Y-%m-%d %H:%M%:z")
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn window() -> Window {
        Window {
            from: "22:00".parse().unwrap(),
            until: "04:00".parse().unwrap(),
            time_zone: "Europe/Berlin".parse().unwrap(),
        }
    }

    #[test]
    fn the_earlier_of_both_ends_counts() {
        let now = at("2026-11-26T22:00:00Z");
        let by = |text: &str| Some(text.parse().unwrap());
        for (finish_by, until) in [
            (None, "2026-11-27T03:00:00Z"),
            (by("03:30"), "2026-11-27T02:30:00Z"),
            (by("05:00"), "2026-11-27T03:00:00Z"),
        ] {
            let bound = bound(Some(&window()), finish_by, now).unwrap();
            assert_eq!(bound, Some(at(until)), "{finish_by:?}");
        }
        assert_eq!(bound(None, None, now).unwrap(), None);
    }

    #[test]
    fn an_undo_outside_the_window_is_told_and_not_held_up() {
        let note = |now: &str| undo_note(Some(&window()), at(now));
        assert_eq!(
            note("2026-11-26T12:00:00Z").unwrap(),
            "outside the change window (22:00 to 04:00 Europe/Berlin): an undo is never held up by it"
        );
        assert_eq!(note("2026-11-26T22:00:00Z"), None);
        assert_eq!(undo_note(None, at("2026-11-26T12:00:00Z")), None);
    }

    #[test]
    fn outside_the_window_it_is_said_when_it_opens() {
        let now = at("2026-11-26T12:00:00Z");
        let refused = bound(Some(&window()), None, now).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "the change window 22:00 to 04:00 Europe/Berlin is not open; nothing was touched"
        );
        assert_eq!(refused.hint().unwrap(), "it opens 2026-11-26 22:00+01:00");
        assert_eq!(refused.exit_code().number(), 11);
        let (begins, until) = ahead(Some(&window()), Some("03:00".parse().unwrap()), now);
        assert_eq!(begins, at("2026-11-26T21:00:00Z"));
        assert_eq!(until, Some(at("2026-11-27T02:00:00Z")));
    }

    #[test]
    fn a_rehearsal_begins_as_the_window_opens_even_while_it_is_open() {
        let opens = at("2026-11-26T21:00:00Z");
        for now in ["2026-11-26T12:00:00Z", "2026-11-27T02:30:00Z"] {
            let rehearsed = |by: Option<Moment>| rehearsed(Some(&window()), by, at(now));
            assert_eq!(
                rehearsed(None),
                (opens, Some(at("2026-11-27T03:00:00Z"))),
                "{now}"
            );
            let by = Some("22:30".parse().unwrap());
            assert_eq!(rehearsed(by), (opens, Some(at("2026-11-26T21:30:00Z"))), "{now}");
        }
    }
}
