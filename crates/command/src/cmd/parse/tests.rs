use proptest::prelude::*;

use super::{Joined, Simple, follow, parse};
use crate::Error;

fn texts(line: &str) -> Vec<(Joined, String)> {
    parse(line)
        .unwrap()
        .into_iter()
        .map(|c| (c.joined, c.text))
        .collect()
}

/// Which commands run, when those named in `failing` fail.
fn trace(line: &str, failing: &[&str]) -> Vec<String> {
    let commands = parse(line).unwrap();
    let mut ran = Vec::new();
    let mut at = Some(0);
    while let Some(index) = at {
        let name = commands[index].text.trim().to_owned();
        at = follow(&commands, index, !failing.contains(&name.as_str()));
        ran.push(name);
    }
    ran
}

#[test]
fn operators_cut_and_quotes_protect() {
    assert_eq!(
        texts(r#"echo Grüße & exit 7"#),
        [
            (Joined::First, "echo Grüße ".to_owned()),
            (Joined::Always, "exit 7".to_owned())
        ]
    );
    assert_eq!(
        texts(r#"a "x & y" && b ^& c||d"#),
        [
            (Joined::First, r#"a "x & y" "#.to_owned()),
            (Joined::OnSuccess, "b & c".to_owned()),
            (Joined::OnFailure, "d".to_owned())
        ]
    );
    assert_eq!(texts("  @echo a &"), [(Joined::First, "echo a ".to_owned())]);
    assert_eq!(
        texts(r#"echo "a ^ b" c^"#),
        [(Joined::First, r#"echo "a ^ b" c"#.to_owned())]
    );
    assert_eq!(
        texts(r#"echo ^"a^&b^" (x)"#),
        [(Joined::First, r#"echo "a&b" (x)"#.to_owned())]
    );
    assert_eq!(
        texts(r#"echo "open & still quoted"#),
        [(Joined::First, r#"echo "open & still quoted"#.to_owned())]
    );
}

#[test]
fn streams_are_redirected_from_left_to_right() {
    let flags = |line: &str| {
        let Simple {
            text,
            stderr_to_stdout,
            stdout_to_stderr,
            stdout_to_nul,
            stderr_to_nul,
            ..
        } = parse(line).unwrap().remove(0);
        (
            text,
            [stderr_to_stdout, stdout_to_stderr, stdout_to_nul, stderr_to_nul],
        )
    };
    assert_eq!(
        flags("echo oops 1>&2"),
        ("echo oops ".to_owned(), [false, true, false, false])
    );
    assert_eq!(
        flags("echo oops>&2"),
        ("echo oops".to_owned(), [false, true, false, false])
    );
    assert_eq!(flags("x 2>&1"), ("x ".to_owned(), [true, false, false, false]));
    assert_eq!(
        flags("x > NUL 2>&1"),
        ("x  ".to_owned(), [false, false, true, true])
    );
    assert_eq!(
        flags("x 2>&1 >nul"),
        ("x  ".to_owned(), [true, false, true, false])
    );
    assert_eq!(flags("x 2>nul"), ("x ".to_owned(), [false, false, false, true]));
    assert_eq!(
        flags("echo a1>nul"),
        ("echo a1".to_owned(), [false, false, true, false])
    );
    assert_eq!(flags(r#"x ">nul""#), (r#"x ">nul""#.to_owned(), [false; 4]));
}

#[test]
fn what_is_not_imitated_says_so() {
    for (line, feature) in [
        ("dir | find \"x\"", "a pipe"),
        ("sort < a.txt", "input from a file"),
        ("echo a > b.txt", "a redirection into a file"),
        ("echo a 2>>b.txt", "a redirection into a file"),
        ("echo a 3>nul", "a redirection of a handle other than 1 and 2"),
        ("echo a >&7", "a redirection to a handle other than 1 and 2"),
        ("(echo a)", "a block in parentheses"),
        ("echo a & ( echo b )", "a block in parentheses"),
        ("if exist x echo y", "`if` or `for`"),
        ("FOR %i in (1) do echo", "`if` or `for`"),
    ] {
        assert_eq!(
            parse(line),
            Err(Error::Unsupported {
                feature,
                line: line.to_owned()
            }),
            "{line}"
        );
    }
}

#[test]
fn what_cmd_refuses_is_refused() {
    for (line, found) in [
        ("& exit", "&"),
        ("a && && b", "&&"),
        ("a ||", "end of line"),
        ("a & && b", "&&"),
        (">nul", "end of line"),
    ] {
        assert_eq!(
            parse(line),
            Err(Error::Syntax {
                found: found.to_owned(),
                line: line.to_owned()
            }),
            "{line}"
        );
    }
    assert_eq!(parse("  "), Err(Error::Empty));
    assert!(matches!(
        parse("a\nb"),
        Err(Error::Unspeakable { character: '\n', .. })
    ));
}

#[test]
fn the_next_command_depends_on_the_last() {
    assert_eq!(trace("a && b || c", &[]), ["a", "b"]);
    assert_eq!(trace("a && b || c", &["a"]), ["a", "c"]);
    assert_eq!(trace("a && b || c", &["b"]), ["a", "b", "c"]);
    assert_eq!(trace("a || b && c", &[]), ["a"]);
    assert_eq!(trace("a || b && c", &["a"]), ["a", "b", "c"]);
    assert_eq!(trace("a && b & c", &["a"]), ["a", "c"]);
    assert_eq!(trace("a || b || c & d", &[]), ["a", "d"]);
    assert_eq!(trace("a || b || c & d", &["a", "b"]), ["a", "b", "c", "d"]);
}

proptest! {
    /// Whatever the line, the answer is commands with a text or an error; never a panic, never an empty command.
    #[test]
    fn any_line_has_an_answer(line in r#"([ab12"^&|<>()@ ]|>nul|2>&1|&&|\|\|){0,24}"#) {
        if let Ok(commands) = parse(&line) {
            prop_assert!(!commands.is_empty());
            prop_assert!(commands.iter().all(|c| !c.text.trim().is_empty()));
            prop_assert!(commands.iter().enumerate().all(|(i, c)| (i == 0) == (c.joined == Joined::First)));
        }
    }
}
