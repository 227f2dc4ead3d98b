//! `add|list|delete|restore backup`.

use std::time::Duration;

use super::arguments::Arguments;
use super::failure::Failure;
use super::render::{Element, document};
use super::{Call, Outcome, Refused};
use crate::machine::state::State;

/// How long the web service is away while a backup is restored: stopped after, running again after.
const STOPPED: Duration = Duration::from_secs(2);
const RUNNING: Duration = Duration::from_secs(6);

/// Copies the configuration under a name, or under the time of day.
pub(super) fn add(call: &Call<'_, '_>, arguments: &Arguments) -> Result<Outcome, Refused> {
    let uptime = call.machine().uptime().as_secs();
    let clock = || {
        let seconds = (8 * 3600 + uptime) % 86_400;
        format!(
            "20260119T{:02}{:02}{:02}",
            seconds / 3600,
            seconds / 60 % 60,
            seconds % 60
        )
    };
    let name = arguments.identifier.clone().unwrap_or_else(clock);
    if name.is_empty()
        || name.contains(['\\', '/', ':', '*', '?', '"', '<', '>', '|'])
        || name.starts_with('.')
    {
        return Err(Failure::invalid_data().into());
    }
    if call.faults().disk_full.is_on() {
        return Err(Failure::disk_full().into());
    }
    let mut state = call.machine().state();
    if find(&state, &name).is_some() {
        return Err(Failure::exists().into());
    }
    let copy = state.configuration.clone();
    state.backups.insert(name.clone(), copy);
    Ok(Outcome::success(format!("BACKUP object \"{name}\" added\r\n")))
}

/// Lists backups and the copies of the configuration history.
pub(super) fn list(call: &Call<'_, '_>, arguments: &Arguments) -> Result<Outcome, Refused> {
    let state = call.machine().state();
    let mut names: Vec<&String> = state.backups.keys().collect();
    if let Some(wanted) = &arguments.identifier {
        names.retain(|name| name.eq_ignore_ascii_case(wanted));
        if names.is_empty() {
            return Err(Failure::cannot_find("BACKUP", wanted).into());
        }
    }
    if arguments.xml {
        let element = |name: &&String| Element::new("BACKUP").attribute("BACKUP.NAME", name.as_str());
        return Ok(Outcome::success(document(
            &names.iter().map(element).collect::<Vec<_>>(),
        )));
    }
    Ok(Outcome::success(
        names
            .iter()
            .map(|name| format!("BACKUP \"{name}\"\r\n"))
            .collect::<String>(),
    ))
}

/// Deletes a backup.
pub(super) fn delete(call: &Call<'_, '_>, arguments: &Arguments) -> Result<Outcome, Refused> {
    let mut state = call.machine().state();
    let name = named(&state, arguments)?;
    state.backups.remove(&name);
    Ok(Outcome::success(format!("BACKUP object \"{name}\" deleted\r\n")))
}

/// Restores a backup: the web service is stopped, the whole configuration replaced, the service started.
pub(super) async fn restore(call: &Call<'_, '_>, arguments: &Arguments) -> Result<Outcome, Refused> {
    if !arguments.parameters.is_empty() {
        return Err(Refused::NotSimulated(
            "parameters of 'appcmd restore backup'".to_owned(),
        ));
    }
    let machine = call.machine();
    let name = named(&machine.state(), arguments)?;
    let now = machine.clock.now();
    machine
        .state_at(now)
        .services
        .restart_internet_later(now, STOPPED, RUNNING);
    machine.pause(STOPPED).await;
    {
        let mut state = machine.state();
        let copy = state
            .backups
            .get(&name)
            .cloned()
            .ok_or_else(|| Failure::cannot_find("BACKUP", &name))?;
        // A backup holds the server's own files. What IIS takes from another server's folder it does not touch.
        if machine.options().shared_configuration.is_none() {
            state.commit(copy);
        }
    }
    machine.pause(RUNNING.saturating_sub(STOPPED)).await;
    Ok(Outcome::success(format!(
        "Restored configuration from backup \"{name}\"\r\n"
    )))
}

fn find(state: &State, name: &str) -> Option<String> {
    state
        .backups
        .keys()
        .find(|known| known.eq_ignore_ascii_case(name))
        .cloned()
}

fn named(state: &State, arguments: &Arguments) -> Result<String, Refused> {
    let wanted = arguments
        .identifier
        .as_deref()
        .ok_or_else(|| Failure::must_specify("BACKUP"))?;
    find(state, wanted).ok_or_else(|| Failure::cannot_find("BACKUP", wanted).into())
}
