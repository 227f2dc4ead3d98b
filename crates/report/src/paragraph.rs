//! Texts that are longer than a screen is wide: of restrictions, witnesses, and what servers have in common.

/// A text behind a head, in lines of at most `width` characters; all but the first are indented by `hanging`. Words that are longer stay whole.
pub fn wrapped(head: &str, text: &str, hanging: usize, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = head.to_owned();
    let mut is_begun = false;
    for word in text.split(' ') {
        if is_begun && line.chars().count() + 1 + word.chars().count() > width {
            lines.push(std::mem::replace(&mut line, format!("{:hanging$}{word}", "")));
            continue;
        }
        if is_begun {
            line.push(' ');
        }
        line.push_str(word);
        is_begun = true;
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_between_words_and_hang_below_the_first() {
        assert_eq!(
            wrapped("found: ", "one two three", 2, 11),
            ["found: one", "  two three"]
        );
        assert_eq!(
            wrapped("", "one incomprehensibility", 4, 9),
            ["one", "    incomprehensibility"]
        );
        assert_eq!(wrapped("nothing: ", "", 2, 9), ["nothing: "]);
    }
}
