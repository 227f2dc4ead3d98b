//! Sentences about time: when a run will have ended, and what the change window lets it begin.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use rollout::{Event, EventKind, Forecast, Plan};

use super::{Line, duration};
use crate::model::Model;

/// `about 12m00s to go, at worst 21m30s (3 servers measured)`; `None` where the run does not go on.
pub fn to_go(model: &Model, at: Timestamp) -> Option<String> {
    let outlook = model.outlook(at)?;
    let span = |end: Timestamp| duration(end.duration_since(at));
    Some(format!(
        "about {} to go, at worst {} ({})",
        span(outlook.typical),
        span(outlook.at_worst),
        known(outlook.measured)
    ))
}

/// How long a plan takes, before anything was measured: `about 12m00s, at worst 24m00s; the way back of everything 40.0s, at worst 1m20s (assumed)`.
pub fn forecast(plan: &Plan) -> String {
    let Forecast { change, undo, .. } = Forecast::of(plan);
    format!(
        "about {}, at worst {}; the way back of everything {}, at worst {} ({})",
        duration(change.typical),
        duration(change.at_worst),
        duration(undo.typical),
        duration(undo.at_worst),
        known(0)
    )
}

/// An instant by the clock of the window's place: `2026-11-27 04:00+01:00`.
pub fn instant(plan: Option<&Plan>, at: Timestamp) -> String {
    let window = plan.and_then(|plan| plan.policy.window.as_ref());
    let zone = window.map_or(TimeZone::UTC, |window| window.time_zone.rules().clone());
    at.to_zoned(zone).strftime("%Y-%m-%d %H:%M%:z").to_string()
}

fn known(measured: u32) -> String {
    match measured {
        0 => "assumed, nothing is measured yet".to_owned(),
        1 => "1 server measured".to_owned(),
        more => format!("{more} servers measured"),
    }
}

pub(super) fn lines(model: &Model, event: &Event) -> Vec<Line> {
    match &event.kind {
        EventKind::WindowEntered { until } => {
            let left = duration(until.duration_since(event.at).max(SignedDuration::ZERO));
            let until = instant(model.plan.as_ref(), *until);
            vec![Line::new("run", "window", "until").text([format!("{until}, {left} left")])]
        }
        EventKind::WindowClosed {
            left,
            next,
            undo,
            measured,
            ..
        } => {
            vec![Line::new("run", "window", "CLOSED").text([
                format!(
                    "{} left; what comes next takes {} at worst, and the way back of everything {} ({})",
                    duration(*left),
                    duration(*next),
                    duration(*undo),
                    known(*measured)
                ),
                "nothing new is begun; what was begun is finished".to_owned(),
            ])]
        }
        _ => Vec::new(),
    }
}
