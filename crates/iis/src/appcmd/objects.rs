//! Applications, modules, worker processes, backups and application pools.

use command::{CommandLine, Invocation};

use super::PROGRAM;
use super::failure::{AppcmdError, AppcmdErrorKind, succeeded};
use super::object;
use crate::{ApplicationPath, Error};

/// An application as IIS knows it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct App {
    /// The name of its application pool.
    pub application_pool: String,
}

/// A worker process (w3wp).
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct WorkerProcess {
    /// Process id.
    pub pid: u32,
    /// The name of its application pool.
    pub application_pool: String,
}

/// The application, or `None` when the server has none at this path. What appcmd answers on a miss is not on record; both an error 1168 and exit
/// code 1 without a word are understood.
#[expect(
    clippy::expect_used,
    reason = "an application path is bounded and holds no character that a line cannot carry"
)]
pub fn list_app(app: &ApplicationPath) -> Invocation<Result<Option<App>, AppcmdError>> {
    // A site's root application is the only one whose identifier ends with a slash.
    let slash = if app.path() == "/" { "/" } else { "" };
    let line = CommandLine::raw(format!(r#"{PROGRAM} list app "{app}{slash}""#))
        .expect("a line about an application path");
    Invocation::new(line, |output| match object::list("APP", output) {
        Ok(objects) => match objects.into_iter().next() {
            Some(object) => {
                let pool = object.application_pool;
                let application_pool = pool
                    .ok_or_else(|| AppcmdError::unreadable("an application pool", &output.stdout_text()))?;
                Ok(Some(App { application_pool }))
            }
            None => Ok(None),
        },
        Err(error) if error.kind == AppcmdErrorKind::UnknownObject => Ok(None),
        Err(error) => Err(error),
    })
}

/// The names of all modules that IIS is configured to load.
pub fn list_modules() -> Invocation<Result<Vec<String>, AppcmdError>> {
    const LINE: CommandLine = CommandLine::literal(r"%windir%\system32\inetsrv\appcmd.exe list module");
    names(LINE, "MODULE")
}

/// The worker processes that run now; none is no error.
pub fn list_worker_processes() -> Invocation<Result<Vec<WorkerProcess>, AppcmdError>> {
    const LINE: CommandLine = CommandLine::literal(r"%windir%\system32\inetsrv\appcmd.exe list wps");
    Invocation::new(LINE, |output| {
        let unreadable =
            || AppcmdError::unreadable("a process id and an application pool", &output.stdout_text());
        let process = |object: object::Object| {
            let pid = object.name.parse().map_err(|_| unreadable())?;
            Ok(WorkerProcess {
                pid,
                application_pool: object.application_pool.ok_or_else(unreadable)?,
            })
        };
        object::list("WP", output)?.into_iter().map(process).collect()
    })
}

/// A request that a worker process is busy with.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RequestUnderWay {
    /// Path and query.
    pub url: String,
    /// GET, POST, …
    pub verb: String,
}

/// The requests under way; none is no error. Needs the Request Monitor (`IIS-RequestMonitor`), which Exchange's setup installs.
pub fn list_requests() -> Invocation<Result<Vec<RequestUnderWay>, AppcmdError>> {
    const LINE: CommandLine = CommandLine::literal(r"%windir%\system32\inetsrv\appcmd.exe list requests");
    Invocation::new(LINE, |output| {
        let request = |object: object::Object| {
            // `url:GET /path?query, time:4276 msec, client:localhost, stage:…`
            let (verb, rest) = object.properties.strip_prefix("url:")?.split_once(' ')?;
            let (url, _) = rest.rsplit_once(", time:")?;
            Some(RequestUnderWay {
                url: url.to_owned(),
                verb: verb.to_owned(),
            })
        };
        let objects = object::list("REQUEST", output)?.into_iter();
        let requests: Option<Vec<RequestUnderWay>> = objects.map(request).collect();
        requests.ok_or_else(|| AppcmdError::unreadable("a verb and a URL", &output.stdout_text()))
    })
}

/// The names of all backups. IIS lists its own history (`CFGHISTORY_…`) among them.
pub fn list_backups() -> Invocation<Result<Vec<String>, AppcmdError>> {
    const LINE: CommandLine = CommandLine::literal(r"%windir%\system32\inetsrv\appcmd.exe list backups");
    names(LINE, "BACKUP")
}

/// Copies the server's configuration files into `inetsrv\backup\NAME`. With a shared configuration, the shared files are not among them.
///
/// # Errors
/// [`Error::BadName`] unless the name consists of ASCII letters, digits, `-`, `_` and `.`, since it becomes a folder.
pub fn add_backup(name: &str) -> Result<Invocation<Result<(), AppcmdError>>, Error> {
    backup("add", name)
}

/// Deletes a backup.
///
/// # Errors
/// As [`add_backup`].
pub fn delete_backup(name: &str) -> Result<Invocation<Result<(), AppcmdError>>, Error> {
    backup("delete", name)
}

/// Puts the server's configuration files back as the backup has them. appcmd stops IIS for it and starts it again; what was changed since, by
/// whomever, is lost. With a shared configuration, the shared files stay as they are.
///
/// # Errors
/// As [`add_backup`].
pub fn restore_backup(name: &str) -> Result<Invocation<Result<(), AppcmdError>>, Error> {
    backup("restore", name)
}

/// Ends the pool's worker processes after their requests and starts new ones.
///
/// # Errors
/// [`Error::BadName`] for a name that cannot stand between quotation marks.
pub fn recycle_app_pool(name: &str) -> Result<Invocation<Result<(), AppcmdError>>, Error> {
    let refuse = |reason| {
        Err(Error::BadName {
            what: "an application pool",
            name: name.to_owned(),
            reason,
        })
    };
    if name.is_empty() || name.len() > 256 {
        return refuse("expected 1 to 256 bytes");
    }
    if name.chars().any(|c| c.is_control() || "\"%\\/".contains(c)) {
        return refuse("expected no quotation mark, percent sign, slash or backslash");
    }
    let line = CommandLine::raw(format!(r#"{PROGRAM} recycle apppool /apppool.name:"{name}""#))?;
    Ok(Invocation::new(line, succeeded))
}

fn names(line: CommandLine, kind: &'static str) -> Invocation<Result<Vec<String>, AppcmdError>> {
    Invocation::new(line, move |output| {
        Ok(object::list(kind, output)?
            .into_iter()
            .map(|object| object.name)
            .collect())
    })
}

fn backup(verb: &str, name: &str) -> Result<Invocation<Result<(), AppcmdError>>, Error> {
    let fits = !name.is_empty()
        && name.len() <= 100
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
        && !name.starts_with(['-', '.'])
        && !name.ends_with('.');
    if !fits {
        let reason =
            "expected 1 to 100 ASCII letters, digits, `-`, `_` or `.`, the first a letter, digit or `_`";
        return Err(Error::BadName {
            what: "a backup",
            name: name.to_owned(),
            reason,
        });
    }
    let line = CommandLine::raw(format!("{PROGRAM} {verb} backup {name}"))?;
    Ok(Invocation::new(line, succeeded))
}

#[cfg(test)]
mod tests;
