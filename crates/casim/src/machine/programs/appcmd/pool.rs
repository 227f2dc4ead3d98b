//! `recycle|start|stop apppool` and `start|stop site`.

use super::arguments::Arguments;
use super::failure::Failure;
use super::{Call, Outcome, Refused};
use crate::machine::state::State;

/// Controls one application pool.
pub(super) fn control(call: &Call<'_, '_>, arguments: &Arguments) -> Result<Outcome, Refused> {
    let wanted = arguments
        .identifier
        .as_deref()
        .ok_or_else(|| Failure::must_specify("APPPOOL"))?;
    let now = call.machine().clock.now();
    let mut state = call.machine().state_at(now);
    let State {
        configuration,
        pools,
        services,
        chance,
        ..
    } = &mut *state;
    let name = configuration
        .pool(wanted)
        .ok_or_else(|| Failure::cannot_find("APPPOOL", wanted))?
        .name
        .clone();
    if !services.web_runs() {
        return Err(Failure::service_not_active().into());
    }
    let (done, word) = match arguments.verb.as_str() {
        "recycle" if call.faults().recycle_without_effect.is_on() => {
            (pools.started(&name) == Some(true), "recycled")
        }
        "recycle" => (pools.recycle(&name, configuration, now, chance), "recycled"),
        "start" => (pools.start(&name, configuration, now, chance), "started"),
        _ => (pools.stop(&name), "stopped"),
    };
    match (done, word) {
        (true, _) => Ok(Outcome::success(format!("\"{name}\" successfully {word}\r\n"))),
        (false, "started") => Err(Failure::already_started().into()),
        (false, _) => Err(Failure::service_not_active().into()),
    }
}

/// Starts or stops a site.
pub(super) fn control_site(call: &Call<'_, '_>, arguments: &Arguments) -> Result<Outcome, Refused> {
    let wanted = arguments
        .identifier
        .as_deref()
        .ok_or_else(|| Failure::must_specify("SITE"))?;
    let mut state = call.machine().state();
    if !state.services.web_runs() {
        return Err(Failure::service_not_active().into());
    }
    let start = arguments.verb == "start";
    let site = state
        .configuration
        .sites
        .iter_mut()
        .find(|site| site.name.eq_ignore_ascii_case(wanted));
    let site = site.ok_or_else(|| Failure::cannot_find("SITE", wanted))?;
    site.started = start;
    let word = if start { "started" } else { "stopped" };
    Ok(Outcome::success(format!(
        "\"{}\" successfully {word}\r\n",
        site.name
    )))
}
