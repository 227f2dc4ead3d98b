//! "Did you mean": the known word that lies nearest to a mistyped one.

/// The nearest of `known`, if it is near enough to be meant.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let plain = plain(word);
    // One slip for short words, one for each three characters of longer ones.
    let limit = (plain.chars().count() / 3).max(1);
    known
        .into_iter()
        .map(|candidate| (distance(&plain, &self::plain(candidate)), candidate))
        .filter(|&(distance, _)| distance <= limit)
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, candidate)| candidate)
}

/// `did you mean `x`?`, or the list of what is known.
pub(crate) fn hint<'a>(word: &str, known: impl IntoIterator<Item = &'a str> + Clone, what: &str) -> String {
    if let Some(near) = nearest(word, known.clone()) {
        return format!("did you mean `{near}`?");
    }
    let mut names = known
        .into_iter()
        .map(|name| format!("`{name}`"))
        .collect::<Vec<_>>();
    let rest = names.len().saturating_sub(20);
    names.truncate(20);
    match (names.as_slice(), rest) {
        ([], _) => format!("there is no {what} yet"),
        ([only], 0) => format!("the only {what} is {only}"),
        (_, 0) => format!("known: {}", names.join(", ")),
        (_, rest) => format!("known: {} and {rest} more", names.join(", ")),
    }
}

/// A word without what people mix up: case, and `-` or a space for `_`.
fn plain(word: &str) -> String {
    word.chars()
        .take(64)
        .map(|c| {
            if matches!(c, '-' | ' ') {
                '_'
            } else {
                c.to_ascii_lowercase()
            }
        })
        .collect()
}

/// How many characters have to be put in, left out, changed or swapped with their neighbour (optimal string alignment).
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for (i, &from) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, &to) in b.iter().enumerate() {
            let changed = above[j] + usize::from(from != to);
            let mut best = changed.min(above[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && from == b[j - 1] && a[i - 1] == to {
                best = best.min(before[j - 1] + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut above, row);
    }
    above.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{distance, hint, nearest};

    #[test]
    fn counts_slips() {
        for (a, b, slips) in [
            ("", "", 0),
            ("abc", "", 3),
            ("", "abc", 3),
            ("drian", "drain", 1),
            ("drain", "drain", 0),
            ("restrit", "restrict", 1),
            ("ca", "abc", 3),
        ] {
            assert_eq!(distance(a, b), slips, "{a} {b}");
        }
    }

    #[test]
    fn finds_what_was_meant() {
        let known = ["drain", "back_up", "return_to_rotation", "wait_healthy"];
        assert_eq!(nearest("drian", known), Some("drain"));
        assert_eq!(nearest("backup", known), Some("back_up"));
        assert_eq!(nearest("Return-To-Rotation", known), Some("return_to_rotation"));
        assert_eq!(nearest("wait_heathly", known), Some("wait_healthy"));
        assert_eq!(nearest("reboot", known), None);
        assert_eq!(nearest("", known), None);
    }

    #[test]
    fn lists_what_is_known_when_nothing_is_near() {
        assert_eq!(hint("x", ["pool"], "key"), "the only key is `pool`");
        assert_eq!(hint("zzzz", ["a1", "b2"], "key"), "known: `a1`, `b2`");
        assert_eq!(hint("x", [], "pool"), "there is no pool yet");
    }
}
