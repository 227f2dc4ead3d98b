//! CLIXML on a standard error.

use command::clixml::{Decoder, Record, decode, unescape};

use crate::bytes::Bytes;

/// The first byte is the length of the pieces that the rest comes in.
pub(crate) fn clixml(input: &[u8]) -> bool {
    let mut input = Bytes(input);
    let length = usize::from(input.byte()).max(1);
    let whole = decode(input.0);
    let mut decoder = Decoder::new();
    let mut records: Vec<Record> = input
        .0
        .chunks(length)
        .flat_map(|piece| decoder.push(piece))
        .collect();
    records.extend(decoder.finish());
    let (mut errors, mut rest, mut others) = (String::new(), String::new(), 0);
    for record in records {
        match record {
            Record::Error(text) => errors.push_str(&text),
            Record::Plain(text) => rest.push_str(&text),
            _ => others += 1,
        }
    }
    assert_eq!(errors, whole.errors, "pieces make no difference to errors");
    assert_eq!(rest, whole.rest, "pieces make no difference to plain text");
    let decoded = whole.warnings.len() + whole.verbose.len() + whole.debug.len() + whole.output.len();
    assert_eq!(others, decoded, "pieces make no difference to other records");
    let text = String::from_utf8_lossy(input.0);
    let _ = unescape(&text);
    if !text.contains("#< CLIXML") {
        assert_eq!(
            whole.rest,
            text.strip_prefix('\u{feff}').unwrap_or(&text),
            "text without a marker stays as it is"
        );
    }
    // One byte that is no UTF-8 becomes three.
    assert!(
        whole.text.len() <= 3 * input.0.len(),
        "{} bytes of {}",
        whole.text.len(),
        input.0.len()
    );
    !whole.errors.is_empty() || others > 0
}
