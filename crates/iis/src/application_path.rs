//! Where in IIS's configuration an application stands.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Error;

/// A site and an application or directory below it, e.g. `Default Web Site/Microsoft-Server-ActiveSync`: appcmd's identifier, and the `path`
/// of a `location` element. Holds only what can stand between quotation marks on a command line.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct ApplicationPath {
    site: String,
    path: String,
}

impl ApplicationPath {
    /// Longest text, so that every command line about it stays far below its limit.
    const LONGEST: usize = 400;

    /// Joins a site's name and a path that starts with `/` (`/` alone is the site's root).
    pub fn new(site: &str, path: &str) -> Result<Self, Error> {
        let refuse = |reason| {
            Err(Error::BadApplicationPath {
                text: format!("{site}{path}"),
                reason,
            })
        };
        let padded = |text: &str| text.trim() != text;
        if site.is_empty() || padded(site) {
            return refuse("expected the name of a site in front");
        }
        if !path.starts_with('/') {
            return refuse("expected a path that starts with `/`");
        }
        if site.len() + path.len() > Self::LONGEST {
            return refuse("longer than 400 bytes");
        }
        // IIS refuses these in a site's name; `"` and `%` could also reach out of the quotation marks.
        if site
            .chars()
            .any(|c| c.is_control() || "\\/?;:@&=+$,|\"<>*%".contains(c))
        {
            return refuse("a character that no site's name has");
        }
        if path.chars().any(|c| c.is_control() || "\\?:|\"<>*%#".contains(c)) {
            return refuse("a character that no application's path has");
        }
        let path = path.trim_end_matches('/');
        if path
            .split('/')
            .skip(1)
            .any(|s| matches!(s, "" | "." | "..") || padded(s))
        {
            return refuse("an empty or relative part of the path");
        }
        let path = if path.is_empty() { "/" } else { path };
        Ok(Self {
            site: site.to_owned(),
            path: path.to_owned(),
        })
    }

    /// The site, e.g. `Default Web Site`.
    pub fn site(&self) -> &str {
        &self.site
    }

    /// The path below the site, e.g. `/Microsoft-Server-ActiveSync`; `/` for the site's root.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Whether both name the same place: IIS compares without regard to ASCII case.
    pub fn same_place(&self, other: &Self) -> bool {
        self.site.eq_ignore_ascii_case(&other.site) && self.path.eq_ignore_ascii_case(&other.path)
    }
}

impl fmt::Display for ApplicationPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.site)?;
        f.write_str(if self.path == "/" { "" } else { &self.path })
    }
}

impl FromStr for ApplicationPath {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text.find('/') {
            Some(at) => Self::new(&text[..at], &text[at..]),
            None => Self::new(text, "/"),
        }
    }
}

impl TryFrom<String> for ApplicationPath {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

impl From<ApplicationPath> for String {
    fn from(path: ApplicationPath) -> Self {
        path.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::ApplicationPath;
    use crate::Error;

    #[test]
    fn text_is_taken_apart_and_joined_again() {
        for (text, site, path, shown) in [
            (
                "Default Web Site/Microsoft-Server-ActiveSync",
                "Default Web Site",
                "/Microsoft-Server-ActiveSync",
                None,
            ),
            ("Default Web Site/a/b (c)", "Default Web Site", "/a/b (c)", None),
            (
                "Default Web Site/ecp/",
                "Default Web Site",
                "/ecp",
                Some("Default Web Site/ecp"),
            ),
            (
                "Default Web Site/",
                "Default Web Site",
                "/",
                Some("Default Web Site"),
            ),
            ("Default Web Site", "Default Web Site", "/", None),
        ] {
            let app: ApplicationPath = text.parse().unwrap();
            assert_eq!((app.site(), app.path()), (site, path));
            assert_eq!(app.to_string(), shown.unwrap_or(text));
        }
    }

    #[test]
    fn what_could_leave_the_quotation_marks_is_refused() {
        for text in [
            "",
            "/x",
            " /x",
            "A ",
            "A//x",
            "A/x/../y",
            "A/./x",
            "A/ x",
            "A\"/x",
            "A/x\" & format c: \"",
            "A/%PATH%",
            "A/x\\",
            "A/x?y",
            "A&B/x",
            "A/x\r\ny",
        ] {
            assert!(
                matches!(
                    text.parse::<ApplicationPath>(),
                    Err(Error::BadApplicationPath { .. })
                ),
                "{text:?}"
            );
        }
        assert!(
            format!("A/{}", "x".repeat(400))
                .parse::<ApplicationPath>()
                .is_err()
        );
    }

    #[test]
    fn case_makes_no_other_place() {
        let place = |text: &str| text.parse::<ApplicationPath>().unwrap();
        assert!(place("default web site/ECP").same_place(&place("Default Web Site/ecp")));
        assert!(!place("Default Web Site/ecp").same_place(&place("Default Web Site/owa")));
    }
}
