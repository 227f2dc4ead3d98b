//! appcmd's two ways to print objects: `APP "name" (key:value)` lines, and `<APP APP.NAME="name" key="value" />` below `<appcmd>`.

use command::Output;
use markup::Limits;
use roxmltree::{Document, Node};

use super::failure::AppcmdError;

/// One object of a list.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Object {
    /// Its name.
    pub(super) name: String,
    /// The application pool that it names, under any of the three spellings on record.
    pub(super) application_pool: Option<String>,
    /// In the text form what stands between the parentheses; empty in XML.
    pub(super) properties: String,
}

/// Reads all objects of a type (`APP`, `WP`, `MODULE`, `BACKUP`). A list without objects ends with 0 or, without a word, with 1.
pub(super) fn list(kind: &str, output: &Output) -> Result<Vec<Object>, AppcmdError> {
    let stdout = output.stdout_text();
    let silent = stdout.trim().is_empty() && output.stderr.trim_ascii().is_empty();
    if output.exit_code <= 1 && silent {
        return Ok(Vec::new());
    }
    if let Some(error) = AppcmdError::of(output) {
        // An empty XML list, too, may end with 1.
        let empty = matches!(from_xml(kind, &stdout), Some(Ok(objects)) if objects.is_empty());
        return if output.exit_code == 1 && empty {
            Ok(Vec::new())
        } else {
            Err(error)
        };
    }
    match from_xml(kind, &stdout) {
        Some(objects) => objects,
        None => from_lines(kind, &stdout),
    }
}

fn from_lines(kind: &str, text: &str) -> Result<Vec<Object>, AppcmdError> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let objects: Vec<Object> = lines.filter_map(|line| from_line(kind, line)).collect();
    if objects.is_empty() {
        Err(AppcmdError::unreadable(
            &format!("a list of {kind} objects"),
            text,
        ))
    } else {
        Ok(objects)
    }
}

fn from_line(kind: &str, line: &str) -> Option<Object> {
    let (name, rest) = line.strip_prefix(kind)?.strip_prefix(" \"")?.split_once('"')?;
    let properties = rest
        .trim()
        .strip_prefix('(')
        .and_then(|r| r.strip_suffix(')'))
        .unwrap_or_default()
        .trim();
    let application_pool = ["applicationPool:", "apppool:"]
        .iter()
        .find_map(|key| properties.strip_prefix(key));
    Some(Object {
        name: name.to_owned(),
        application_pool: application_pool.map(str::to_owned),
        properties: properties.to_owned(),
    })
}

/// `None` when the text is no XML at all.
fn from_xml(kind: &str, text: &str) -> Option<Result<Vec<Object>, AppcmdError>> {
    let document = match parse(text)? {
        Ok(document) => document,
        Err(error) => return Some(Err(error)),
    };
    let name = format!("{kind}.NAME");
    let objects = document
        .root_element()
        .children()
        .filter(|node| node.has_tag_name(kind))
        .map(|node| {
            let pool = ["applicationPool", "APPPOOL.NAME", "apppool"]
                .iter()
                .find_map(|key| node.attribute(*key));
            match node.attribute(name.as_str()) {
                Some(name) => Ok(Object {
                    name: name.to_owned(),
                    application_pool: pool.map(str::to_owned),
                    properties: String::new(),
                }),
                None => Err(AppcmdError::unreadable(&format!("attribute {name}"), text)),
            }
        });
    Some(objects.collect())
}

/// Reads all objects of a type from a list that was asked for in XML; `needed` names what each must have.
pub(super) fn list_xml<T>(
    kind: &str,
    needed: &str,
    output: &Output,
    read: impl Fn(Node<'_, '_>) -> Option<T>,
) -> Result<Vec<T>, AppcmdError> {
    let stdout = output.stdout_text();
    let unreadable = |what: &str| AppcmdError::unreadable(what, &stdout);
    let document = match (parse(&stdout), AppcmdError::of(output)) {
        (Some(Ok(document)), None) => document,
        // An empty list may end with 1.
        (Some(Ok(document)), Some(error)) => {
            let is_empty = !document.root_element().children().any(|node| node.is_element());
            return if error.exit_code == 1 && is_empty {
                Ok(Vec::new())
            } else {
                Err(error)
            };
        }
        (Some(Err(error)), None) | (_, Some(error)) => return Err(error),
        (None, None) => return Err(unreadable("XML")),
    };
    let objects = document.root_element().children();
    objects
        .filter(|node| node.has_tag_name(kind))
        .map(|node| read(node).ok_or_else(|| unreadable(&format!("{kind} objects with {needed}"))))
        .collect()
}

/// Parses appcmd's XML; `None` when the text is no XML. appcmd may print a byte order mark or blanks in front.
pub(super) fn parse(text: &str) -> Option<Result<Document<'_>, AppcmdError>> {
    let text = text.trim_start_matches('\u{FEFF}').trim();
    if !text.starts_with("<?xml") && !text.starts_with('<') {
        return None;
    }
    let unreadable = |why: markup::Error| AppcmdError::unreadable(&format!("XML ({why})"), text);
    Some(markup::parse(text, &Limits::default()).map_err(unreadable))
}

/// The element of a section below a `CONFIG` element: flat, with hyphens (`/xml`), or nested as in a configuration file (text mode).
pub(super) fn section<'a, 'input>(config: Node<'a, 'input>, section: &str) -> Option<Node<'a, 'input>> {
    let flat = section.replace('/', "-");
    let child = |node: Node<'a, 'input>, name: &str| {
        node.children()
            .find(|c| c.is_element() && c.tag_name().name() == name)
    };
    child(config, &flat).or_else(|| section.split('/').try_fold(config, child))
}
