//! `IIS_schema.xml`: the schema of the sections as a file, of the release that the server runs.

use super::WindowsRelease;
use super::configuration::schema::{self, Kind};

/// Where the file is, in lower case.
const FILE: &str = r"c:\windows\system32\inetsrv\config\schema\iis_schema.xml";

/// The text of the file, if `path` names it.
pub(super) fn text_of(path: &str, windows: WindowsRelease) -> Option<String> {
    if path.to_lowercase() != FILE {
        return None;
    }
    let mut lines = vec!["<configSchema>".to_owned()];
    for section in schema::all(windows) {
        lines.push(format!("  <sectionSchema name=\"{}\">", section.path));
        for attribute in section.attributes {
            let (kind, names): (&str, &[&str]) = match attribute.kind {
                Kind::Bool => ("bool", &[]),
                Kind::Text => ("string", &[]),
                Kind::Enum(names) => ("enum", names),
                Kind::Flags(names) => ("flags", names),
            };
            let head = format!(
                "    <attribute name=\"{}\" type=\"{kind}\" defaultValue=\"{}\"",
                attribute.name, attribute.default
            );
            if names.is_empty() {
                lines.push(format!("{head} />"));
                continue;
            }
            lines.push(format!("{head}>"));
            lines.extend(
                names
                    .iter()
                    .enumerate()
                    .map(|(value, name)| format!("      <{kind} name=\"{name}\" value=\"{value}\" />")),
            );
            lines.push("    </attribute>".to_owned());
        }
        lines.push("  </sectionSchema>".to_owned());
    }
    lines.extend(["</configSchema>".to_owned(), String::new()]);
    Some(lines.join("\r\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_knows_what_the_release_knows() {
        let path = r"C:\Windows\System32\inetsrv\config\schema\IIS_schema.xml";
        let attributes = |windows| {
            let text = text_of(path, windows).expect("the file");
            let document = roxmltree::Document::parse(&text).expect("XML");
            let section = document
                .descendants()
                .find(|node| node.attribute("name") == Some("system.webServer/security/ipSecurity"))
                .expect("the section");
            let names = section.children().filter_map(|node| node.attribute("name"));
            names.map(str::to_owned).collect::<Vec<_>>()
        };
        assert!(attributes(WindowsRelease::Server2019).contains(&"denyAction".to_owned()));
        assert!(!attributes(WindowsRelease::Server2008R2).contains(&"denyAction".to_owned()));
        assert_eq!(text_of(r"C:\Windows\win.ini", WindowsRelease::Server2019), None);
    }
}
