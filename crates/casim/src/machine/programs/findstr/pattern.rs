//! findstr's regular expressions: `.`, `*`, `^` in front, `$` at the end, `[abc]`, `[^abc]`, `[a-z]`, and `\` before a character that means itself.

/// One pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern {
    from_start: bool,
    to_end: bool,
    atoms: Vec<(Atom, bool)>,
}

/// What one byte may be; with `true` beside it, any number of such bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Atom {
    Any,
    /// The byte in lower case and as written, which may be one.
    Byte(u8, u8),
    Class(Box<[bool; 256]>),
}

impl Atom {
    fn fits(&self, byte: u8) -> bool {
        match self {
            Self::Any => true,
            Self::Byte(one, other) => byte == *one || byte == *other,
            Self::Class(members) => members[usize::from(byte)],
        }
    }
}

impl Pattern {
    /// A text that means itself.
    pub(super) fn literal(text: &str, any_case: bool) -> Self {
        Self {
            from_start: false,
            to_end: false,
            atoms: text.bytes().map(|byte| (plain(byte, any_case), false)).collect(),
        }
    }

    pub(super) fn regular(text: &str, any_case: bool) -> Self {
        let mut rest = text.as_bytes();
        let from_start = rest.first() == Some(&b'^');
        if from_start {
            rest = &rest[1..];
        }
        let to_end = rest.ends_with(b"$") && !rest.ends_with(br"\$");
        if to_end {
            rest = &rest[..rest.len() - 1];
        }
        let mut atoms: Vec<(Atom, bool)> = Vec::new();
        while let [first, after @ ..] = rest {
            rest = after;
            let atom = match first {
                b'.' => Atom::Any,
                b'*' if !atoms.is_empty() => {
                    if let Some(last) = atoms.last_mut() {
                        last.1 = true;
                    }
                    continue;
                }
                b'[' => match after.iter().skip(1).position(|byte| *byte == b']') {
                    Some(end) => {
                        let members = &after[..=end];
                        rest = &after[end + 2..];
                        class(members, any_case)
                    }
                    None => plain(b'[', any_case),
                },
                b'\\' if !after.is_empty() => {
                    rest = &after[1..];
                    plain(after[0], any_case)
                }
                byte => plain(*byte, any_case),
            };
            atoms.push((atom, false));
        }
        Self {
            from_start,
            to_end,
            atoms,
        }
    }

    /// Whether the pattern fits somewhere in the line (which has no line break).
    pub(super) fn fits(&self, line: &[u8]) -> bool {
        if self.from_start {
            return self.fits_here(&self.atoms, line);
        }
        (0..=line.len()).any(|start| self.fits_here(&self.atoms, &line[start..]))
    }

    fn fits_here(&self, atoms: &[(Atom, bool)], line: &[u8]) -> bool {
        let mut line = line;
        for (index, (atom, many)) in atoms.iter().enumerate() {
            if *many {
                let behind = &atoms[index + 1..];
                let most = line.iter().take_while(|byte| atom.fits(**byte)).count();
                return (0..=most).any(|taken| self.fits_here(behind, &line[taken..]));
            }
            match line {
                [first, rest @ ..] if atom.fits(*first) => line = rest,
                _ => return false,
            }
        }
        !self.to_end || line.is_empty()
    }
}

fn plain(byte: u8, any_case: bool) -> Atom {
    if any_case {
        Atom::Byte(byte.to_ascii_lowercase(), byte.to_ascii_uppercase())
    } else {
        Atom::Byte(byte, byte)
    }
}

fn class(members: &[u8], any_case: bool) -> Atom {
    let (negated, members) = match members {
        [b'^', rest @ ..] if !rest.is_empty() => (true, rest),
        all => (false, all),
    };
    let mut table = Box::new([false; 256]);
    let mut put = |byte: u8| {
        table[usize::from(byte)] = true;
        if any_case {
            table[usize::from(byte.to_ascii_lowercase())] = true;
            table[usize::from(byte.to_ascii_uppercase())] = true;
        }
    };
    let mut rest = members;
    while let [first, after @ ..] = rest {
        match after {
            [b'-', last, behind @ ..] => {
                (*first..=*last).for_each(&mut put);
                rest = behind;
            }
            _ => {
                put(*first);
                rest = after;
            }
        }
    }
    if negated {
        table.iter_mut().for_each(|member| *member = !*member);
    }
    Atom::Class(table)
}

#[cfg(test)]
mod tests {
    use super::Pattern;

    fn fits(pattern: &str, line: &str) -> bool {
        Pattern::regular(pattern, true).fits(line.as_bytes())
    }

    #[test]
    fn patterns_of_logs() {
        let pattern = "^2026-11-25 1[8-9]:.* /Microsoft-Server-ActiveSync";
        let line = "2026-11-25 19:00:00 192.0.2.11 POST /microsoft-server-activesync/default.eas -";
        assert!(fits(pattern, line));
        assert!(!fits(pattern, &line.replace("19:00", "17:00")));
        assert!(!fits(pattern, &format!("x{line}")));
        assert!(!fits(pattern, &line.replace(" /", " /x/")));
        assert!(fits("^#Fields:", "#fields: date"));
    }

    #[test]
    fn the_rest_of_the_language() {
        assert!(fits("a.c$", "xxabc") && !fits("a.c$", "abcd"));
        assert!(fits("ab*c", "ac") && fits("ab*c", "abbbc") && !fits("ab*c", "adc"));
        assert!(fits(r"a\.c", "a.c") && !fits(r"a\.c", "abc"));
        assert!(fits("[^0-9]", "12a") && !fits("[^0-9]", "123"));
        assert!(fits("[.]", ".") && !fits("[.]", "x"));
        assert!(fits("x[", "x[") && fits("", "anything") && fits("*", "a*b"));
        assert!(
            Pattern::literal("a.c", false).fits(b"xa.cx") && !Pattern::literal("a.c", false).fits(b"A.C")
        );
        assert!(!Pattern::regular("abc", false).fits(b"ABC"));
    }
}
