//! IIS's schema: which attributes `ipSecurity` has on this server. IIS 7.x has neither `denyAction` nor `enableProxyMode`, and the schema tells
//! without trust in a version number.

use command::{CommandLine, Invocation, Output};

use crate::Error;
use crate::error::excerpt;
use crate::ip_security::SECTION;

/// What `ipSecurity` can hold beside its entries.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Attributes {
    /// IIS 8.0 and later.
    pub deny_action: bool,
    /// IIS 8.0 and later.
    pub enable_proxy_mode: bool,
}

/// Reads the lines of IIS_schema.xml that begin a section or name one of the attributes, in their order: an attribute belongs to the section
/// that began last.
pub fn ip_security() -> Invocation<Result<Attributes, Error>> {
    const LINE: CommandLine = CommandLine::literal(
        r#"findstr /l /i /c:"<sectionSchema " /c:"denyAction" /c:"enableProxyMode" %windir%\system32\inetsrv\config\schema\IIS_schema.xml"#,
    );
    Invocation::new(LINE, |output: &Output| {
        let text = output.stdout_text();
        // findstr ends with 1 when nothing was found.
        if output.exit_code != 0 {
            return Err(Error::failed("findstr IIS_schema.xml", output));
        }
        let mut found = None;
        let mut is_inside = false;
        for line in text.lines().map(str::trim) {
            if let Some(name) = value_of(line, "<sectionSchema ", "name") {
                is_inside = name.eq_ignore_ascii_case(SECTION);
                if is_inside {
                    found.get_or_insert(Attributes {
                        deny_action: false,
                        enable_proxy_mode: false,
                    });
                }
            } else if is_inside
                && let (Some(seen), Some(name)) = (&mut found, value_of(line, "<attribute ", "name"))
            {
                seen.deny_action |= name.eq_ignore_ascii_case("denyAction");
                seen.enable_proxy_mode |= name.eq_ignore_ascii_case("enableProxyMode");
            }
        }
        found.ok_or_else(|| Error::Unreadable {
            program: "findstr IIS_schema.xml".to_owned(),
            expected: "the section system.webServer/security/ipSecurity",
            found: excerpt(&text),
        })
    })
}

/// The attribute's value on a line that begins an element.
fn value_of<'a>(line: &'a str, element: &str, attribute: &str) -> Option<&'a str> {
    let head = line.get(..element.len())?;
    if !head.eq_ignore_ascii_case(element) {
        return None;
    }
    let rest = line.get(element.len()..)?;
    let at = rest.find(&format!("{attribute}=\""))?;
    rest.get(at + attribute.len() + 2..)?.split('"').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Result<Attributes, Error> {
        ip_security().parse(&Output {
            exit_code: 0,
            stdout: text.into(),
            stderr: Vec::new(),
        })
    }

    const IIS_10: &str = "  <sectionSchema name=\"system.webServer/security/authorization\">\r\n  <sectionSchema name=\"system.webServer/security/ipSecurity\">\r\n    \
        <attribute name=\"enableProxyMode\" type=\"bool\" defaultValue=\"false\" />\r\n    <attribute name=\"denyAction\" type=\"enum\" defaultValue=\"Forbidden\">\r\n  \
        <sectionSchema name=\"system.webServer/security/dynamicIpSecurity\">\r\n    <attribute name=\"denyAction\" type=\"enum\" defaultValue=\"Forbidden\">\r\n";

    #[test]
    fn attributes_belong_to_their_section() {
        assert_eq!(
            lines(IIS_10),
            Ok(Attributes {
                deny_action: true,
                enable_proxy_mode: true
            })
        );
        // The dynamic restrictions as an addition to IIS 7 have attributes of these names in a section of their own.
        let iis_7 = "  <sectionSchema name=\"system.webServer/security/ipSecurity\">\r\n  <sectionSchema name=\"system.webServer/security/dynamicIpSecurity\">\r\n    \
            <attribute name=\"denyAction\" type=\"enum\" />\r\n    <attribute name=\"enableProxyMode\" type=\"bool\" />\r\n";
        assert_eq!(
            lines(iis_7),
            Ok(Attributes {
                deny_action: false,
                enable_proxy_mode: false
            })
        );
    }

    #[test]
    fn a_schema_without_the_section_is_an_error() {
        assert!(matches!(
            lines("  <sectionSchema name=\"system.webServer/asp\">\r\n"),
            Err(Error::Unreadable { .. })
        ));
        assert!(lines("").is_err());
        let gone = Output {
            exit_code: 1,
            ..Output::default()
        };
        assert_eq!(ip_security().parse(&gone).unwrap_err().exit_code(), Some(1));
    }
}
