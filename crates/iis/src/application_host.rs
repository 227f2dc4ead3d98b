//! applicationHost.config, read as far as `ipSecurity` and the modules go: for copies of the file, in tests and in comparisons. On a server,
//! [`appcmd`](crate::appcmd) is asked instead.

use markup::Limits;
use roxmltree::{Document, Node};

use crate::ip_security::{Level, Section, element, inherited};
use crate::{ApplicationPath, Error};

/// An `ipSecurity` section and where it stands.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Located {
    /// The `path` of the `location` around it; empty for the server itself.
    pub path: String,
    /// What is written there.
    pub section: Section,
}

/// Every `system.webServer/security/ipSecurity` of the file, in its order. The section of the same name below `system.ftpServer` is another one.
///
/// # Errors
/// [`Error::NotXml`], [`Error::BadAttribute`], [`Error::DuplicateRule`].
pub fn ip_security_sections(config: &str) -> Result<Vec<Located>, Error> {
    let alone = |(path, level)| {
        let section = inherited(&[level])?;
        Ok(Located { path, section })
    };
    levels(config)?.into_iter().map(alone).collect()
}

/// What takes effect at an application: what the file writes for the server, for its site, and on the way down to it. A web.config may say more,
/// unless the section is locked, as it is by default.
///
/// # Errors
/// Those of [`ip_security_sections`]; [`Error::DuplicateRule`] also when a level adds an inherited entry again.
pub fn effective_section(config: &str, app: &ApplicationPath) -> Result<Section, Error> {
    let place = app.to_string().to_ascii_lowercase();
    let mut above = levels(config)?;
    above.retain(|(path, _)| {
        let rest = place.strip_prefix(&path.trim_end_matches('/').to_ascii_lowercase());
        path.is_empty() || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    });
    above.sort_by_key(|(path, _)| path.len());
    let above: Vec<Level> = above.into_iter().map(|(_, level)| level).collect();
    inherited(&above)
}

fn levels(config: &str) -> Result<Vec<(String, Level)>, Error> {
    let document = parse(config)?;
    let root = document.root_element();
    let places = std::iter::once((root, "")).chain(
        children(root, "location").map(|location| (location, location.attribute("path").unwrap_or_default())),
    );
    let mut found = Vec::new();
    for (place, path) in places {
        let elements = children(place, "system.webServer")
            .flat_map(|server| children(server, "security"))
            .flat_map(|security| children(security, "ipSecurity"));
        for ip_security in elements {
            found.push((path.to_owned(), element::level(ip_security)?));
        }
    }
    Ok(found)
}

/// The names of the native modules that the server loads (`globalModules`).
///
/// # Errors
/// [`Error::NotXml`].
pub fn global_modules(config: &str) -> Result<Vec<String>, Error> {
    let document = parse(config)?;
    let modules = children(document.root_element(), "system.webServer")
        .flat_map(|server| children(server, "globalModules"))
        .flat_map(|modules| children(modules, "add"))
        .filter_map(|add| add.attribute("name"));
    Ok(modules.map(str::to_owned).collect())
}

fn parse(config: &str) -> Result<Document<'_>, Error> {
    markup::parse(config.trim_start_matches('\u{FEFF}'), &Limits::default())
        .map_err(|source| Error::NotXml { source })
}

fn children<'a, 'input: 'a>(
    node: Node<'a, 'input>,
    name: &'static str,
) -> impl Iterator<Item = Node<'a, 'input>> {
    node.children()
        .filter(move |child| child.is_element() && child.tag_name().name() == name)
}

#[cfg(test)]
mod tests;
