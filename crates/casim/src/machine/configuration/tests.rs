//! Inheritance, keys, locks and all-or-nothing commits, and the tables against a real server's file.

use super::schema::{
    ACCESS, ANONYMOUS, BASIC, IP_SECURITY, MODULES, OverrideMode, SectionSchema, WINDOWS, known,
};
use super::{ConfigPath, Configuration, Edit, EditError, Position, Values};

const APP: &str = "Default Web Site/Microsoft-Server-ActiveSync";

fn schema(path: &str) -> &'static SectionSchema {
    known(path).expect("a section of the table")
}

fn add(address: &str, mask: Option<&str>, allowed: bool) -> Edit {
    let mut values = vec![("ipAddress".to_owned(), address.to_owned())];
    values.extend(mask.map(|mask| ("subnetMask".to_owned(), mask.to_owned())));
    values.push((
        "allowed".to_owned(),
        if allowed { "True" } else { "False" }.to_owned(),
    ));
    Edit::Add {
        values,
        position: Position::End,
    }
}

fn remove(address: &str) -> Edit {
    Edit::Remove {
        pattern: vec![("ipAddress".to_owned(), address.to_owned())],
    }
}

fn unlisted(allow: bool) -> Edit {
    Edit::Set {
        name: "allowUnlisted".to_owned(),
        value: allow.to_string(),
    }
}

fn edit(configuration: &mut Configuration, level: &str, edits: &[Edit]) -> Result<(), EditError> {
    let (server, level) = (ConfigPath::apphost(), ConfigPath::parse(level));
    configuration.edit(schema(IP_SECURITY), &level, &server, edits)
}

fn addresses(configuration: &Configuration, level: &str) -> Vec<String> {
    let effective = configuration
        .effective(schema(IP_SECURITY), &ConfigPath::parse(level))
        .expect("no duplicates");
    effective
        .entries
        .iter()
        .filter_map(|e| e.get("ipAddress").map(str::to_owned))
        .collect()
}

#[test]
fn a_level_inherits_entries_first_and_attributes_until_it_writes_its_own() {
    let mut configuration = Configuration::exchange_2019();
    edit(
        &mut configuration,
        "",
        &[add("192.0.2.1", None, false), unlisted(false)],
    )
    .expect("server level");
    edit(&mut configuration, APP, &[add("192.0.2.2", None, true)]).expect("application level");
    assert_eq!(addresses(&configuration, APP), ["192.0.2.1", "192.0.2.2"]);
    assert_eq!(
        addresses(&configuration, &format!("{APP}/Proxy")),
        ["192.0.2.1", "192.0.2.2"]
    );
    assert_eq!(addresses(&configuration, "Default Web Site/owa"), ["192.0.2.1"]);
    let at = |level: &str| {
        let effective = configuration
            .effective(schema(IP_SECURITY), &ConfigPath::parse(level))
            .expect("fine");
        effective.is_true(schema(IP_SECURITY), "allowUnlisted")
    };
    assert!(!at(APP) && !at("Default Web Site/owa"));
    let own = configuration.own(schema(IP_SECURITY), &ConfigPath::parse(APP));
    assert_eq!(
        (own.attributes.get("allowUnlisted"), own.entries().count()),
        (None, 1)
    );
}

#[test]
fn the_key_is_address_mask_and_domain_but_not_allowed() {
    let mut configuration = Configuration::exchange_2019();
    edit(&mut configuration, APP, &[add("192.0.2.1", None, true)]).expect("first");
    let refused = edit(
        &mut configuration,
        APP,
        &[add("192.0.2.1", Some("255.255.255.255"), false)],
    );
    let values = ["192.0.2.1", "255.255.255.255", ""].map(str::to_owned).to_vec();
    let keys: &[&str] = &["ipAddress", "subnetMask", "domainName"];
    assert_eq!(
        refused,
        Err(EditError::Duplicate {
            keys,
            values,
            element: "add"
        })
    );
    edit(&mut configuration, APP, &[add("192.0.2.1", Some("32"), true)])
        .expect("another text is another key");
}

#[test]
fn an_inherited_entry_cannot_be_added_again_but_can_be_removed_and_replaced() {
    let mut configuration = Configuration::exchange_2019();
    edit(
        &mut configuration,
        "Default Web Site",
        &[add("192.0.2.1", None, false)],
    )
    .expect("site level");
    assert!(matches!(
        edit(&mut configuration, APP, &[add("192.0.2.1", None, true)]),
        Err(EditError::Duplicate { .. })
    ));
    edit(
        &mut configuration,
        APP,
        &[remove("192.0.2.1"), add("192.0.2.1", None, true)],
    )
    .expect("replaced");
    let effective = configuration
        .effective(schema(IP_SECURITY), &ConfigPath::parse(APP))
        .expect("no duplicates");
    assert_eq!(
        effective.entries,
        [Values::from([("ipAddress", "192.0.2.1"), ("allowed", "true")])]
    );
    assert_eq!(addresses(&configuration, "Default Web Site"), ["192.0.2.1"]);
}

#[test]
fn a_parent_that_adds_a_childs_key_breaks_the_child() {
    let mut configuration = Configuration::exchange_2019();
    edit(&mut configuration, APP, &[add("192.0.2.1", None, true)]).expect("application level");
    edit(
        &mut configuration,
        "Default Web Site",
        &[add("192.0.2.1", None, false)],
    )
    .expect("site level");
    let broken = configuration.effective(schema(IP_SECURITY), &ConfigPath::parse(APP));
    assert_eq!(
        broken.expect_err("a duplicate").key,
        ["192.0.2.1", "255.255.255.255", ""]
    );
    assert_eq!(addresses(&configuration, "Default Web Site/owa"), ["192.0.2.1"]);
}

#[test]
fn a_refused_commit_changes_nothing() {
    let mut configuration = Configuration::exchange_2019();
    let edits = [
        unlisted(false),
        add("192.0.2.1", None, true),
        remove("203.0.113.9"),
    ];
    assert_eq!(edit(&mut configuration, APP, &edits), Err(EditError::Missing));
    let own = configuration.own(schema(IP_SECURITY), &ConfigPath::parse(APP));
    assert!(own.attributes.is_empty() && own.directives.is_empty());
}

#[test]
fn a_locked_section_is_refused_in_a_web_config_until_it_is_unlocked() {
    let mut configuration = Configuration::exchange_2019();
    let level = ConfigPath::parse(APP);
    let edits = [unlisted(false)];
    assert_eq!(
        configuration.edit(schema(IP_SECURITY), &level, &level, &edits),
        Err(EditError::Locked)
    );
    configuration.set_mode(schema(IP_SECURITY), &ConfigPath::apphost(), OverrideMode::Allow);
    configuration
        .edit(schema(IP_SECURITY), &level, &level, &edits)
        .expect("unlocked");
    let modules = configuration.edit(
        schema(MODULES),
        &level,
        &level,
        &[Edit::Remove {
            pattern: vec![("name".to_owned(), "Session".to_owned())],
        }],
    );
    modules.expect("modules may be changed below the server");
}

#[test]
fn positions_are_among_the_levels_own_entries() {
    let mut configuration = Configuration::exchange_2019();
    let at = |address: &str, position| match add(address, None, true) {
        Edit::Add { values, .. } => Edit::Add { values, position },
        other => other,
    };
    let edits = [
        at("192.0.2.1", Position::End),
        at("192.0.2.2", Position::Start),
        at("192.0.2.3", Position::Index(1)),
        at("192.0.2.4", Position::Index(99)),
    ];
    edit(&mut configuration, APP, &edits).expect("four entries");
    assert_eq!(
        addresses(&configuration, APP),
        ["192.0.2.2", "192.0.2.3", "192.0.2.1", "192.0.2.4"]
    );
}

#[test]
fn an_entry_is_changed_in_place() {
    let mut configuration = Configuration::exchange_2019();
    edit(
        &mut configuration,
        APP,
        &[add("192.0.2.1", None, false), add("192.0.2.2", None, true)],
    )
    .expect("two");
    let change = Edit::SetInEntry {
        pattern: vec![("ipAddress".to_owned(), "192.0.2.1".to_owned())],
        name: "allowed".to_owned(),
        value: "true".to_owned(),
    };
    edit(&mut configuration, APP, &[change]).expect("changed");
    let own = configuration.own(schema(IP_SECURITY), &ConfigPath::parse(APP));
    let allowed: Vec<_> = own.entries().map(|e| e.get("allowed")).collect();
    assert_eq!(allowed, [Some("true"), Some("true")]);
}

/// The tables of `layout` against the file that a real Exchange 2019 server had.
#[test]
fn the_layout_is_that_of_a_recorded_server() {
    #[expect(
        clippy::disallowed_methods,
        reason = "recordings are found only through the environment"
    )]
    let Ok(folder) = std::env::var("CASGATE_RECORDINGS") else {
        println!("skipped: CASGATE_RECORDINGS is not set");
        return;
    };
    let file = std::path::Path::new(&folder).join("exchange/E19_NotConfigured_applicationHost.config");
    let text = std::fs::read_to_string(&file).expect("the recording can be read");
    let recorded = roxmltree::Document::parse(text.trim_start_matches('\u{feff}')).expect("it is XML");
    let ours = Configuration::exchange_2019();

    let sites: Vec<_> = elements(&recorded, "site").collect();
    assert_eq!(sites.len(), ours.sites.len());
    for (node, site) in sites.iter().zip(&ours.sites) {
        assert_eq!(node.attribute("name"), Some(site.name.as_str()));
        let applications = node.children().filter(|n| n.has_tag_name("application"));
        let theirs: Vec<_> = applications
            .map(|a| {
                let directories = a.children().filter(|d| d.has_tag_name("virtualDirectory"));
                let pool = a.attribute("applicationPool").unwrap_or("DefaultAppPool");
                (
                    text_of(a, "path"),
                    pool.to_owned(),
                    directories
                        .map(|d| (text_of(d, "path"), text_of(d, "physicalPath")))
                        .collect(),
                )
            })
            .collect();
        let own: Vec<_> = site
            .applications
            .iter()
            .map(|a| (a.path.clone(), a.pool.clone(), a.directories.clone()))
            .collect();
        assert_eq!(theirs, own);
        let bindings: Vec<_> = node
            .descendants()
            .filter(|n| n.has_tag_name("binding"))
            .map(|n| (text_of(n, "protocol"), text_of(n, "bindingInformation")))
            .collect();
        assert_eq!(bindings, site.bindings);
    }

    let pools = elements(&recorded, "applicationPools").next().expect("pools");
    let names: Vec<_> = pools
        .children()
        .filter(|n| n.has_tag_name("add"))
        .map(|n| text_of(n, "name"))
        .collect();
    assert_eq!(
        names,
        ours.pools.iter().map(|p| p.name.clone()).collect::<Vec<_>>()
    );

    for node in elements(&recorded, "location") {
        let level = node.attribute("path").unwrap_or_default();
        let ours_too = level.starts_with("Default Web Site") || level.contains("ActiveSync");
        if !ours_too || node.ancestors().any(|n| n.is_comment()) {
            continue;
        }
        let written = |tag: &str, name: &str| {
            let found = node.descendants().find(|n| n.has_tag_name(tag));
            found.and_then(|n| n.attribute(name)).map(str::to_owned)
        };
        let own = |section: &str, name: &str| {
            ours.own(schema(section), &ConfigPath::parse(level))
                .attributes
                .get(name)
                .map(str::to_owned)
        };
        assert_eq!(
            written("access", "sslFlags"),
            own(ACCESS, "sslFlags"),
            "sslFlags of {level}"
        );
        for (tag, section) in [
            ("anonymousAuthentication", ANONYMOUS),
            ("basicAuthentication", BASIC),
            ("windowsAuthentication", WINDOWS),
        ] {
            assert_eq!(
                written(tag, "enabled"),
                own(section, "enabled"),
                "{tag} of {level}"
            );
        }
    }
}

fn elements<'a>(
    document: &'a roxmltree::Document<'a>,
    tag: &'static str,
) -> impl Iterator<Item = roxmltree::Node<'a, 'a>> {
    document.descendants().filter(move |node| node.has_tag_name(tag))
}

fn text_of(node: roxmltree::Node<'_, '_>, name: &str) -> String {
    node.attribute(name).unwrap_or_default().to_owned()
}
