//! The end of a run on one screen: every server, the floor, what is owed, how to go on.

use rollout::Debt;

use crate::model::{Model, RowState};
use crate::wording;

/// The summary as text.
pub fn summary(model: &Model) -> String {
    let Some(plan) = &model.plan else {
        return "no run\n".to_owned();
    };
    let mut out = String::new();
    if let Some(change) = model.change() {
        out.push_str(&format!("\nchange {change}\n"));
    }
    let width = plan
        .servers
        .keys()
        .map(|name| name.to_string().chars().count())
        .max()
        .unwrap_or(6)
        .max(6);
    out.push_str(&format!(
        "\n{:<width$}  {:<10} {:>8} {:>9}  remark\n",
        "server", "state", "time", "requests"
    ));
    for name in plan.waves.iter().flatten() {
        let Some(row) = model.servers.get(name) else {
            continue;
        };
        let time = match (row.started, row.ended) {
            (Some(from), Some(to)) => wording::duration(to.duration_since(from)),
            _ => "-".to_owned(),
        };
        let requests = if row.http_requests == 0 {
            "-".to_owned()
        } else {
            row.http_requests.to_string()
        };
        let remark = match &row.error {
            Some((step, error)) => {
                let at = step
                    .map(|step| format!("{}: ", model.step_word(step)))
                    .unwrap_or_default();
                format!("{at}{}", error.found)
            }
            None => String::new(),
        };
        let line = format!(
            "{:<width$}  {:<10} {time:>8} {requests:>9}  {remark}",
            name.to_string(),
            row.state.word()
        );
        out.push_str(line.trim_end());
        out.push('\n');
    }
    for (name, pool) in &plan.pools {
        if let Some((_, members, least)) = model.rotation.get(name) {
            let word = if *least >= pool.min_in_rotation {
                "held"
            } else {
                "BROKEN"
            };
            out.push_str(&format!(
                "\npool {name}: floor {} of {members} {word}, least seen in rotation {least}\n",
                pool.min_in_rotation
            ));
        }
    }
    let witnesses = model.witnesses.lines(plan);
    if !witnesses.is_empty() {
        out.push('\n');
    }
    for line in witnesses {
        out.push_str(&line);
        out.push('\n');
    }
    for (server, debt, command) in &model.unpaid {
        let owed = match debt {
            Debt::Rotation { .. } => "is out of rotation; put it back with".to_owned(),
            Debt::Confirmation { .. } => {
                "has a dead man's switch that will put the former rules back; settle it by hand with"
                    .to_owned()
            }
            Debt::Lease => format!(
                "bears this run's lease, which nobody renews any more and which ends by itself within {}; to be rid of it at once",
                wording::duration(plan.policy.lease)
            ),
        };
        out.push_str(&format!("\nSTILL OWED: {server} {owed}\n  {command}\n"));
    }
    let changed = model.count(RowState::Changed);
    let unchanged = model.count(RowState::Unchanged);
    let failed = model.failures();
    out.push_str(&format!(
        "\n{changed} changed, {unchanged} unchanged, {failed} failed"
    ));
    out.push_str(&format!(
        ", {} not begun",
        model.count(RowState::Waiting) + model.count(RowState::Skipped)
    ));
    if let (Some(from), Some(to)) = (model.started, model.last) {
        out.push_str(&format!(", {}", wording::duration(to.duration_since(from))));
    }
    out.push('\n');
    if let Some(verdict) = model.verdict {
        out.push_str(&format!("{}\n", wording::verdict_text(verdict)));
        if let (true, Some(run)) = (verdict.is_resumable(), &model.run) {
            out.push_str(&format!("to go on: casgate resume {run}\n"));
        }
    }
    out
}
