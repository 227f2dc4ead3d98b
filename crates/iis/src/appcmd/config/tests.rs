use command::Output;

use super::{list_effective_section, list_section, list_server_section};
use crate::appcmd::AppcmdErrorKind;
use crate::ip_security::{DenyAction, Section};
use crate::{AppcmdError, ApplicationPath};

fn app() -> ApplicationPath {
    "Default Web Site/Microsoft-Server-ActiveSync".parse().unwrap()
}

fn own(stdout: &str) -> Result<Section, AppcmdError> {
    list_section(&app()).parse(&Output {
        exit_code: 0,
        stdout: stdout.into(),
        stderr: Vec::new(),
    })
}

fn effective(stdout: &str) -> Result<Section, AppcmdError> {
    list_effective_section(&app()).parse(&Output {
        exit_code: 0,
        stdout: stdout.into(),
        stderr: Vec::new(),
    })
}

/// The shape of V18 with the section's own content.
fn printed(element: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n<appcmd>\r\n    <CONFIG CONFIG.SECTION=\"system.webServer/security/ipSecurity\" \
         path=\"MACHINE/WEBROOT/APPHOST/Default Web Site/Microsoft-Server-ActiveSync\" overrideMode=\"Inherit\" locked=\"false\">\r\n\
         {element}\r\n    </CONFIG>\r\n</appcmd>\r\n"
    )
}

#[test]
fn lines_read_as_expected() {
    assert_eq!(
        list_section(&app()).line().as_str(),
        r#"%windir%\system32\inetsrv\appcmd.exe list config "Default Web Site/Microsoft-Server-ActiveSync" /section:system.webServer/security/ipSecurity /xml"#
    );
    assert_eq!(
        list_effective_section(&app()).line().as_str(),
        r#"%windir%\system32\inetsrv\appcmd.exe list config "Default Web Site/Microsoft-Server-ActiveSync" /section:system.webServer/security/ipSecurity /config:* /xml"#
    );
    assert_eq!(
        list_server_section().line().as_str(),
        r"%windir%\system32\inetsrv\appcmd.exe list config /section:system.webServer/security/ipSecurity /xml"
    );
}

#[test]
fn the_xml_of_a_restricted_application() {
    let xml = printed(
        "<system.webServer-security-ipSecurity allowUnlisted=\"false\" enableReverseDns=\"false\" denyAction=\"Forbidden\" enableProxyMode=\"false\">\r\n\
         <add ipAddress=\"192.0.2.10\" subnetMask=\"255.255.255.255\" domainName=\"\" allowed=\"true\" />\r\n\
         <add ipAddress=\"fe80::de2:4f45:21dc:6c5a%14\" allowed=\"true\" />\r\n\
         </system.webServer-security-ipSecurity>",
    );
    for section in [
        own(&xml),
        effective(&xml),
        effective(&format!("\u{FEFF}\r\n{xml}")),
    ] {
        let section = section.unwrap();
        assert!(!section.allow_unlisted);
        assert_eq!(
            (section.deny_action, section.enable_proxy_mode),
            (Some(DenyAction::Forbidden), Some(false))
        );
        let rules: Vec<String> = section.rules.iter().map(ToString::to_string).collect();
        assert_eq!(rules, ["allow 192.0.2.10", "allow fe80::de2:4f45:21dc:6c5a%14"]);
    }
}

#[test]
fn nothing_written_means_open_but_no_effective_section_is_an_error() {
    assert_eq!(
        own(&printed("<system.webServer-security-ipSecurity />")),
        Ok(Section::default())
    );
    assert_eq!(
        effective(&printed("<system.webServer-security-ipSecurity />")),
        Ok(Section::default())
    );
    for xml in [
        "",
        "\r\n",
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n<appcmd>\r\n</appcmd>",
        &printed(""),
    ] {
        assert_eq!(own(xml), Ok(Section::default()), "{xml}");
        assert_eq!(
            effective(xml).unwrap_err().kind,
            AppcmdErrorKind::Unreadable,
            "{xml}"
        );
    }
}

#[test]
fn the_nested_form_of_text_mode() {
    let text = "<system.webServer>\r\n  <security>\r\n    <ipSecurity allowUnlisted=\"false\">\r\n      <add ipAddress=\"::1\" allowed=\"true\" />\r\n    </ipSecurity>\r\n  </security>\r\n</system.webServer>\r\n";
    let section = effective(text).unwrap();
    assert_eq!((section.allow_unlisted, section.rules.len()), (false, 1));
}

#[test]
fn another_section_is_not_taken_for_it() {
    // The recorded output V18 itself.
    let other = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n<appcmd>\r\n<CONFIG CONFIG.SECTION=\"system.webServer/security/requestFiltering\" path=\"MACHINE/WEBROOT/APPHOST\" overrideMode=\"Inherit\" locked=\"false\">\r\n<system.webServer-security-requestFiltering><fileExtensions allowUnlisted=\"true\" applyToWebDAV=\"true\"><add fileExtension=\"erb\" allowed=\"false\" /></fileExtensions></system.webServer-security-requestFiltering></CONFIG></appcmd>";
    assert_eq!(effective(other).unwrap_err().kind, AppcmdErrorKind::Unreadable);
}

#[test]
fn cut_or_foreign_text_is_an_error() {
    let xml = printed("<system.webServer-security-ipSecurity allowUnlisted=\"false\" />");
    for bad in [
        &xml[..xml.len() - 20],
        "Hello",
        "<html></html>",
        &printed("<system.webServer-security-ipSecurity allowUnlisted=\"perhaps\" />"),
    ] {
        for section in [own(bad), effective(bad)] {
            assert_eq!(section.unwrap_err().kind, AppcmdErrorKind::Unreadable, "{bad}");
        }
    }
}

#[test]
fn failures_are_handed_on() {
    let output = Output {
        exit_code: 1168,
        stdout: b"ERROR ( message:Cannot find SITE object with identifier \"Nosuch\". )".to_vec(),
        stderr: Vec::new(),
    };
    assert_eq!(
        list_section(&app()).parse(&output).unwrap_err().kind,
        AppcmdErrorKind::UnknownObject
    );
    let silent = Output {
        exit_code: 1,
        ..Output::default()
    };
    assert_eq!(
        list_effective_section(&app()).parse(&silent).unwrap_err().kind,
        AppcmdErrorKind::Other
    );
}
