//! `redirection.config`: whether IIS takes its configuration from elsewhere ("shared configuration").
//!
//! The file itself is read, and not the section through appcmd, because appcmd would decrypt the password that stands in it.

use command::{CommandLine, Invocation, Output};
use markup::Limits;

use crate::Error;
use crate::error::shortened;

/// Where IIS takes its configuration from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Source {
    /// The server's own files.
    Local,
    /// A folder that other servers may use as well; the text as it stands in the file.
    Shared(String),
}

/// Reads redirection.config.
pub fn source() -> Invocation<Result<Source, Error>> {
    const LINE: CommandLine =
        CommandLine::literal(r"type %windir%\system32\inetsrv\config\redirection.config");
    Invocation::new(LINE, |output: &Output| {
        if output.exit_code != 0 {
            return Err(Error::failed(LINE.as_str(), output));
        }
        read(&output.stdout_text())
    })
}

/// Nothing of the file but the path is ever part of an error: a password may stand in it.
fn read(text: &str) -> Result<Source, Error> {
    let document = markup::parse(text.trim_start_matches('\u{FEFF}').trim(), &Limits::default())
        .map_err(|source| Error::NotXml { source })?;
    let section = document
        .descendants()
        .find(|node| node.has_tag_name("configurationRedirection"));
    let Some(section) = section else {
        return Ok(Source::Local);
    };
    match section.attribute("enabled").map(str::trim) {
        None => Ok(Source::Local),
        Some(text) if text.eq_ignore_ascii_case("false") => Ok(Source::Local),
        Some(text) if text.eq_ignore_ascii_case("true") => Ok(Source::Shared(shortened(
            section.attribute("path").unwrap_or_default(),
            260,
        ))),
        Some(_) => Err(Error::BadAttribute {
            attribute: "enabled",
            expected: "true or false",
            found: "another word".to_owned(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The shape of the file as IIS's setup leaves it ("Shared configuration and password expiration", blogs.iis.net).
    fn file(section: &str) -> Output {
        let stdout = format!(
            "\u{FEFF}<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n<configuration>\r\n    <configSections>\r\n        \
             <section name=\"configurationRedirection\" />\r\n        <section name=\"configProtectedData\" />\r\n    </configSections>\r\n    \
             <configProtectedData>\r\n        <providers>\r\n            <add name=\"IISRsaProvider\" type=\"\" keyContainerName=\"iisConfigurationKey\" />\r\n        \
             </providers>\r\n    </configProtectedData>\r\n    {section}\r\n</configuration>\r\n"
        );
        Output {
            exit_code: 0,
            stdout: stdout.into(),
            stderr: Vec::new(),
        }
    }

    #[test]
    fn a_shared_configuration_is_seen() {
        let seen = |section| source().parse(&file(section)).unwrap();
        assert_eq!(seen("<configurationRedirection />"), Source::Local);
        assert_eq!(
            seen(r#"<configurationRedirection enabled="False" path="\\fs\iis" />"#),
            Source::Local
        );
        assert_eq!(seen(""), Source::Local);
        assert_eq!(
            seen(
                r#"<configurationRedirection enabled="true" path="\\server\folder" userName="u" password="[enc:x:enc]" />"#
            ),
            Source::Shared(r"\\server\folder".to_owned())
        );
    }

    #[test]
    fn what_cannot_be_read_is_an_error_without_the_files_content() {
        let secret = "[enc:secret:enc]";
        let odd = format!(r#"<configurationRedirection enabled="{secret}" password="{secret}" />"#);
        let error = source().parse(&file(&odd)).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("secret"), "{error}");
        let cut = Output {
            stdout: format!("<configuration><configurationRedirection password=\"{secret}\"").into(),
            ..Output::default()
        };
        let error = source().parse(&cut).unwrap_err();
        assert!(matches!(error, Error::NotXml { .. }));
        assert!(!format!("{error} {error:?}").contains("secret"), "{error:?}");
        let gone = Output {
            exit_code: 1,
            stderr: b"The system cannot find the file specified.\r\n".to_vec(),
            ..Output::default()
        };
        assert_eq!(source().parse(&gone).unwrap_err().exit_code(), Some(1));
    }
}
