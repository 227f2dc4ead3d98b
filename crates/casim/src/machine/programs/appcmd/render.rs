//! Text and XML as appcmd prints them: CR LF, four blanks per level in XML, two in text.

use quick_xml::escape::escape;

/// An XML element to be printed.
#[derive(Debug, Clone, Default)]
pub(super) struct Element {
    pub(super) name: String,
    pub(super) attributes: Vec<(String, String)>,
    pub(super) children: Vec<Element>,
    /// Printed with an end tag of its own even without children.
    pub(super) open: bool,
}

impl Element {
    pub(super) fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            ..Self::default()
        }
    }

    pub(super) fn attribute(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.attributes.push((name.into(), value.into()));
        self
    }

    pub(super) fn child(mut self, child: Self) -> Self {
        self.children.push(child);
        self
    }

    /// Prints the element, `indent` blanks per level.
    pub(super) fn write(&self, indent: usize, level: usize, text: &mut String) {
        let margin = " ".repeat(indent * level);
        text.push_str(&format!("{margin}<{}", self.name));
        for (name, value) in &self.attributes {
            text.push_str(&format!(" {name}=\"{}\"", escape(value)));
        }
        if self.children.is_empty() && !self.open {
            text.push_str(" />\r\n");
            return;
        }
        text.push_str(">\r\n");
        for child in &self.children {
            child.write(indent, level + 1, text);
        }
        text.push_str(&format!("{margin}</{}>\r\n", self.name));
    }
}

/// The document of `/xml`. Nothing found is an empty `<appcmd>`.
pub(super) fn document(elements: &[Element]) -> String {
    let mut text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n<appcmd>\r\n".to_owned();
    for element in elements {
        element.write(4, 1, &mut text);
    }
    text.push_str("</appcmd>\r\n");
    text
}
