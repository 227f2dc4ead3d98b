//! The path of a request as IIS sees it before any module does.

/// Query and fragment cut off, percent escapes decoded, backslashes turned, `.` and `..` and empty segments resolved. So
/// no spelling of a path leads around the rules of the level that it means.
pub(super) fn normalised(path: &str) -> String {
    let stem = path.split(['?', '#']).next().unwrap_or_default();
    let decoded = decoded(stem).replace('\\', "/");
    let mut segments: Vec<&str> = Vec::new();
    for segment in decoded.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop();
            }
            other => segments.push(other),
        }
    }
    let directory = decoded.ends_with('/') || decoded.ends_with("/.") || decoded.ends_with("/..");
    let end = if directory && !segments.is_empty() {
        "/"
    } else {
        ""
    };
    format!("/{}{end}", segments.join("/"))
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let digits = after.get(..2).and_then(|d| std::str::from_utf8(d).ok());
        let escaped = digits.filter(|d| *first == b'%' && d.bytes().all(|b| b.is_ascii_hexdigit()));
        match escaped.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::normalised;

    #[test]
    fn spellings_of_one_path() {
        for (spelling, meant) in [
            ("/owa/?x=/../y", "/owa/"),
            (
                "/owa/../Microsoft-Server-ActiveSync/",
                "/Microsoft-Server-ActiveSync/",
            ),
            ("//Microsoft-Server-ActiveSync", "/Microsoft-Server-ActiveSync"),
            ("/%4dicrosoft-Server-ActiveSync/%2e%2e/ecp", "/ecp"),
            ("\\owa\\.\\auth", "/owa/auth"),
            ("/../..", "/"),
            ("", "/"),
            ("/%zz%", "/%zz%"),
        ] {
            assert_eq!(normalised(spelling), meant, "{spelling}");
        }
    }

    proptest! {
        #[test]
        fn nothing_is_left_to_resolve(path in any::<String>()) {
            let once = normalised(&path);
            prop_assert!(once.starts_with('/') && !once.contains("//") && !once.contains('\\'));
            prop_assert!(once.split('/').all(|segment| segment != "." && segment != ".."));
        }
    }
}
