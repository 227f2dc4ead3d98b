//! What a configuration command is about: the level that the identifier names, and the file that the commit writes.

use super::Refused;
use super::failure::Failure;
use crate::machine::configuration::{ConfigPath, Configuration};

/// The level an identifier names: a path of the configuration or a URL. The site must exist; what is below it need
/// not, since a location's path is only a string.
pub(super) fn level(configuration: &Configuration, identifier: Option<&str>) -> Result<ConfigPath, Failure> {
    let identifier = identifier.unwrap_or_default();
    let missing = || Failure::cannot_find("SITE", ConfigPath::parse(identifier).site().unwrap_or(identifier));
    let lower = identifier.to_ascii_lowercase();
    let url = [("http://", "80"), ("https://", "443")]
        .into_iter()
        .find(|(scheme, _)| lower.starts_with(scheme));
    if let Some((scheme, default_port)) = url {
        let rest = identifier.get(scheme.len()..).unwrap_or_default();
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        let port = host.rsplit_once(':').map_or(default_port, |(_, port)| port);
        let bound = |info: &str| info.split(':').nth(1) == Some(port);
        let site = configuration
            .sites
            .iter()
            .find(|s| s.bindings.iter().any(|(_, info)| bound(info)));
        return site
            .map(|s| ConfigPath::parse(&format!("{}/{path}", s.name)))
            .ok_or_else(missing);
    }
    let path = ConfigPath::parse(identifier);
    match path.site() {
        None => Ok(path),
        Some(name) => {
            let site = configuration.site(name).ok_or_else(missing)?.name.clone();
            Ok(path.with_site(&site))
        }
    }
}

/// The file that a commit writes: `apphost`, `site`, `app`, `parent`, `url`, or a path above the level. Without one it
/// is the level's own file.
pub(super) fn commit_path(commit: Option<&str>, level: &ConfigPath) -> Result<ConfigPath, Refused> {
    let Some(commit) = commit else {
        return Ok(level.clone());
    };
    Ok(match commit.to_ascii_lowercase().as_str() {
        "apphost" => ConfigPath::apphost(),
        "site" => level.at_depth(1),
        "url" | "app" => level.clone(),
        "parent" => level.parent(),
        "machine" | "webroot" => {
            return Err(Refused::NotSimulated(
                "configuration above applicationHost.config".to_owned(),
            ));
        }
        path if path.starts_with("machine/webroot/apphost") => Some(ConfigPath::parse(commit))
            .filter(|p| p.covers(level))
            .ok_or_else(|| Failure::invalid_commit(commit))?,
        _ => return Err(Failure::invalid_commit(commit).into()),
    })
}

/// Where a level's own `web.config` is on disk.
pub(super) fn file_name(configuration: &Configuration, level: &ConfigPath) -> String {
    let below = level.below_site();
    let applications = level
        .site()
        .and_then(|site| configuration.site(site))
        .map(|site| site.applications.as_slice());
    let within = |path: &str| path == "/" || ConfigPath::parse(path).covers(&ConfigPath::parse(&below));
    let application = applications
        .unwrap_or_default()
        .iter()
        .filter(|a| within(&a.path))
        .max_by_key(|a| a.path.len());
    let folder = application
        .and_then(|a| a.directories.first())
        .map_or(r"C:\inetpub\wwwroot", |(_, folder)| folder.as_str());
    let rest = application
        .and_then(|a| below.get(a.path.len()..))
        .unwrap_or_default();
    format!(
        r"\\?\{}{}\web.config",
        folder.replace("%SystemDrive%", "C:"),
        rest.replace('/', "\\")
    )
}
