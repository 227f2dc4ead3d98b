//! `list site|app|vdir|apppool|wp|module|request`, in text, detail and XML.

use super::arguments::{Arguments, Object, Parameter};
use super::failure::Failure;
use super::render::{Element, document};
use super::{Call, Outcome, Refused};
use crate::machine::Machine;
use crate::machine::configuration::schema::{GLOBAL_MODULES, MODULES, known};
use crate::machine::configuration::{ConfigPath, Configuration};
use crate::machine::held_request::Held;
use crate::machine::state::State;

/// One object to be listed.
struct Listed {
    /// What stands in quotes.
    identifier: String,
    /// The rest of the line in text form.
    summary: String,
    /// Attributes in the order of the XML form.
    attributes: Vec<(&'static str, String)>,
    /// Settings below the object, which only `/text:NAME` shows.
    settings: &'static [(&'static str, &'static str)],
}

/// The `logFile` element of a site as setup leaves it: the schema's defaults.
const LOG_FILE: &[(&str, &str)] = &[
    (
        "logFile.logExtFileFlags",
        "Date, Time, ClientIP, UserName, ServerIP, Method, UriStem, UriQuery, TimeTaken, HttpStatus, Win32Status, ServerPort, \
         UserAgent, HttpSubStatus, Referer",
    ),
    ("logFile.logFormat", "W3C"),
    ("logFile.directory", r"%SystemDrive%\inetpub\logs\LogFiles"),
    ("logFile.period", "Daily"),
    ("logFile.localTimeRollover", "false"),
    ("logFile.enabled", "true"),
];

/// Lists objects of one type, filtered by identifier or by attributes.
pub(super) fn list(call: &Call<'_, '_>, arguments: &Arguments) -> Result<Outcome, Refused> {
    if let Some(what) = &arguments.not_simulated {
        return Err(Refused::NotSimulated(what.clone()));
    }
    let mut objects = {
        let state = call.machine().state();
        match arguments.object {
            Object::Site => sites(&state),
            Object::App => applications(&state.configuration),
            Object::Vdir => directories(&state.configuration),
            Object::AppPool => pools(&state),
            Object::Wp => workers(&state),
            Object::Module => modules(&state.configuration),
            Object::Request => requests(call.machine()),
            _ => Vec::new(),
        }
    };
    let name = arguments.object.name();
    for parameter in &arguments.parameters {
        let Parameter::Named {
            name: attribute,
            value: Some(value),
        } = parameter
        else {
            return Err(Refused::NotSimulated(format!(
                "'appcmd list' with the filter {parameter:?}"
            )));
        };
        if value.starts_with('$') {
            return Err(Refused::NotSimulated(
                "range operators of 'appcmd list'".to_owned(),
            ));
        }
        if objects
            .first()
            .is_some_and(|o| o.attribute(attribute, name).is_none())
        {
            return Err(Failure::unknown_attribute(attribute).into());
        }
        objects.retain(|o| {
            o.attribute(attribute, name)
                .is_some_and(|v| v.eq_ignore_ascii_case(value))
        });
    }
    if let Some(wanted) = &arguments.identifier {
        objects.retain(|o| o.identifier.eq_ignore_ascii_case(wanted));
        if objects.is_empty() {
            return Err(Failure::cannot_find(name, wanted).into());
        }
    }
    let code = u32::from(objects.is_empty() && !arguments.parameters.is_empty());
    Ok(Outcome {
        text: text(&objects, arguments, name)?,
        code,
    })
}

impl Listed {
    /// By the name in the XML form, or without the object's prefix (`/name` for `APP.NAME`).
    fn attribute(&self, name: &str, object: &str) -> Option<&str> {
        let fits = |known: &str| {
            let short = known
                .split_once('.')
                .filter(|(prefix, _)| *prefix == object)
                .map(|(_, short)| short);
            known.eq_ignore_ascii_case(name) || short.is_some_and(|short| short.eq_ignore_ascii_case(name))
        };
        self.attributes
            .iter()
            .find(|(known, _)| fits(known))
            .map(|(_, value)| value.as_str())
    }

    fn setting(&self, name: &str) -> Option<&'static str> {
        let found = self
            .settings
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| *value)
    }
}

fn text(objects: &[Listed], arguments: &Arguments, name: &str) -> Result<String, Failure> {
    if arguments.xml {
        let element = |o: &Listed| {
            o.attributes.iter().fold(Element::new(name), |e, (name, value)| {
                e.attribute(*name, value.as_str())
            })
        };
        return Ok(document(&objects.iter().map(element).collect::<Vec<_>>()));
    }
    let mut text = String::new();
    for object in objects {
        match arguments.text.as_deref() {
            None => text.push_str(&format!(
                "{name} \"{}\" {}\r\n",
                object.identifier, object.summary
            )),
            Some("*") => {
                text.push_str(&format!("{name}\r\n"));
                for (name, value) in &object.attributes {
                    text.push_str(&format!("  {name}:\"{value}\"\r\n"));
                }
                text.push_str("\r\n");
            }
            Some(attribute) => {
                let value = object
                    .attribute(attribute, name)
                    .or_else(|| object.setting(attribute))
                    .ok_or_else(|| Failure::unknown_attribute(attribute))?;
                text.push_str(&format!("{value}\r\n"));
            }
        }
    }
    Ok(text)
}

/// Run-time states come from the activation service; without it nobody knows.
fn run_state(state: &State, started: bool) -> String {
    let word = match (state.services.web_runs(), started) {
        (false, _) => "Unknown",
        (true, true) => "Started",
        (true, false) => "Stopped",
    };
    word.to_owned()
}

fn sites(state: &State) -> Vec<Listed> {
    let listed = |site: &crate::machine::configuration::Site| {
        let bindings: Vec<String> = site
            .bindings
            .iter()
            .map(|(protocol, info)| format!("{protocol}/{info}"))
            .collect();
        let (bindings, run_state) = (bindings.join(","), run_state(state, site.started));
        Listed {
            identifier: site.name.clone(),
            summary: format!("(id:{},bindings:{bindings},state:{run_state})", site.id),
            attributes: vec![
                ("SITE.NAME", site.name.clone()),
                ("SITE.ID", site.id.to_string()),
                ("bindings", bindings),
                ("state", run_state),
            ],
            settings: LOG_FILE,
        }
    };
    state.configuration.sites.iter().map(listed).collect()
}

fn applications(configuration: &Configuration) -> Vec<Listed> {
    let mut all = Vec::new();
    for site in &configuration.sites {
        all.extend(site.applications.iter().map(|application| Listed {
            identifier: format!("{}{}", site.name, application.path),
            summary: format!("(applicationPool:{})", application.pool),
            attributes: vec![
                ("APP.NAME", format!("{}{}", site.name, application.path)),
                ("APPPOOL.NAME", application.pool.clone()),
                ("SITE.NAME", site.name.clone()),
                ("path", application.path.clone()),
            ],
            settings: &[],
        }));
    }
    all
}

fn directories(configuration: &Configuration) -> Vec<Listed> {
    let mut all = Vec::new();
    for site in &configuration.sites {
        for application in &site.applications {
            let name = format!("{}{}", site.name, application.path);
            for (path, folder) in &application.directories {
                let identifier = format!("{}{path}", name.trim_end_matches('/'));
                all.push(Listed {
                    identifier: identifier.clone(),
                    summary: format!("(physicalPath:{folder})"),
                    attributes: vec![
                        ("VDIR.NAME", identifier),
                        ("APP.NAME", name.clone()),
                        ("path", path.clone()),
                        ("physicalPath", folder.clone()),
                    ],
                    settings: &[],
                });
            }
        }
    }
    all
}

fn pools(state: &State) -> Vec<Listed> {
    let listed = |pool: &crate::machine::configuration::AppPool| {
        let mode = if pool.classic { "Classic" } else { "Integrated" };
        let run_state = run_state(state, state.pools.started(&pool.name).unwrap_or(true));
        Listed {
            identifier: pool.name.clone(),
            summary: format!("(MgdVersion:{},MgdMode:{mode},state:{run_state})", pool.runtime),
            attributes: vec![
                ("APPPOOL.NAME", pool.name.clone()),
                ("PipelineMode", mode.to_owned()),
                ("RuntimeVersion", pool.runtime.to_owned()),
                ("state", run_state),
            ],
            settings: &[],
        }
    };
    state.configuration.pools.iter().map(listed).collect()
}

fn workers(state: &State) -> Vec<Listed> {
    let listed = |(pid, pool): (u32, &str)| Listed {
        identifier: pid.to_string(),
        summary: format!("(applicationPool:{pool})"),
        attributes: vec![("WP.NAME", pid.to_string()), ("APPPOOL.NAME", pool.to_owned())],
        settings: &[],
    };
    state.pools.workers().into_iter().map(listed).collect()
}

/// As the documentation shows them; which attributes the XML form has is not on record.
fn requests(machine: &Machine) -> Vec<Listed> {
    let listed = |(id, held, age): (u64, Held, u128)| Listed {
        identifier: format!("{id:016x}"),
        summary: format!(
            "(url:{} {}, time:{age} msec, client:{}, stage:ExecuteRequestHandler, module:ManagedPipelineHandler)",
            held.verb, held.url, held.client
        ),
        attributes: vec![("REQUEST.NAME", format!("{id:016x}"))],
        settings: &[],
    };
    machine.held_requests().into_iter().map(listed).collect()
}

fn modules(configuration: &Configuration) -> Vec<Listed> {
    let server = ConfigPath::apphost();
    let entries = |section: &str| {
        let effective = known(section).and_then(|schema| configuration.effective(schema, &server).ok());
        effective.map(|e| e.entries).unwrap_or_default()
    };
    let native = entries(GLOBAL_MODULES);
    let listed = |entry: &crate::machine::configuration::Values| {
        let value = |name: &str| entry.get(name).unwrap_or_default().to_owned();
        let (name, kind, condition) = (value("name"), value("type"), value("preCondition"));
        let is_native = native.iter().any(|n| n.get("name") == Some(name.as_str()));
        let summary = if is_native {
            format!("( native, preCondition:{condition} )")
        } else {
            format!("( type:{kind}, preCondition:{condition} )")
        };
        let kind = if is_native { "native".to_owned() } else { kind };
        Listed {
            identifier: name.clone(),
            summary,
            attributes: vec![("MODULE.NAME", name), ("type", kind), ("preCondition", condition)],
            settings: &[],
        }
    };
    entries(MODULES).iter().map(listed).collect()
}
