//! The HTTP body that carries one sealed message ([MS-WSMV] 2.2.9.1), written and read.
//!
//! ```text
//! --Encrypted Boundary\r\n
//! \tContent-Type: application/HTTP-SPNEGO-session-encrypted\r\n
//! \tOriginalContent: type=application/soap+xml;charset=UTF-8;Length=1685\r\n
//! --Encrypted Boundary\r\n
//! \tContent-Type: application/octet-stream\r\n
//! <u32 signature length><signature><sealed bytes>--Encrypted Boundary--\r\n
//! ```
//! There is no blank line after the headers and no line end before the closing boundary. The writer follows Windows
//! byte by byte. The reader is tolerant where real servers differ (a space after `--`, missing last hyphens, case,
//! line ends) and strict about every length.
//!
//! [MS-WSMV]: https://learn.microsoft.com/openspecs/windows_protocols/ms-wsmv/

use crate::error::Error;

/// The protocol's name for NTLM and for everything negotiated with SPNEGO.
pub const SPNEGO: &str = "application/HTTP-SPNEGO-session-encrypted";

/// The protocol's name for Kerberos under the HTTP scheme of that name. Negotiated Kerberos goes by [`SPNEGO`].
pub const KERBEROS: &str = "application/HTTP-Kerberos-session-encrypted";

const BOUNDARY: &str = "Encrypted Boundary";
const KIND: &str = "multipart/encrypted";
const MESSAGE: &str = "sealed body";
/// No signature of NTLM (16 bytes) or Kerberos (60 and some) comes near it.
const LONGEST_SIGNATURE: usize = 256;
/// The longest line that Windows writes here has 76 characters.
const LONGEST_LINE: usize = 512;
/// Two lines are usual.
const MOST_HEADERS: usize = 8;

/// One sealed message, found in a body.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Part<'a> {
    /// The protocol that the message names, for example [`SPNEGO`].
    pub protocol: &'a str,
    /// The plain text's length in bytes as announced, its padding included.
    pub length: usize,
    /// The signature.
    pub signature: &'a [u8],
    /// The encrypted message; exactly `length` bytes.
    pub data: &'a [u8],
}

/// Frames one sealed message: the value of `Content-Type`, and the body.
pub fn write(protocol: &str, plain_length: usize, signature: &[u8], data: &[u8]) -> (String, Vec<u8>) {
    let content_type = format!("{KIND};protocol=\"{protocol}\";boundary=\"{BOUNDARY}\"");
    let head = format!(
        "--{BOUNDARY}\r\n\tContent-Type: {protocol}\r\n\
         \tOriginalContent: type=application/soap+xml;charset=UTF-8;Length={plain_length}\r\n\
         --{BOUNDARY}\r\n\tContent-Type: application/octet-stream\r\n"
    );
    let tail = format!("--{BOUNDARY}--\r\n");
    let mut body = Vec::with_capacity(head.len() + 4 + signature.len() + data.len() + tail.len());
    body.extend_from_slice(head.as_bytes());
    body.extend_from_slice(&u32::try_from(signature.len()).unwrap_or(u32::MAX).to_le_bytes());
    body.extend_from_slice(signature);
    body.extend_from_slice(data);
    body.extend_from_slice(tail.as_bytes());
    (content_type, body)
}

/// Whether a `Content-Type` announces a sealed body. Any other body on a sealed session is in clear.
pub fn is_sealed(content_type: &str) -> bool {
    content_type
        .split(';')
        .next()
        .is_some_and(|kind| kind.trim().eq_ignore_ascii_case(KIND))
}

/// Finds the sealed message in a body.
///
/// # Errors
/// [`Error::Malformed`], also when the announced length is not the length of what is there.
pub fn read<'a>(content_type: &'a str, body: &'a [u8]) -> Result<Part<'a>, Error> {
    if !is_sealed(content_type) {
        return Err(malformed(
            "content type multipart/encrypted",
            shorten(content_type),
        ));
    }
    let protocol = parameter(content_type, "protocol")
        .ok_or_else(|| malformed("a protocol in the content type", shorten(content_type)))?;
    let boundary = parameter(content_type, "boundary").unwrap_or(BOUNDARY);
    let mut reader = Reader { rest: body, boundary };

    reader.boundary_line()?;
    let headers = reader.headers()?;
    let named = header(&headers, "Content-Type").unwrap_or_default();
    if !named.eq_ignore_ascii_case(protocol) {
        return Err(malformed(
            "the protocol of the content type in the first part",
            shorten(named),
        ));
    }
    let original = header(&headers, "OriginalContent").unwrap_or_default();
    let length = parameter(original, "Length")
        .filter(|digits| digits.bytes().all(|digit| digit.is_ascii_digit()))
        .and_then(|digits| digits.parse::<usize>().ok())
        .ok_or_else(|| malformed("OriginalContent with a Length", shorten(original)))?;

    reader.boundary_line()?;
    let kind = reader.line()?;
    if header(&[kind], "Content-Type")
        .is_none_or(|kind| !kind.eq_ignore_ascii_case("application/octet-stream"))
    {
        return Err(malformed(
            "application/octet-stream in the second part",
            shorten(kind),
        ));
    }
    let prefix = reader.take(4, "the length of the signature")?;
    let signature_length = prefix
        .iter()
        .rev()
        .fold(0_u32, |sum, &byte| (sum << 8) | u32::from(byte));
    let signature_length = usize::try_from(signature_length).unwrap_or(usize::MAX);
    if signature_length > LONGEST_SIGNATURE {
        return Err(malformed(
            "a signature of at most 256 bytes",
            format!("{signature_length} bytes"),
        ));
    }
    let signature = reader.take(signature_length, "a signature as long as announced")?;
    let data = reader.take(length, "as many sealed bytes as Length announces")?;
    reader.end()?;
    Ok(Part {
        protocol,
        length,
        signature,
        data,
    })
}

fn malformed(expected: &'static str, found: impl Into<String>) -> Error {
    Error::Malformed {
        message: MESSAGE,
        expected,
        found: found.into(),
    }
}

/// The peer's text as an error may show it: escaped and short.
fn shorten(text: &str) -> String {
    let short: String = text.chars().take(80).collect();
    format!("{short:?}")
}

/// The value of `name=value` in a `;`-separated list; values may be quoted.
fn parameter<'a>(list: &'a str, name: &str) -> Option<&'a str> {
    list.split(';')
        .filter_map(|item| item.split_once('='))
        .find_map(|(key, value)| {
            key.trim()
                .eq_ignore_ascii_case(name)
                .then(|| value.trim().trim_matches('"'))
        })
}

/// The value of a header line.
fn header<'a>(lines: &[&'a str], name: &str) -> Option<&'a str> {
    lines
        .iter()
        .filter_map(|line| line.split_once(':'))
        .find_map(|(key, value)| key.trim().eq_ignore_ascii_case(name).then(|| value.trim()))
}

struct Reader<'a> {
    rest: &'a [u8],
    boundary: &'a str,
}

impl<'a> Reader<'a> {
    /// Up to the next line end, which is taken too.
    fn line(&mut self) -> Result<&'a str, Error> {
        let window = self.rest.get(..LONGEST_LINE).unwrap_or(self.rest);
        let end = window.iter().position(|&byte| byte == b'\n').ok_or_else(|| {
            malformed(
                "a header line",
                format!("{} bytes without a line end", window.len()),
            )
        })?;
        let (line, rest) = self.rest.split_at(end);
        self.rest = rest.get(1..).unwrap_or_default();
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        std::str::from_utf8(line)
            .map_err(|_| malformed("a header line", format!("{} bytes of no text", line.len())))
    }

    fn boundary_line(&mut self) -> Result<(), Error> {
        let line = self.line()?;
        match line
            .strip_prefix("--")
            .is_some_and(|text| text.trim() == self.boundary)
        {
            true => Ok(()),
            false => Err(malformed("a boundary line", shorten(line))),
        }
    }

    /// The lines up to the next boundary, which is left in place.
    fn headers(&mut self) -> Result<Vec<&'a str>, Error> {
        let mut lines = Vec::new();
        while !self.rest.starts_with(b"--") {
            if lines.len() == MOST_HEADERS {
                return Err(malformed(
                    "a boundary after the headers",
                    format!("more than {MOST_HEADERS} lines"),
                ));
            }
            lines.push(self.line()?);
        }
        Ok(lines)
    }

    fn take(&mut self, length: usize, what: &'static str) -> Result<&'a [u8], Error> {
        let (taken, rest) = self
            .rest
            .split_at_checked(length)
            .ok_or_else(|| malformed(what, format!("{} of {length} bytes", self.rest.len())))?;
        self.rest = rest;
        Ok(taken)
    }

    /// The closing boundary and nothing else. Without it the announced length was not the real one.
    fn end(self) -> Result<(), Error> {
        let found = || malformed("the closing boundary", format!("{} other bytes", self.rest.len()));
        let text = std::str::from_utf8(self.rest).map_err(|_| found())?;
        let inner = text.trim_end().strip_prefix("--").ok_or_else(found)?.trim_start();
        let inner = inner.strip_prefix(self.boundary).ok_or_else(found)?;
        match matches!(inner, "" | "-" | "--") {
            true => Ok(()),
            false => Err(found()),
        }
    }
}

#[cfg(test)]
mod tests;
