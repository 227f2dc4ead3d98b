//! Passwords by reference: looked up when they are needed, handed down as secrets, never printed.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use auth::{Credentials, Secret};
use driver::Urls;
use inventory::{Credential, HookAct, Inventory, PasswordSource, ServerName};
use rollout::Plan;

use crate::error::Error;
use crate::printer::Printer;

/// Whom a command asks for a plan.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Reach {
    /// Its servers.
    Servers,
    /// And the vantages of its witnesses.
    VantagesToo,
    /// Its servers and the load balancers of their pools.
    LoadBalancersToo,
    /// All of them.
    Everybody,
}

/// Whom a command asks. A password that it has no use for is not looked up, and nobody is asked for it.
#[derive(Debug, Default)]
pub(crate) struct Asked<'a> {
    /// These servers.
    pub(crate) servers: Vec<&'a ServerName>,
    /// The load balancers of these servers' pools.
    pub(crate) balancers_of: Vec<&'a ServerName>,
}

/// The credentials that those who are asked need, by their names in the inventory.
pub(crate) fn resolve(
    inventory: &Inventory,
    asked: &Asked<'_>,
    folder: &Path,
    printer: &Printer,
) -> Result<BTreeMap<String, Credentials>, Error> {
    let written = |name: &&ServerName| inventory.servers.get(*name);
    let of_servers = asked.servers.iter().filter_map(written);
    let of_servers = of_servers.map(|server| server.credential.as_str());
    let of_balancers = asked
        .balancers_of
        .iter()
        .filter_map(written)
        .filter_map(|server| {
            let pool = inventory.pools.get(server.pool.as_ref()?)?;
            inventory
                .load_balancers
                .get(pool.load_balancer.as_ref()?)?
                .credential()
        });
    let mut found = BTreeMap::new();
    for name in of_servers.chain(of_balancers) {
        if found.contains_key(name) {
            continue;
        }
        if let Some(credential) = inventory.credentials.get(name) {
            let password = look_up(name, credential, folder, printer)?;
            found.insert(name.to_owned(), Credentials::new(&credential.user, password));
        }
    }
    Ok(found)
}

/// The URLs of a plan's hooks that stand in the environment. Programs see neither those nor passwords.
#[expect(
    clippy::disallowed_methods,
    reason = "the command line is where the environment is read"
)]
pub(crate) fn urls(plan: &Plan, inventory: &Inventory) -> Arc<Urls> {
    let named = plan.hooks.iter().filter_map(|hook| match &hook.act {
        HookAct::Post { url_env, .. } => Some(url_env.clone()),
        HookAct::Command(_) => None,
    });
    let found: BTreeMap<String, Secret> = named
        .filter_map(|name| {
            let url = std::env::var(&name).ok()?;
            Some((name, Secret::from(url)))
        })
        .collect();
    let passwords = inventory
        .credentials
        .values()
        .filter_map(|credential| match &credential.password {
            PasswordSource::Env(name) => Some(name.clone()),
            PasswordSource::File(_) | PasswordSource::Command(_) | PasswordSource::Prompt(_) => None,
        });
    let withheld = passwords.chain(found.keys().cloned()).collect();
    Arc::new(Urls { found, withheld })
}

#[expect(
    clippy::disallowed_methods,
    reason = "the command line is where the environment is read"
)]
fn look_up(name: &str, credential: &Credential, folder: &Path, printer: &Printer) -> Result<Secret, Error> {
    let missing = |place: String, hint: &str, source: Option<std::io::Error>| Error::NoPassword {
        credential: name.to_owned(),
        place,
        hint: hint.to_owned(),
        source,
    };
    match &credential.password {
        PasswordSource::Env(variable) => match std::env::var(variable) {
            Ok(value) if !value.is_empty() => Ok(Secret::from(value)),
            _ => Err(missing(
                format!("environment variable {variable}"),
                &format!("set it: export {variable}=…"),
                None,
            )),
        },
        PasswordSource::File(file) => {
            let path = folder.join(file);
            let text = std::fs::read_to_string(&path).map_err(|e| {
                missing(
                    format!("file {}", path.display()),
                    "the file holds the password on its first line",
                    Some(e),
                )
            })?;
            first_line(text).ok_or_else(|| {
                missing(
                    format!("file {}", path.display()),
                    "its first line is empty",
                    None,
                )
            })
        }
        PasswordSource::Command(words) => {
            let place = format!("command `{}`", words.first().map_or("", String::as_str));
            let (program, arguments) = words
                .split_first()
                .ok_or_else(|| missing(place.clone(), "name a program and its arguments", None))?;
            let output = Command::new(program)
                .args(arguments)
                .stdin(Stdio::inherit())
                .stderr(Stdio::inherit())
                .output()
                .map_err(|e| {
                    missing(
                        place.clone(),
                        "is the program installed and on the PATH?",
                        Some(e),
                    )
                })?;
            if !output.status.success() {
                return Err(missing(
                    format!("{place} ({})", output.status),
                    "run it by hand to see what it says",
                    None,
                ));
            }
            first_line(String::from_utf8_lossy(&output.stdout).into_owned())
                .ok_or_else(|| missing(place, "it printed nothing on its first line", None))
        }
        PasswordSource::Prompt(text) => {
            if !printer.can_ask() {
                return Err(missing(
                    "a prompt".to_owned(),
                    "off a terminal nobody can be asked: use env, file or command",
                    None,
                ));
            }
            let typed = rpassword::prompt_password(format!("{text} for {}: ", credential.user))
                .map_err(|e| missing("a prompt".to_owned(), "nothing could be read", Some(e)))?;
            Ok(Secret::from(typed))
        }
    }
}

fn first_line(text: String) -> Option<Secret> {
    text.lines()
        .next()
        .filter(|line| !line.is_empty())
        .map(|line| Secret::from(line.to_owned()))
}
