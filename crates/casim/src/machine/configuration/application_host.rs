//! `applicationHost.config` as text: read into the model as far as the model goes, and written from it.
//!
//! Sites, pools and the sections of `schema` are taken over; what the model does not have (handlers, MIME types, logs, child
//! elements inside a section) is passed over, so what is written is a file of the same meaning for the model, not the same file.

use roxmltree::{Document, Node};

use super::schema::{Collection, OverrideMode, SectionSchema, all};
use super::{AppPool, Application, ConfigPath, Configuration, Directive, Section, Site, Values};
use crate::machine::WindowsRelease;

/// What the file says of these objects where it says nothing.
const DEFAULT_POOL: &str = "DefaultAppPool";

/// Reads the text of the file.
///
/// # Errors
/// A sentence about what was met and cannot be taken over.
pub(in crate::machine) fn read(text: &str, windows: WindowsRelease) -> Result<Configuration, String> {
    let text = text.trim_start_matches('\u{feff}');
    let document = Document::parse(text).map_err(|error| error.to_string())?;
    let root = document.root_element();
    let mut configuration = Configuration {
        sites: Vec::new(),
        pools: Vec::new(),
        files: Vec::new(),
        modes: Vec::new(),
        stamp: 1,
        windows,
    };
    for host in children(root, "system.applicationHost") {
        for pools in children(host, "applicationPools") {
            configuration.pools.extend(children(pools, "add").map(pool));
        }
        for sites in children(host, "sites") {
            for node in children(sites, "site") {
                configuration.sites.push(site(node)?);
            }
        }
    }
    sections(&mut configuration, root, &ConfigPath::apphost(), None)?;
    for location in children(root, "location") {
        let level = ConfigPath::parse(location.attribute("path").unwrap_or_default());
        let mode = match location.attribute("overrideMode") {
            Some("Allow") => Some(OverrideMode::Allow),
            Some("Deny") => Some(OverrideMode::Deny),
            _ => None,
        };
        sections(&mut configuration, location, &level, mode)?;
    }
    Ok(configuration)
}

fn children<'a, 'input: 'a>(
    node: Node<'a, 'input>,
    name: &'static str,
) -> impl Iterator<Item = Node<'a, 'input>> {
    node.children().filter(move |child| child.has_tag_name(name))
}

fn text(node: Node<'_, '_>, name: &str) -> String {
    node.attribute(name).unwrap_or_default().to_owned()
}

fn pool(node: Node<'_, '_>) -> AppPool {
    let recycling = children(node, "recycling").next();
    AppPool {
        name: text(node, "name"),
        runtime: match node.attribute("managedRuntimeVersion") {
            Some("v2.0") => "v2.0",
            _ => "v4.0",
        },
        classic: node.attribute("managedPipelineMode") == Some("Classic"),
        disallow_overlapping_rotation: recycling
            .and_then(|recycling| recycling.attribute("disallowOverlappingRotation"))
            == Some("true"),
    }
}

fn site(node: Node<'_, '_>) -> Result<Site, String> {
    let id = text(node, "id");
    let application = |node: Node<'_, '_>| Application {
        path: text(node, "path"),
        pool: node
            .attribute("applicationPool")
            .unwrap_or(DEFAULT_POOL)
            .to_owned(),
        directories: children(node, "virtualDirectory")
            .map(|directory| (text(directory, "path"), text(directory, "physicalPath")))
            .collect(),
    };
    Ok(Site {
        id: id.parse().map_err(|_| format!("a site with the id `{id}`"))?,
        name: text(node, "name"),
        bindings: children(node, "bindings")
            .flat_map(|bindings| children(bindings, "binding"))
            .map(|binding| (text(binding, "protocol"), text(binding, "bindingInformation")))
            .collect(),
        applications: children(node, "application").map(application).collect(),
        started: true,
    })
}

/// Takes over every modelled section right below `place`.
fn sections(
    configuration: &mut Configuration,
    place: Node<'_, '_>,
    level: &ConfigPath,
    mode: Option<OverrideMode>,
) -> Result<(), String> {
    for schema in all(configuration.windows) {
        let mut found = vec![place];
        for name in schema.path.split('/') {
            found = found
                .iter()
                .flat_map(|node| node.children().filter(move |child| child.has_tag_name(name)))
                .collect();
        }
        for node in found {
            let read =
                section(schema, node).map_err(|what| format!("{what} in {} of {level}", schema.path))?;
            let own = configuration.place(schema, &ConfigPath::apphost(), level);
            for (name, value) in read.attributes.iter() {
                own.attributes.set(name, value);
            }
            own.directives.extend(read.directives);
            if let Some(mode) = mode {
                configuration.set_mode(schema, level, mode);
            }
        }
    }
    Ok(())
}

fn section(schema: &'static SectionSchema, node: Node<'_, '_>) -> Result<Section, String> {
    let mut section = Section::default();
    for attribute in node.attributes() {
        if let Some(known) = schema.attribute(attribute.name()) {
            let value = known
                .canonical(attribute.value())
                .ok_or_else(|| format!("{}=`{}`", attribute.name(), attribute.value()))?;
            section.attributes.set(known.name, value);
        }
    }
    let Some(collection) = &schema.collection else {
        return Ok(section);
    };
    for child in node.children().filter(Node::is_element) {
        match child.tag_name().name() {
            name if name == collection.element => {
                section.directives.push(Directive::Add(entry(collection, child)?));
            }
            "remove" => section
                .directives
                .push(Directive::Remove(entry(collection, child)?)),
            // In front of everything it has nothing to take away.
            "clear" if section.directives.is_empty() => {}
            other => return Err(format!("<{other}>")),
        }
    }
    Ok(section)
}

fn entry(collection: &'static Collection, node: Node<'_, '_>) -> Result<Values, String> {
    let mut values = Values::default();
    for attribute in node.attributes() {
        if let Some(known) = collection.attribute(attribute.name()) {
            let value = known
                .canonical(attribute.value())
                .ok_or_else(|| format!("{}=`{}`", attribute.name(), attribute.value()))?;
            values.set(known.name, value);
        }
    }
    Ok(values)
}

/// Writes the model as the text of the file: objects first, then a location tag for each section of each level.
pub(in crate::machine) fn write(configuration: &Configuration) -> String {
    let mut lines = Lines::default();
    lines.push(0, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>");
    lines.push(0, "<configuration>");
    lines.push(1, "<system.applicationHost>");
    lines.push(2, "<applicationPools>");
    for pool in &configuration.pools {
        let mode = if pool.classic { "Classic" } else { "Integrated" };
        let attributes = [
            ("name", pool.name.as_str()),
            ("managedRuntimeVersion", pool.runtime),
            ("managedPipelineMode", mode),
        ];
        lines.open(3, "add", attributes);
        if pool.disallow_overlapping_rotation {
            lines.empty(4, "recycling", [("disallowOverlappingRotation", "true")]);
        }
        lines.push(3, "</add>");
    }
    lines.push(2, "</applicationPools>");
    lines.push(2, "<sites>");
    for site in &configuration.sites {
        lines.open(
            3,
            "site",
            [("name", site.name.as_str()), ("id", &site.id.to_string())],
        );
        for application in &site.applications {
            let attributes = [
                ("path", application.path.as_str()),
                ("applicationPool", &application.pool),
            ];
            lines.open(4, "application", attributes);
            for (path, folder) in &application.directories {
                lines.empty(
                    5,
                    "virtualDirectory",
                    [("path", path.as_str()), ("physicalPath", folder)],
                );
            }
            lines.push(4, "</application>");
        }
        lines.push(4, "<bindings>");
        for (protocol, information) in &site.bindings {
            let attributes = [
                ("protocol", protocol.as_str()),
                ("bindingInformation", information),
            ];
            lines.empty(5, "binding", attributes);
        }
        lines.push(4, "</bindings>");
        lines.push(3, "</site>");
    }
    lines.push(2, "</sites>");
    lines.push(1, "</system.applicationHost>");
    let own = configuration.files.iter().filter(|file| file.level.depth() == 0);
    for location in own.flat_map(|file| &file.locations) {
        for (path, section) in &location.sections {
            lines.location(configuration, &location.level, path, section);
        }
    }
    lines.push(0, "</configuration>");
    lines.0
}

/// A text in the making; four blanks a level, CR LF.
#[derive(Default)]
struct Lines(String);

impl Lines {
    fn push(&mut self, depth: usize, line: &str) {
        self.0.push_str(&format!("{}{line}\r\n", "    ".repeat(depth)));
    }

    fn open<'a>(
        &mut self,
        depth: usize,
        name: &str,
        attributes: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) {
        self.push(depth, &format!("<{name}{}>", written(attributes)));
    }

    fn empty<'a>(
        &mut self,
        depth: usize,
        name: &str,
        attributes: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) {
        self.push(depth, &format!("<{name}{} />", written(attributes)));
    }

    /// One section of one level in a location tag of its own.
    fn location(&mut self, configuration: &Configuration, level: &ConfigPath, path: &str, section: &Section) {
        let mode = configuration
            .modes
            .iter()
            .find(|mode| mode.section == path && mode.level == *level)
            .map(|mode| match mode.mode {
                OverrideMode::Allow => ("overrideMode", "Allow"),
                OverrideMode::Deny => ("overrideMode", "Deny"),
            });
        let names: Vec<&str> = path.split('/').collect();
        let Some((last, around)) = names.split_last() else {
            return;
        };
        // What the server says for itself stands outside of every location tag, unless it says for whom it may be overridden.
        let is_tagged = level.depth() > 0 || mode.is_some();
        let first = 1 + usize::from(is_tagged);
        if is_tagged {
            let below = level.to_string();
            let below = below.strip_prefix("MACHINE/WEBROOT/APPHOST").unwrap_or(&below);
            let path = ("path", below.trim_start_matches('/'));
            self.open(1, "location", std::iter::once(path).chain(mode));
        }
        for (index, name) in around.iter().enumerate() {
            self.open(first + index, name, []);
        }
        let depth = first + around.len();
        self.push(depth, &format!("<{last}{}>", values(&section.attributes)));
        for directive in &section.directives {
            let (name, entry) = match directive {
                Directive::Add(entry) => ("add", entry),
                Directive::Remove(entry) => ("remove", entry),
            };
            self.push(depth + 1, &format!("<{name}{} />", values(entry)));
        }
        self.push(depth, &format!("</{last}>"));
        for (index, name) in around.iter().enumerate().rev() {
            self.push(first + index, &format!("</{name}>"));
        }
        if is_tagged {
            self.push(1, "</location>");
        }
    }
}

fn values(values: &Values) -> String {
    values
        .iter()
        .map(|(name, value)| attribute(name, value))
        .collect()
}

fn attribute(name: &str, value: &str) -> String {
    format!(" {name}=\"{}\"", quick_xml::escape::escape(value))
}

fn written<'a>(attributes: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    attributes
        .into_iter()
        .map(|(name, value)| attribute(name, value))
        .collect()
}
