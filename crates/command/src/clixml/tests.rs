use proptest::prelude::*;

use super::{Decoded, decode, unescape};

const HEAD: &str = "<Objs Version=\"1.1.0.1\" xmlns=\"http://schemas.microsoft.com/powershell/2004/04\">";

#[test]
fn streams_are_kept_apart() {
    let xml = format!(
        "#< CLIXML\r\n{HEAD}<Obj S=\"progress\" RefId=\"0\"><MS><PR N=\"Record\"><AV>Preparing modules</AV></PR></MS></Obj>\
         <S S=\"Error\">one_x000D__x000A_</S><S S=\"warning\">careful</S><S S=\"verbose\">v</S><S S=\"debug\">d</S>\
         <S S=\"Error\">two</S><Obj S=\"Error\" RefId=\"1\"><ToString> three</ToString></Obj><S S=\"information\">i</S></Objs>"
    );
    assert_eq!(
        decode(xml.as_bytes()),
        Decoded {
            errors: "one\r\ntwo three".to_owned(),
            warnings: vec!["careful".to_owned()],
            verbose: vec!["v".to_owned()],
            debug: vec!["d".to_owned()],
            output: Vec::new(),
            rest: String::new(),
            text: "one\r\ntwo three".to_owned(),
        }
    );
}

#[test]
fn several_markers_with_text_between() {
    let text = format!(
        "before\n#< CLIXML\n{HEAD}<S S=\"Error\">A</S></Objs>{HEAD}<S S=\"Error\">B</S></Objs>between #< CLIXML\r\n{HEAD}<S S=\"Error\">C</S></Objs>after"
    );
    let decoded = decode(text.as_bytes());
    assert_eq!(decoded.errors, "ABC");
    assert_eq!(decoded.rest, "before\nbetween after");
    assert_eq!(decoded.text, "before\nABbetween Cafter");
}

#[test]
fn what_is_broken_comes_back_raw() {
    for raw in [
        "plain text only\r\n",
        "#< CLIXML\r\n<Objs><S S=\"Error\">cut o",
        "#< CLIXML\r\n<Objs><S S=\"Error\">a & b</S></Objs>",
        "#< CLIXML",
        "#< CLIXML then words",
    ] {
        let decoded = decode(raw.as_bytes());
        assert_eq!(
            (decoded.errors.as_str(), decoded.text.replace("\r\n", "")),
            ("", raw.replace("\r\n", "")),
            "{raw}"
        );
    }
}

#[test]
fn a_cut_document_does_not_swallow_the_next() {
    let text = format!("#< CLIXML\n{HEAD}<S S=\"Error\">cut#< CLIXML\n{HEAD}<S S=\"Error\">whole</S></Objs>");
    let decoded = decode(text.as_bytes());
    assert_eq!(decoded.errors, "whole");
    assert!(decoded.rest.ends_with("<S S=\"Error\">cut"), "{}", decoded.rest);
}

#[test]
fn empty_documents_are_legal() {
    assert_eq!(decode(b"#< CLIXML\r\n<Objs Version=\"1.1.0.1\" />x").text, "x");
    assert_eq!(
        decode(format!("#< CLIXML\n{HEAD}</Objs>").as_bytes()),
        Decoded::default()
    );
}

#[test]
fn escapes_are_utf16_units() {
    for (text, expected) in [
        ("a_x000D__x000A_b", "a\r\nb"),
        ("_xD83D__xDE00_", "😀"),
        ("_x005F_x000D_", "_x000D_"),
        ("_xD83D_!", "\u{FFFD}!"),
        ("_x00e9_", "é"),
        ("_x12_ _xGGGG_ __x0041_ _x+041_ _x", "_x12_ _xGGGG_ _A _x+041_ _x"),
        ("snake_case_äx", "snake_case_äx"),
    ] {
        assert_eq!(unescape(text), expected, "{text}");
    }
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "recordings are found through the environment"
)]
fn the_recorded_stderr() {
    let Ok(folder) = std::env::var("CASGATE_RECORDINGS") else {
        println!("skipped: CASGATE_RECORDINGS is not set");
        return;
    };
    let bytes = std::fs::read(format!("{folder}/clixml/stderr_with_error.xml")).unwrap();
    let decoded = decode(&bytes);
    let lines: Vec<&str> = decoded.text.lines().collect();
    assert_eq!(lines.len(), 8);
    assert!(
        lines[0].starts_with("fake : The term 'fake' is not recognized as the name of a cmdlet"),
        "{}",
        lines[0]
    );
    assert_eq!(lines[6], "    + FullyQualifiedErrorId : CommandNotFoundException");
    assert_eq!(decoded.rest, "");
}

proptest! {
    #[test]
    fn any_bytes_have_an_answer(bytes in any::<Vec<u8>>()) {
        let decoded = decode(&bytes);
        prop_assert_eq!(decoded.text, decoded.rest);
    }

    #[test]
    fn escaped_text_comes_back(text in any::<String>()) {
        let escaped: String = text.encode_utf16().map(|unit| format!("_x{unit:04X}_")).collect();
        prop_assert_eq!(unescape(&escaped), text);
    }
}
