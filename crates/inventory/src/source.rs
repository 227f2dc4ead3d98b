//! A file's text together with the name under which people know it.

/// A file's text together with the name under which people know it. Whoever reads the disk makes one; this crate never does.
#[derive(Clone, Eq, PartialEq)]
pub struct Source {
    /// The file's name as it is shown.
    pub name: String,
    /// Its text.
    pub text: String,
}

impl Source {
    /// Puts name and text together.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            text: text.into(),
        }
    }
}

impl std::fmt::Debug for Source {
    /// Without the text, since somebody may have written a password into it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Source")
            .field("name", &self.name)
            .field("len", &self.text.len())
            .finish()
    }
}
