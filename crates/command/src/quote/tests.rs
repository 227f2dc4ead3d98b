use proptest::prelude::*;

use super::{argument, for_cmd, split};
use crate::Error;

#[test]
fn the_examples_of_the_win32_page() {
    // "CommandLineToArgvW function", and the table of "Parsing C command-line arguments".
    assert_eq!(split(r#""abc" d e"#), ["abc", "d", "e"]);
    assert_eq!(split(r#"a\\b d"e f"g h"#), [r"a\\b", "de fg", "h"]);
    assert_eq!(split(r#"a\\\"b c d"#), [r#"a\"b"#, "c", "d"]);
    assert_eq!(split(r#"a\\\\"b c" d e"#), [r"a\\b c", "d", "e"]);
    assert_eq!(split(r#" "" x  "y"#), ["", "x", "y"]);
    assert_eq!(split(""), Vec::<String>::new());
}

#[test]
fn doubled_quotes_of_other_writers() {
    assert_eq!(
        split(r#"/+"[name='a""",value='b']""#),
        [r#"/+[name='a",value='b']"#]
    );
    assert_eq!(
        split(r#"set "/+[ipAddress='192.0.2.10',allowed='True']""#),
        ["set", "/+[ipAddress='192.0.2.10',allowed='True']"]
    );
}

#[test]
fn arguments_read_as_expected() {
    for (value, text) in [
        ("W3SVC", "W3SVC"),
        ("/featurename:IIS-IPSecurity", "/featurename:IIS-IPSecurity"),
        ("", r#""""#),
        ("Default Web Site/x", r#""Default Web Site/x""#),
        ("a&b", r#""a&b""#),
        (r#"say "hi""#, r#""say \"hi\"""#),
        (r#"\""#, r#""\\\"""#),
        (r"C:\dir name\", r#""C:\dir name\\""#),
        ("a\u{3000}b", "\"a\u{3000}b\""),
    ] {
        assert_eq!(argument(value).unwrap(), text);
        assert_eq!(split(text), [value]);
    }
}

#[test]
fn a_line_break_is_refused() {
    assert_eq!(
        argument("a\nb"),
        Err(Error::Unspeakable {
            character: '\n',
            position: 1,
            place: "an argument"
        })
    );
}

#[test]
fn no_percent_sign_can_start_a_variable() {
    assert_eq!(for_cmd(&argument("%PATH:x=y%").unwrap()), "^\"%^PATH:x=y%^\"");
    assert_eq!(for_cmd(&argument("100%%").unwrap()), "^\"100%^%^\"");
}

proptest! {
    #[test]
    fn split_is_the_inverse(value in r#"(["\\ %^&|\t]|\PC){0,20}"#) {
        prop_assume!(super::check(&value, "an argument").is_ok());
        prop_assert_eq!(split(&argument(&value).unwrap()), [value]);
    }

    #[test]
    fn several_stay_apart(values in proptest::collection::vec(r#"(["\\ a^&]){0,6}"#, 0..6)) {
        let line: Vec<String> = values.iter().map(|v| argument(v).unwrap()).collect();
        prop_assert_eq!(split(&line.join(" ")), values);
    }
}
