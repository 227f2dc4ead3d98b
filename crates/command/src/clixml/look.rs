//! Where the tag or the element ends that stands next, found without reading it and without looking twice.

use super::MARKER;

/// What stands next, after blanks.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Found {
    /// What was looked for. It ends here.
    Whole(usize),
    /// Perhaps what was looked for, but its end has not arrived.
    Cut,
    /// Something else, or too much, or a new marker inside it: a document that was cut off must not swallow the next one.
    Other,
}

/// How far a text has been looked through. It may grow between two looks, and must otherwise be the same.
#[derive(Debug, Default)]
pub(super) struct Look {
    /// Bytes of blanks in front.
    blank: usize,
    /// Up to here everything has been looked at.
    seen: usize,
    /// Elements that are open.
    depth: usize,
    tag: Option<Tag>,
}

/// A tag that has begun.
#[derive(Debug)]
struct Tag {
    closes: bool,
    /// What stands in quotes does not end it.
    quote: Option<u8>,
}

impl Look {
    /// Looks for the tag that begins a document.
    pub(super) fn document(&mut self, text: &str, most: usize) -> Found {
        const OPEN: &str = "<Objs";
        let start = self.behind_blanks(text);
        if start.len() <= OPEN.len() && OPEN.starts_with(start) {
            return if self.blank > most {
                Found::Other
            } else {
                Found::Cut
            };
        }
        let is_objs = start
            .strip_prefix(OPEN)
            .is_some_and(|rest| rest.starts_with([' ', '>', '\t', '\r', '\n', '/']));
        if !is_objs {
            return Found::Other;
        }
        let from = self.seen.max(self.blank + OPEN.len());
        let bytes = text.as_bytes().get(from..).unwrap_or_default();
        match bytes.iter().position(|byte| matches!(byte, b'<' | b'>')) {
            Some(at) if bytes.get(at) == Some(&b'>') => Found::Whole(from + at + 1),
            Some(_) => Found::Other,
            None if text.len() > most => Found::Other,
            None => {
                self.seen = text.len();
                Found::Cut
            }
        }
    }

    /// Looks for an element: its tags are counted, whatever their names.
    pub(super) fn element(&mut self, text: &str, most: usize) -> Found {
        self.behind_blanks(text);
        if self.blank > most {
            return Found::Other;
        }
        self.seen = self.seen.max(self.blank);
        let bytes = text.as_bytes();
        while let Some(&byte) = bytes.get(self.seen) {
            if self.seen > most {
                return Found::Other;
            }
            let next = bytes.get(self.seen + 1);
            match (&mut self.tag, byte) {
                (None, b'<') => match next {
                    None => return Found::Cut,
                    // Serialized objects have neither comments nor instructions; a blank comes in a marker.
                    Some(b'!' | b'?' | b' ') => return Found::Other,
                    Some(next) => {
                        self.tag = Some(Tag {
                            closes: *next == b'/',
                            quote: None,
                        });
                    }
                },
                (None, _) if self.depth == 0 => return Found::Other,
                (None, _) => {}
                // XML has none here, a marker has.
                (Some(_), b'<') => return Found::Other,
                (Some(tag), byte) if tag.quote == Some(byte) => tag.quote = None,
                (Some(Tag { quote: Some(_), .. }), _) => {}
                (Some(tag), b'"' | b'\'') => tag.quote = Some(byte),
                (Some(tag), b'>') => {
                    if tag.closes {
                        self.depth = self.depth.saturating_sub(1);
                    } else if bytes.get(self.seen - 1) != Some(&b'/') {
                        self.depth += 1;
                    }
                    self.tag = None;
                    if self.depth == 0 {
                        return Found::Whole(self.seen + 1);
                    }
                }
                (Some(_), _) => {}
            }
            self.seen += 1;
        }
        Found::Cut
    }

    /// What follows the blanks.
    fn behind_blanks<'text>(&mut self, text: &'text str) -> &'text str {
        // After the first look there are no blanks left to be skipped, unless there was nothing else.
        let rest = &text[self.blank..];
        let start = rest.trim_start();
        self.blank += rest.len() - start.len();
        start
    }
}

// A look stops at each `<` of a marker: with a blank behind it, it begins no tag.
const _: () = assert!(matches!(MARKER.as_bytes(), [b'#', b'<', b' ', ..]));

#[cfg(test)]
mod tests {
    use super::{Found, Look};

    #[test]
    fn ends_are_found_in_any_number_of_pieces() {
        let table = [
            ("<S>a</S>b", Found::Whole(8)),
            (" \r\n<S/>b", Found::Whole(7)),
            ("<S a='>' b=\"'/>\"><c/></S>", Found::Whole(25)),
            ("</Objs><S", Found::Whole(7)),
            ("<S><c></S>", Found::Cut),
            ("<S", Found::Cut),
            ("<", Found::Cut),
            ("  ", Found::Cut),
            ("<S>#<", Found::Cut),
            ("<S>#< CLIXML", Found::Other),
            ("<S a='#< CLIXML'/>", Found::Other),
            ("<S <c>", Found::Other),
            ("x<S/>", Found::Other),
            ("<!-- --><S/>", Found::Other),
            ("<?S?>", Found::Other),
        ];
        for (text, expected) in table {
            assert_eq!(Look::default().element(text, 100), expected, "{text}");
            let mut look = Look::default();
            let ends = (0..=text.len()).filter(|end| text.is_char_boundary(*end));
            let piecewise = ends
                .map(|end| look.element(&text[..end], 100))
                .find(|found| *found != Found::Cut);
            assert_eq!(piecewise.unwrap_or(Found::Cut), expected, "{text} in pieces");
        }
        assert_eq!(Look::default().element("<S>too long</S>", 5), Found::Other);
        assert_eq!(Look::default().element("      ", 5), Found::Other);
    }

    #[test]
    fn documents_begin_with_one_tag() {
        for (text, expected) in [
            ("\r\n<Objs Version=\"1.1\">x", Found::Whole(22)),
            ("<Objs/>", Found::Whole(7)),
            ("<Objs", Found::Cut),
            ("<Ob", Found::Cut),
            ("", Found::Cut),
            ("<Objs a", Found::Cut),
            ("<Objs a#< CLIXML<Objs>", Found::Other),
            ("<Object>", Found::Other),
            ("<Objs too long", Found::Other),
            ("              ", Found::Other),
        ] {
            assert_eq!(Look::default().document(text, 10), expected, "{text}");
        }
    }
}
