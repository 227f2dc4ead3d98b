//! Where in the configuration hierarchy something is: `MACHINE/WEBROOT/APPHOST/Default Web Site/owa`.

use std::fmt;

/// What every path of the web server begins with.
const ROOT: &str = "MACHINE/WEBROOT/APPHOST";

/// A level of the hierarchy, from `APPHOST` (no segments) down. Comparison ignores ASCII case, as IIS does.
#[derive(Debug, Clone, Default)]
pub(in crate::machine) struct ConfigPath {
    segments: Vec<String>,
}

impl ConfigPath {
    /// The level of `applicationHost.config` itself.
    pub(in crate::machine) fn apphost() -> Self {
        Self::default()
    }

    /// Splits `Default Web Site/owa`; empty segments and a `MACHINE/WEBROOT/APPHOST` in front are dropped.
    pub(in crate::machine) fn parse(text: &str) -> Self {
        let rest = match text.get(..ROOT.len()) {
            Some(head) if head.eq_ignore_ascii_case(ROOT) => text.get(ROOT.len()..).unwrap_or(""),
            _ => text,
        };
        let segments = rest
            .split('/')
            .filter(|s| !s.is_empty())
            .map(str::to_owned)
            .collect();
        Self { segments }
    }

    /// The site's name, `None` for `APPHOST`.
    pub(in crate::machine) fn site(&self) -> Option<&str> {
        self.segments.first().map(String::as_str)
    }

    /// The part below the site: `/` or `/owa/auth`.
    pub(in crate::machine) fn below_site(&self) -> String {
        format!("/{}", self.segments.get(1..).unwrap_or(&[]).join("/"))
    }

    /// Number of levels below `APPHOST`.
    pub(in crate::machine) fn depth(&self) -> usize {
        self.segments.len()
    }

    /// Whether `self` is `other` or lies above it.
    pub(in crate::machine) fn covers(&self, other: &Self) -> bool {
        self.segments.len() <= other.segments.len()
            && self
                .segments
                .iter()
                .zip(&other.segments)
                .all(|(a, b)| a.eq_ignore_ascii_case(b))
    }

    /// The level above, `APPHOST` for `APPHOST`.
    pub(in crate::machine) fn parent(&self) -> Self {
        let mut segments = self.segments.clone();
        segments.pop();
        Self { segments }
    }

    /// The level cut down to `depth` segments.
    pub(in crate::machine) fn at_depth(&self, depth: usize) -> Self {
        Self {
            segments: self.segments.iter().take(depth).cloned().collect(),
        }
    }

    /// Replaces the site's name by the spelling that the configuration has.
    pub(in crate::machine) fn with_site(mut self, name: &str) -> Self {
        if let Some(first) = self.segments.first_mut() {
            name.clone_into(first);
        }
        self
    }
}

impl PartialEq for ConfigPath {
    fn eq(&self, other: &Self) -> bool {
        self.depth() == other.depth() && self.covers(other)
    }
}

impl Eq for ConfigPath {}

impl fmt::Display for ConfigPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(ROOT)?;
        self.segments
            .iter()
            .try_for_each(|segment| write!(f, "/{segment}"))
    }
}

#[cfg(test)]
mod tests {
    use super::ConfigPath;

    #[test]
    fn full_and_short_forms_are_the_same_level() {
        let short = ConfigPath::parse("Default Web Site/owa/");
        assert_eq!(
            short,
            ConfigPath::parse("machine/webroot/apphost/default web site/OWA")
        );
        assert_eq!(short.to_string(), "MACHINE/WEBROOT/APPHOST/Default Web Site/owa");
        assert_eq!(short.below_site(), "/owa");
        assert_eq!(
            ConfigPath::parse("MACHINE/WEBROOT/APPHOST"),
            ConfigPath::apphost()
        );
    }

    #[test]
    fn a_level_covers_itself_and_what_is_below_but_no_namesake() {
        let app = ConfigPath::parse("Default Web Site/owa");
        assert!(app.covers(&app));
        assert!(app.covers(&ConfigPath::parse("Default Web Site/owa/auth")));
        assert!(!app.covers(&ConfigPath::parse("Default Web Site/owa2")));
        assert!(ConfigPath::apphost().covers(&app));
    }
}
