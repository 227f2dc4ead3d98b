use super::{effective_section, global_modules, ip_security_sections};
use crate::{Error, IP_RESTRICTION_MODULE};

#[test]
fn sections_and_where_they_stand() {
    let config = r#"<?xml version="1.0" encoding="UTF-8"?>
<configuration>
  <configSections><sectionGroup name="system.webServer"><sectionGroup name="security"><section name="ipSecurity" overrideModeDefault="Deny" /></sectionGroup></sectionGroup></configSections>
  <system.webServer>
    <globalModules><add name="IpRestrictionModule" image="%windir%\System32\inetsrv\iprestr.dll" /></globalModules>
    <security><ipSecurity /></security>
  </system.webServer>
  <system.ftpServer><security><ipSecurity allowUnlisted="false" /></security></system.ftpServer>
  <location path="Default Web Site/ecp">
    <system.webServer><security><ipSecurity allowUnlisted="false"><add ipAddress="::1" allowed="true" /></ipSecurity></security></system.webServer>
  </location>
</configuration>"#;
    let found = ip_security_sections(config).unwrap();
    let places: Vec<(&str, bool, usize)> = found
        .iter()
        .map(|l| (l.path.as_str(), l.section.allow_unlisted, l.section.rules.len()))
        .collect();
    assert_eq!(places, [("", true, 0), ("Default Web Site/ecp", false, 1)]);
    assert_eq!(global_modules(config).unwrap(), [IP_RESTRICTION_MODULE]);
}

#[test]
fn what_takes_effect_at_an_application() {
    let config = r#"<configuration>
  <system.webServer><security><ipSecurity allowUnlisted="false"><add ipAddress="192.0.2.1" allowed="true" /></ipSecurity></security></system.webServer>
  <location path="Default Web Site/EWS/Sub">
    <system.webServer><security><ipSecurity><add ipAddress="192.0.2.4" allowed="true" /></ipSecurity></security></system.webServer>
  </location>
  <location path="Default Web Site">
    <system.webServer><security><ipSecurity><add ipAddress="192.0.2.2" allowed="true" /></ipSecurity></security></system.webServer>
  </location>
  <location path="default web site/ews">
    <system.webServer><security><ipSecurity><remove ipAddress="192.0.2.1" /><add ipAddress="192.0.2.3" allowed="true" /></ipSecurity></security></system.webServer>
  </location>
  <location path="Default Web Site/owa">
    <system.webServer><security><ipSecurity><add ipAddress="192.0.2.2" allowed="false" /></ipSecurity></security></system.webServer>
  </location>
</configuration>"#;
    let at = |app: &str| {
        let section = effective_section(config, &app.parse().unwrap())?;
        let rules: Vec<String> = section.rules.iter().map(ToString::to_string).collect();
        Ok((section.allow_unlisted, rules.join(", ")))
    };
    assert_eq!(
        at("Default Web Site/EWS"),
        Ok((false, "allow 192.0.2.2, allow 192.0.2.3".to_owned()))
    );
    assert_eq!(
        at("Default Web Site/EWS/Sub").unwrap().1,
        "allow 192.0.2.2, allow 192.0.2.3, allow 192.0.2.4"
    );
    assert_eq!(
        at("Default Web Site/EWS2").unwrap().1,
        "allow 192.0.2.1, allow 192.0.2.2"
    );
    assert_eq!(at("Other/EWS").unwrap().1, "allow 192.0.2.1");
    // The child adds again what its site has.
    let rule = "deny 192.0.2.2".to_owned();
    assert_eq!(at("Default Web Site/owa"), Err(Error::DuplicateRule { rule }));
}

#[test]
fn what_is_no_configuration_is_an_error() {
    assert!(matches!(
        ip_security_sections("<configuration>"),
        Err(Error::NotXml { .. })
    ));
    assert!(matches!(global_modules("nothing"), Err(Error::NotXml { .. })));
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "recordings are found through the environment"
)]
fn files_of_real_servers() {
    let Ok(folder) = std::env::var("CASGATE_RECORDINGS") else {
        println!("skipped: CASGATE_RECORDINGS is not set");
        return;
    };
    let read = |name: &str| {
        std::fs::read_to_string(format!("{folder}/exchange/{name}_applicationHost.config")).unwrap()
    };
    for (name, restricted) in [
        ("E15_NotConfigured_Both", false),
        ("E19_NotConfigured", false),
        ("E19_Configured_IPFilter", true),
    ] {
        let config = read(name);
        let sections = ip_security_sections(&config).unwrap();
        // Every one of them holds the section for the server; none of them has the module that would enforce it.
        assert_eq!(
            (sections[0].path.as_str(), sections[0].section.clone()),
            ("", Default::default()),
            "{name}"
        );
        let modules = global_modules(&config).unwrap();
        assert!(
            modules.len() > 20 && !modules.iter().any(|m| m == IP_RESTRICTION_MODULE),
            "{name}"
        );
        assert_eq!(sections.len(), if restricted { 2 } else { 1 }, "{name}");
    }
    let restricted = ip_security_sections(&read("E19_Configured_IPFilter"))
        .unwrap()
        .remove(1);
    assert!(!restricted.section.allow_unlisted, "{}", restricted.path);
    let rules: Vec<String> = restricted.section.rules.iter().map(ToString::to_string).collect();
    assert_eq!(
        rules,
        [
            "allow 192.168.100.5",
            "allow fe80::de2:4f45:21dc:6c5a%14",
            "allow ::1",
            "allow 127.0.0.1"
        ]
    );
}
