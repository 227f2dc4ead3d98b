//! `%VAR%`, the first thing that cmd.exe looks at.

/// Replaces `%NAME%` by its value. As at the prompt (and unlike in a batch file) a name that is not defined stays as it is, percent signs
/// included. `lookup` gets the name as written; Windows compares names without regard to case. Of the modifiers only the plain form is known:
/// `%NAME:a=b%` of a defined variable is left as it is.
pub fn expand(line: &str, lookup: &dyn Fn(&str) -> Option<String>) -> String {
    let mut text = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((before, after)) = rest.split_once('%') {
        text.push_str(before);
        match after
            .split_once('%')
            .and_then(|(name, tail)| Some((lookup(name)?, tail)))
        {
            Some((value, tail)) => {
                text.push_str(&value);
                rest = tail;
            }
            None => {
                text.push('%');
                rest = after;
            }
        }
    }
    text.push_str(rest);
    text
}

#[cfg(test)]
mod tests {
    use super::expand;

    #[test]
    fn defined_names_are_replaced_and_others_stay() {
        let lookup = |name: &str| {
            name.eq_ignore_ascii_case("windir")
                .then(|| r"C:\Windows".to_owned())
        };
        assert_eq!(
            expand(r"%WinDir%\system32 100% %nosuch% %%windir%", &lookup),
            r"C:\Windows\system32 100% %nosuch% %C:\Windows"
        );
        assert_eq!(
            expand(r#""%windir%" ^%windir^%"#, &lookup),
            r#""C:\Windows" ^%windir^%"#
        );
        assert_eq!(expand("%", &lookup), "%");
    }
}
