//! The one place that writes XML: every text is checked and escaped here.

use std::borrow::Cow;

use quick_xml::Writer;
use quick_xml::escape::escape;
use quick_xml::events::attributes::Attribute;
use quick_xml::events::{BytesEnd, BytesStart, BytesText, Event};
use quick_xml::name::QName;

use crate::error::Error;

/// An attribute: name and value.
pub(crate) type Attr<'a> = (&'a str, &'a str);

/// A document being written.
pub(crate) struct Xml {
    writer: Writer<Vec<u8>>,
    open: Vec<String>,
}

impl Xml {
    /// An empty document.
    pub(crate) fn new() -> Self {
        Self {
            writer: Writer::new(Vec::with_capacity(2048)),
            open: Vec::new(),
        }
    }

    /// `<name …>`
    pub(crate) fn open(&mut self, name: &str, attributes: &[Attr<'_>]) -> Result<(), Error> {
        let start = start(name, attributes)?;
        self.event(Event::Start(start))?;
        self.open.push(name.to_owned());
        Ok(())
    }

    /// Closes what was opened last.
    pub(crate) fn close(&mut self) -> Result<(), Error> {
        match self.open.pop() {
            Some(name) => self.event(Event::End(BytesEnd::new(name))),
            None => Ok(()),
        }
    }

    /// `<name …/>`
    pub(crate) fn empty(&mut self, name: &str, attributes: &[Attr<'_>]) -> Result<(), Error> {
        let start = start(name, attributes)?;
        self.event(Event::Empty(start))
    }

    /// `<name …>text</name>`, or an empty element where there is no text.
    pub(crate) fn text(&mut self, name: &str, attributes: &[Attr<'_>], text: &str) -> Result<(), Error> {
        if text.is_empty() {
            return self.empty(name, attributes);
        }
        self.open(name, attributes)?;
        self.chars(name, text)?;
        self.close()
    }

    /// Text alone, inside the open element `place`.
    pub(crate) fn chars(&mut self, place: &str, text: &str) -> Result<(), Error> {
        check(place, text)?;
        self.event(Event::Text(BytesText::from_escaped(escape(text))))
    }

    /// The finished document; whatever is still open is closed.
    pub(crate) fn finish(mut self) -> Result<Vec<u8>, Error> {
        while !self.open.is_empty() {
            self.close()?;
        }
        Ok(self.writer.into_inner())
    }

    fn event(&mut self, event: Event<'_>) -> Result<(), Error> {
        self.writer
            .write_event(event)
            .map_err(|source| Error::Write { source })
    }
}

fn start<'a>(name: &'a str, attributes: &[Attr<'a>]) -> Result<BytesStart<'a>, Error> {
    let mut start = BytesStart::new(name);
    for (key, value) in attributes {
        check(&format!("{name}/@{key}"), value)?;
        // A reader turns white space in an attribute into spaces unless it is a character reference.
        let value = escape(*value).replace('\t', "&#9;").replace('\n', "&#10;");
        start.push_attribute(Attribute {
            key: QName(key),
            value: Cow::Owned(value),
        });
    }
    Ok(start)
}

/// Refuses what XML 1.0 (production 2, Char) cannot carry.
fn check(place: &str, text: &str) -> Result<(), Error> {
    let forbidden = |c: &char| matches!(c, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}');
    match text.chars().find(forbidden) {
        Some(c) => Err(Error::ForbiddenCharacter {
            place: place.to_owned(),
            character: u32::from(c),
        }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(attribute: &str, text: &str) -> Result<String, Error> {
        let mut xml = Xml::new();
        xml.text("a", &[("b", attribute)], text)?;
        Ok(String::from_utf8(xml.finish()?).unwrap())
    }

    #[test]
    fn markup_is_escaped_and_never_cdata() {
        assert_eq!(
            written("\t\n\"<", "]]> <![CDATA[ & \r\n '").unwrap(),
            "<a b=\"&#9;&#10;&quot;&lt;\">]]&gt; &lt;![CDATA[ &amp; &#13;\n &apos;</a>"
        );
    }

    #[test]
    fn control_characters_are_refused_by_place_and_code_point() {
        assert_eq!(
            written("", "bell \u{7}").unwrap_err().to_string(),
            "a holds the character U+0007, which XML cannot carry"
        );
        assert_eq!(
            written("\0", "x").unwrap_err().to_string(),
            "a/@b holds the character U+0000, which XML cannot carry"
        );
        assert!(written("", "\u{ffff}").is_err());
        assert!(written("", "tab \t lf \n cr \r del \u{7f}").is_ok());
    }

    proptest! {
        #[test]
        fn a_reader_gets_back_exactly_what_was_written(attribute in any::<String>(), text in any::<String>()) {
            if let Ok(xml) = written(&attribute, &text) {
                let document = roxmltree::Document::parse(&xml).unwrap();
                prop_assert_eq!(document.root_element().attribute("b"), Some(attribute.as_str()));
                prop_assert_eq!(document.root_element().text().unwrap_or_default(), text);
            }
        }
    }
}
