use proptest::prelude::*;

use super::{Decoded, Decoder, Record, decode, unescape};

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

#[test]
fn records_come_out_as_soon_as_they_are_whole() {
    let mut decoder = Decoder::new();
    assert_eq!(
        decoder.push(b"plain #< CLI"),
        [Record::Plain("plain ".to_owned())]
    );
    assert_eq!(decoder.push(format!("XML\r\n{HEAD}<S S=\"Err").as_bytes()), []);
    assert_eq!(
        decoder.push("or\">Größe_x000D_".as_bytes()),
        [],
        "the record is not whole"
    );
    assert_eq!(
        decoder.push("_x000A_</S><S S=\"warning\">w</S><S S=\"Error\">cut".as_bytes()),
        [
            Record::Error("Größe\r\n".to_owned()),
            Record::Warning("w".to_owned())
        ]
    );
    assert_eq!(
        decoder.finish(),
        [Record::Plain("<S S=\"Error\">cut".to_owned())],
        "what was cut off comes out raw"
    );
}

#[test]
fn a_record_that_never_ends_is_handed_out() {
    let mut decoder = Decoder::new();
    decoder.push(format!("#< CLIXML\n{HEAD}<S S=\"Error\">").as_bytes());
    let mut raw = 0;
    for _ in 0..40 {
        for record in decoder.push(&[b'x'; 64 * 1024]) {
            match record {
                Record::Plain(text) => raw += text.len(),
                other => panic!("{other:?}"),
            }
        }
    }
    assert!(raw > 2 * 1024 * 1024, "{raw} bytes of 2.5 MiB");
}

/// The beginning of a character is kept for the next piece only where the piece ends with it.
#[test]
fn cut_characters_in_the_middle_are_not_moved_or_lost() {
    for bytes in [
        &b"a\xe2b"[..],
        b"a\xe2\x82b\xe2\x82\xac",
        b"\xf0\x9f\xff",
        b"\xe2",
        b"\xe2\xe2\x82",
    ] {
        let expected = String::from_utf8_lossy(bytes).into_owned();
        assert_eq!(decode(bytes).text, expected);
        let mut decoder = Decoder::new();
        let mut records: Vec<Record> = bytes.iter().flat_map(|byte| decoder.push(&[*byte])).collect();
        records.extend(decoder.finish());
        let text: String = records
            .into_iter()
            .map(|record| match record {
                Record::Plain(text) => text,
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(text, expected, "byte by byte");
    }
}

/// Blanks may stand before a document, but not for ever.
#[test]
fn blanks_that_never_end_are_handed_out() {
    for before in ["#< CLIXML\n".to_owned(), format!("#< CLIXML\n{HEAD}")] {
        let mut decoder = Decoder::new();
        decoder.push(before.as_bytes());
        let raw: usize = (0..40)
            .flat_map(|_| decoder.push(&[b' '; 64 * 1024]))
            .map(|record| match record {
                Record::Plain(text) => text.len(),
                other => panic!("{other:?}"),
            })
            .sum();
        assert!(raw > 1024 * 1024, "{raw} bytes of 2.5 MiB");
    }
}

/// Whatever stands in it and however it comes, the time that a stream takes grows with its length, not with the square of it.
#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "the time that decoding takes is what is tested"
)]
fn nothing_takes_long() {
    use std::time::{Duration, Instant};
    const SIZE: usize = 512 * 1024;
    let attributes: String = (0..100_000).map(|n| format!("a{n}='' ")).collect();
    let pieces = [
        format!("#< CLIXML\n{HEAD}"),
        format!("#< CLIXML\n{HEAD}<a>"),
        "#< CLIXML\n<Objs".to_owned(),
        "#< CLIXML\n<Objs ".to_owned(),
        "#< CLIXML\n<Objs/>".to_owned(),
        "<Objs/>".to_owned(),
        "<S S=\"Error\">e</S>".to_owned(),
        "<S S=\"Error\">e".to_owned(),
        "<a b='".to_owned(),
        "<S>#< CLIXM".to_owned(),
        "</Objs>".to_owned(),
        " ".to_owned(),
        "<".to_owned(),
        "#".to_owned(),
        "_x".to_owned(),
        "\u{e4}".to_owned(),
        format!("<S {attributes}/>"),
    ];
    for piece in pieces {
        let body = piece.repeat(SIZE / piece.len());
        for text in [body.clone(), format!("#< CLIXML\n{HEAD}{body}")] {
            for step in [3, SIZE * 2] {
                let started = Instant::now();
                let mut decoder = Decoder::new();
                for bytes in text.as_bytes().chunks(step) {
                    decoder.push(bytes);
                }
                decoder.finish();
                let took = started.elapsed();
                let name: String = piece.chars().take(30).collect();
                assert!(
                    took < Duration::from_secs(5),
                    "{name:?} by {step} bytes: {took:?}"
                );
            }
        }
    }
}

/// A stream of documents, plain text and damage.
fn stream() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        Just("#< CLIXML\r\n".to_owned()),
        Just(format!("#< CLIXML\r\n{HEAD}")),
        Just(HEAD.to_owned()),
        Just("<S S=\"Error\">Gr\u{f6}\u{df}e_x000D__x000A_</S>".to_owned()),
        Just("<S S=\"warning\">a &gt; b</S>".to_owned()),
        Just("<Obj S=\"progress\" RefId=\"0\"><MS><I64 N=\"a>b\">1</I64></MS></Obj>".to_owned()),
        Just("<S S=\"Error\">a & b</S>".to_owned()),
        Just("<S S=\"Error\">cut".to_owned()),
        Just("</Objs>".to_owned()),
        "[a-z<># \r\n\u{e4}]{0,6}",
    ];
    proptest::collection::vec(part, 0..12).prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn pieces_make_no_difference(text in stream(), cuts in proptest::collection::vec(0usize..400, 0..12)) {
        let bytes = text.as_bytes();
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
        cuts.push(bytes.len());
        cuts.sort_unstable();
        let mut decoder = Decoder::new();
        let (mut from, mut records) = (0, Vec::new());
        for cut in cuts {
            records.extend(decoder.push(&bytes[from..cut]));
            from = cut;
        }
        records.extend(decoder.finish());
        let mut decoded = Decoded::default();
        records.into_iter().for_each(|record| decoded.take(record));
        prop_assert_eq!(decoded, decode(bytes));
    }

    #[test]
    fn any_bytes_have_an_answer(bytes in any::<Vec<u8>>()) {
        let decoded = decode(&bytes);
        prop_assert_eq!(&decoded.text, &decoded.rest);
        prop_assert_eq!(decoded.text, String::from_utf8_lossy(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes)));
    }

    #[test]
    fn escaped_text_comes_back(text in any::<String>()) {
        let escaped: String = text.encode_utf16().map(|unit| format!("_x{unit:04X}_")).collect();
        prop_assert_eq!(unescape(&escaped), text);
    }
}
