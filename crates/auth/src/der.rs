//! As much of DER as SPNEGO, Kerberos and certificates need: definite lengths, one-byte tags, bounds checked everywhere.

use crate::error::Error;

pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const BIT_STRING: u8 = 0x03;
pub(crate) const OCTET_STRING: u8 = 0x04;
pub(crate) const OBJECT_IDENTIFIER: u8 = 0x06;
pub(crate) const ENUMERATED: u8 = 0x0a;
pub(crate) const GENERALIZED_TIME: u8 = 0x18;
pub(crate) const GENERAL_STRING: u8 = 0x1b;
pub(crate) const SEQUENCE: u8 = 0x30;

/// The tag `[APPLICATION 0]`, which wraps the first token of a GSS mechanism (RFC 2743 3.1).
pub(crate) const APPLICATION_0: u8 = 0x60;

/// The tag `[number]`, constructed.
pub(crate) const fn context(number: u8) -> u8 {
    0xa0 | number
}

/// The tag `[APPLICATION number]`, constructed.
pub(crate) const fn application(number: u8) -> u8 {
    0x60 | number
}

/// Reads one value after the other.
#[derive(Clone)]
pub(crate) struct Reader<'a> {
    message: &'static str,
    rest: &'a [u8],
}

/// One value.
#[derive(Clone, Copy)]
pub(crate) struct Value<'a> {
    pub(crate) tag: u8,
    pub(crate) content: &'a [u8],
    /// Tag, length and content.
    pub(crate) whole: &'a [u8],
}

impl<'a> Reader<'a> {
    /// `message` is what errors call the bytes.
    pub(crate) fn new(message: &'static str, bytes: &'a [u8]) -> Self {
        Self { message, rest: bytes }
    }

    /// What has not been read yet.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The next value, whatever it is.
    pub(crate) fn any(&mut self) -> Result<Value<'a>, Error> {
        let all = self.rest;
        let cut = || self.malformed("a complete DER value", format!("{} bytes", all.len()));
        let (&tag, rest) = all.split_first().ok_or_else(cut)?;
        if tag & 0x1f == 0x1f {
            return Err(self.malformed("a one-byte DER tag", format!("{tag:#04x}")));
        }
        let (&first, mut rest) = rest.split_first().ok_or_else(cut)?;
        let mut length = usize::from(first);
        if first & 0x80 != 0 {
            let octets = usize::from(first & 0x7f);
            if !(1..=4).contains(&octets) {
                return Err(self.malformed(
                    "a definite DER length of at most 4 bytes",
                    format!("{octets} bytes"),
                ));
            }
            let (digits, behind) = rest.split_at_checked(octets).ok_or_else(cut)?;
            length = digits
                .iter()
                .try_fold(0_usize, |sum, &digit| {
                    Some(sum.checked_mul(256)? + usize::from(digit))
                })
                .ok_or_else(cut)?;
            rest = behind;
        }
        let (content, rest) = rest.split_at_checked(length).ok_or_else(cut)?;
        self.rest = rest;
        let whole = all.get(..all.len() - rest.len()).unwrap_or_default();
        Ok(Value { tag, content, whole })
    }

    /// The next value, which must have this tag.
    pub(crate) fn one(&mut self, tag: u8, expected: &'static str) -> Result<Value<'a>, Error> {
        let value = self.any()?;
        match value.tag == tag {
            true => Ok(value),
            false => Err(self.malformed(expected, format!("tag {:#04x}", value.tag))),
        }
    }

    /// The content of the next value, which must have this tag, as a reader of its own.
    pub(crate) fn inside(&mut self, tag: u8, expected: &'static str) -> Result<Self, Error> {
        Ok(Self {
            message: self.message,
            rest: self.one(tag, expected)?.content,
        })
    }

    /// The next value, an INTEGER of at most eight bytes.
    pub(crate) fn integer(&mut self, expected: &'static str) -> Result<i64, Error> {
        let digits = self.one(INTEGER, expected)?.content;
        let (Some(&first), 1..=8) = (digits.first(), digits.len()) else {
            return Err(self.malformed(expected, format!("an INTEGER of {} bytes", digits.len())));
        };
        let sign = if first & 0x80 == 0 { 0 } else { -1 };
        Ok(digits
            .iter()
            .fold(sign, |sum: i64, &digit| (sum << 8) | i64::from(digit)))
    }

    /// The next value, a GeneralString. What is no UTF-8 is shown as good as it goes.
    pub(crate) fn string(&mut self, expected: &'static str) -> Result<String, Error> {
        let text = self.one(GENERAL_STRING, expected)?.content;
        Ok(String::from_utf8_lossy(text).into_owned())
    }

    /// The fields of the next value, a SEQUENCE whose members carry the tags `[0]`, `[1]`, ... in this order.
    pub(crate) fn fields(&mut self, expected: &'static str) -> Result<Fields<'a>, Error> {
        Ok(Fields(self.inside(SEQUENCE, expected)?))
    }

    /// Nothing may follow.
    pub(crate) fn end(&self) -> Result<(), Error> {
        match self.rest {
            [] => Ok(()),
            rest => Err(self.malformed(
                "nothing after the last DER value",
                format!("{} bytes", rest.len()),
            )),
        }
    }

    pub(crate) fn of(&self, value: Value<'a>) -> Self {
        Self {
            message: self.message,
            rest: value.content,
        }
    }

    pub(crate) fn malformed(&self, expected: &'static str, found: impl Into<String>) -> Error {
        Error::Malformed {
            message: self.message,
            expected,
            found: found.into(),
        }
    }
}

/// The members of a SEQUENCE that carry context tags, read in their order. Unknown members in between are passed over.
pub(crate) struct Fields<'a>(Reader<'a>);

impl<'a> Fields<'a> {
    /// The content of `[number]`, if it is there.
    pub(crate) fn optional(&mut self, number: u8) -> Result<Option<Reader<'a>>, Error> {
        while !self.0.is_empty() {
            let mut ahead = self.0.clone();
            let field = ahead.any()?;
            if field.tag > context(number) {
                break;
            }
            self.0 = ahead;
            if field.tag == context(number) {
                return Ok(Some(self.0.of(field)));
            }
        }
        Ok(None)
    }

    /// The content of `[number]`, which must be there.
    pub(crate) fn required(&mut self, number: u8, expected: &'static str) -> Result<Reader<'a>, Error> {
        self.optional(number)?
            .ok_or_else(|| self.0.malformed(expected, "nothing"))
    }
}

/// An INTEGER in its shortest form.
pub(crate) fn integer(number: i64) -> Vec<u8> {
    let bytes = number.to_be_bytes();
    let redundant = bytes
        .windows(2)
        .take_while(|pair| {
            matches!(pair, [0, low] if low & 0x80 == 0) || matches!(pair, [0xff, low] if low & 0x80 != 0)
        })
        .count();
    value(INTEGER, &[bytes.get(redundant..).unwrap_or_default()])
}

/// `[number]` around values.
pub(crate) fn field(number: u8, parts: &[&[u8]]) -> Vec<u8> {
    value(context(number), parts)
}

/// One value with the concatenation of `parts` as its content.
pub(crate) fn value(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut bytes = Vec::with_capacity(length + 6);
    bytes.push(tag);
    match u8::try_from(length) {
        Ok(short) if short < 0x80 => bytes.push(short),
        _ => {
            let digits = length.to_be_bytes();
            let digits = digits
                .get(digits.iter().take_while(|&&digit| digit == 0).count()..)
                .unwrap_or_default();
            bytes.push(0x80 | u8::try_from(digits.len()).unwrap_or(0x7f));
            bytes.extend_from_slice(digits);
        }
    }
    for part in parts {
        bytes.extend_from_slice(part);
    }
    bytes
}

/// The dotted form of an object identifier, for error messages. Empty or overlong ones are shown as bytes.
pub(crate) fn dotted(oid: &[u8]) -> String {
    let mut arcs: Vec<u64> = Vec::new();
    let mut arc = 0_u64;
    for &byte in oid.iter().take(32) {
        arc = (arc & 0x00ff_ffff_ffff_ffff) << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            match arcs.is_empty() {
                true => {
                    let root = (arc / 40).min(2);
                    arcs.extend([root, arc - root * 40]);
                }
                false => arcs.push(arc),
            }
            arc = 0;
        }
    }
    let texts: Vec<_> = arcs.iter().map(u64::to_string).collect();
    texts.join(".")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lengths_take_the_shortest_form() {
        for (length, head) in [
            (0, &[4, 0][..]),
            (127, &[4, 127]),
            (128, &[4, 0x81, 128]),
            (255, &[4, 0x81, 255]),
            (256, &[4, 0x82, 1, 0]),
            (65_536, &[4, 0x83, 1, 0, 0]),
        ] {
            let bytes = value(OCTET_STRING, &[&vec![7; length]]);
            assert!(bytes.starts_with(head), "{length}");
            let mut reader = Reader::new("test", &bytes);
            assert_eq!(reader.one(OCTET_STRING, "octets").unwrap().content.len(), length);
            assert!(reader.end().is_ok());
        }
    }

    #[test]
    fn what_is_not_der_is_refused() {
        for bytes in [
            &[][..],
            &[4],
            &[4, 1],
            &[4, 0x80, 0, 0],
            &[4, 0x85, 0, 0, 0, 0, 1, 0],
            &[4, 0x82, 1],
            &[0x1f, 1, 0],
            &[4, 0x84, 0xff, 0xff, 0xff, 0xff, 0],
        ] {
            assert!(Reader::new("test", bytes).any().is_err(), "{bytes:?}");
        }
    }

    #[test]
    fn integers_round_trip_in_their_shortest_form() {
        for (number, bytes) in [
            (0, &[2, 1, 0][..]),
            (127, &[2, 1, 127]),
            (128, &[2, 2, 0, 128]),
            (-1, &[2, 1, 0xff]),
            (-138, &[2, 2, 0xff, 0x76]),
            (0xffff_ffff, &[2, 5, 0, 0xff, 0xff, 0xff, 0xff]),
        ] {
            assert_eq!(integer(number), bytes, "{number}");
            assert_eq!(Reader::new("test", bytes).integer("a number").unwrap(), number);
        }
        for bytes in [&[2, 0][..], &[2, 9, 1, 2, 3, 4, 5, 6, 7, 8, 9], &[4, 1, 1]] {
            assert!(
                Reader::new("test", bytes).integer("a number").is_err(),
                "{bytes:?}"
            );
        }
    }

    #[test]
    fn fields_are_found_by_their_tags() {
        let bytes = value(SEQUENCE, &[&field(0, &[&integer(7)]), &field(3, &[&integer(9)])]);
        let mut fields = Reader::new("test", &bytes).fields("a sequence").unwrap();
        assert_eq!(
            fields
                .required(0, "a number")
                .unwrap()
                .integer("a number")
                .unwrap(),
            7
        );
        assert!(fields.optional(2).unwrap().is_none());
        assert_eq!(
            fields
                .required(3, "a number")
                .unwrap()
                .integer("a number")
                .unwrap(),
            9
        );
        assert!(fields.required(4, "a number").is_err());
    }

    #[test]
    fn object_identifiers_are_shown_dotted() {
        assert_eq!(
            dotted(&[0x2b, 6, 1, 4, 1, 0x82, 0x37, 2, 2, 0x0a]),
            "1.3.6.1.4.1.311.2.2.10"
        );
        assert_eq!(
            dotted(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x12, 1, 2, 2]),
            "1.2.840.113554.1.2.2"
        );
        assert_eq!(dotted(&[]), "");
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let mut reader = Reader::new("test", &bytes);
            let mut consumed = 0;
            while let Ok(value) = reader.any() {
                consumed += value.whole.len();
                prop_assert!(value.content.len() < value.whole.len());
                let _ = dotted(value.content);
            }
            prop_assert!(consumed <= bytes.len());
        }
    }
}
