//! A good farm, and everything that can be wrong with it, one thing at a time: each finding word for word in a golden file.

use std::collections::BTreeMap;
use std::net::IpAddr;

use exchange::Version;
use exchange::component_state::{ComponentState, TakenOut};
use iis::AppcmdError;
use iis::appcmd::{ApplicationPool, ObjectState, Site, SiteApplication};
use iis::feature::FeatureState;
use iis::ip_security::{DenyAction, Rule as IpRule, Section};
use iis::redirection::Source as Redirection;
use iis::schema::Attributes;
use iis::service::ServiceState;
use iis::shell::{Architecture, Elevation};
use iis::system::{IisVersion, Windows};
use inventory::{Inventory, Source, read_inventory, read_playbook};
use rollout::{FailureKind, Plan, StepError};

use crate::{Acceptance, ApplicationFacts, Facts, Report, Rule, Seen, ServerFacts, Unread, Worker, judge};

const EAS: &str = "Default Web Site/Microsoft-Server-ActiveSync";

const ALLOW: &str = "{ address = \"198.51.100.10\" }, { address = \"2001:db8:9::10\" }, { role = \"loopback\" }, { role = \"own_addresses\" }, { role = \"load_balancer_probes\" }";

const INSTALL: &str = "[[step]]\ninstall_feature = { name = \"IIS-IPSecurity\" }\n";

fn inventory(probes: &str) -> Inventory {
    let text = format!(
        "[defaults]\ncredential = \"ops\"\npool = \"eas\"\n[credential.ops]\nuser = 'CONTOSO\\ops'\npassword = {{ env = \"X\" }}\n\
         [load_balancer.lb]\nkind = \"none\"\nprobes_from = [{probes}]\n[pool.eas]\nload_balancer = \"lb\"\nmin_in_rotation = 1\n\
         [server.cas01]\naddress = \"192.0.2.11\"\n[server.cas02]\naddress = \"192.0.2.12\"\n"
    );
    read_inventory(&Source::new("farm.toml", text)).unwrap()
}

fn restrict(application: &str, unlisted: &str, existing: &str, allow: &str) -> String {
    format!(
        "[[step]]\nrestrict = {{ application = \"{application}\", unlisted = \"{unlisted}\", existing = \"{existing}\", allow = [{allow}] }}\n"
    )
}

fn plan(inventory: &Inventory, steps: &str) -> Plan {
    let text =
        format!("[playbook]\ntitle = \"test\"\nservers = \"all\"\n[policy]\nmax_failures = 0\n{steps}");
    let playbook = read_playbook(&Source::new("playbook.toml", text)).unwrap();
    Plan::build(inventory, &playbook, &BTreeMap::new()).unwrap()
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn site(name: &str, ports: &[u16]) -> Site {
    Site {
        name: name.to_owned(),
        bindings: ports
            .iter()
            .map(|port| ("https".to_owned(), format!("*:{port}:")))
            .collect(),
        state: ObjectState::Started,
    }
}

fn app(path: &str) -> SiteApplication {
    SiteApplication {
        path: path.parse().unwrap(),
        application_pool: "MSExchangeSyncAppPool".to_owned(),
    }
}

fn version(major: u32, minor: u32) -> Version {
    Version {
        major,
        minor,
        build: 1,
        revision: 0,
    }
}

/// An Exchange 2019 server with which nothing is wrong.
fn good(number: u8) -> ServerFacts {
    let own = [
        "127.0.0.1",
        "::1",
        &format!("192.0.2.1{number}"),
        &format!("2001:db8::1{number}"),
    ]
    .map(|address| IpRule::allow_address(ip(address)))
    .to_vec();
    ServerFacts {
        computer_name: Ok(Some(format!("CAS0{number}"))),
        machine_guid: Ok(Some(format!("5f1d2c3b-0000-4000-8000-00000000000{number}"))),
        architecture: Ok(Architecture {
            process: "AMD64".to_owned(),
            windows: None,
        }),
        elevation: Ok(Elevation {
            level: Some("S-1-16-12288".to_owned()),
        }),
        windows: Ok(Some(Windows {
            product: "Windows Server 2019 Standard".to_owned(),
            build: Some("17763".to_owned()),
        })),
        iis: Ok(Some(IisVersion { major: 10, minor: 0 })),
        exchange: Ok(Some(version(15, 2))),
        source: Ok(Redirection::Local),
        feature: Ok(FeatureState::Enabled),
        modules: Ok(vec!["IpRestrictionModule".to_owned()]),
        workers: Ok(vec![worker(Some(true))]),
        schema: Ok(Attributes {
            deny_action: true,
            enable_proxy_mode: true,
        }),
        services: vec![
            ("WAS", Ok(ServiceState::Running)),
            ("W3SVC", Ok(ServiceState::Running)),
        ],
        sites: Ok(vec![
            site("Default Web Site", &[80, 443]),
            site("Exchange Back End", &[81, 444]),
        ]),
        applications: Ok(vec![
            app(EAS),
            app("Exchange Back End/Microsoft-Server-ActiveSync"),
        ]),
        pools: Ok(vec![ApplicationPool {
            name: "MSExchangeSyncAppPool".to_owned(),
            state: ObjectState::Started,
        }]),
        setup: Ok(Vec::new()),
        free_bytes: Ok(43_270_029_312),
        taken_out: Ok(Vec::new()),
        own: Ok(own),
        restricted: BTreeMap::from([(EAS.parse().unwrap(), Ok(written(Section::default())))]),
    }
}

fn worker(has_module: Option<bool>) -> Worker {
    Worker {
        pid: 4711,
        application_pool: "MSExchangeSyncAppPool".to_owned(),
        has_module,
    }
}

fn written(effective: Section) -> ApplicationFacts {
    ApplicationFacts {
        above: vec![
            ("the server".to_owned(), Section::default()),
            ("Default Web Site".to_owned(), Section::default()),
        ],
        effective,
    }
}

/// A farm, a playbook for it, and what was seen.
struct Case {
    inventory: Inventory,
    steps: String,
    facts: Facts,
}

impl Case {
    /// Two good servers and a playbook that lets in everybody who has to come in.
    fn good() -> Self {
        Self {
            inventory: inventory("\"192.0.2.5\""),
            steps: restrict(EAS, "deny", "replace", ALLOW),
            facts: Facts {
                servers: [1, 2]
                    .map(|number| {
                        (
                            format!("cas0{number}").as_str().into(),
                            Seen::Facts(Box::new(good(number))),
                        )
                    })
                    .into(),
                ..Facts::default()
            },
        }
    }

    /// Changes what was seen of cas01.
    fn with(mut self, change: impl FnOnce(&mut ServerFacts)) -> Self {
        if let Some(Seen::Facts(facts)) = self.facts.servers.get_mut(&"cas01".into()) {
            change(facts);
        }
        self
    }

    fn steps(self, steps: String) -> Self {
        Self { steps, ..self }
    }

    fn report(&self, acceptances: &[Acceptance]) -> Report {
        let plan = plan(&self.inventory, &self.steps);
        Report::new(judge(&plan, &self.inventory, &self.facts), acceptances)
    }
}

/// Everybody of the farm on Exchange 2010, with the addresses of both.
fn exchange_2010(case: Case) -> Case {
    let mut case = case.with(|facts| facts.exchange = Ok(Some(version(14, 3))));
    for number in [1, 2] {
        let addresses = vec![
            ip(&format!("192.0.2.1{number}")),
            ip(&format!("2001:db8::1{number}")),
        ];
        case.facts
            .peers
            .insert(format!("cas0{number}").as_str().into(), (addresses, Ok(())));
    }
    case
}

fn denied() -> Unread {
    AppcmdError::of(&command::Output {
        exit_code: 5,
        stdout: b"ERROR ( message:Zugriff verweigert )".to_vec(),
        stderr: Vec::new(),
    })
    .unwrap()
    .into()
}

fn unread() -> Unread {
    Unread {
        found: "tasklist ended with 3: what?".to_owned(),
        access_denied: false,
    }
}

/// One thing wrong at a time, with a title.
fn cases() -> Vec<(&'static str, Case)> {
    let allow = |allow: &str| restrict(EAS, "deny", "replace", allow);
    let with = |change: fn(&mut ServerFacts)| Case::good().with(change);
    let above = |level: usize, section: Section| {
        Case::good().with(|facts| {
            let mut seen = written(Section::default());
            seen.above[level].1 = section;
            facts.restricted.insert(EAS.parse().unwrap(), Ok(seen));
        })
    };
    let shut = Section {
        allow_unlisted: false,
        ..Section::default()
    };
    let entries = |count: u8| Section {
        rules: (1..=count)
            .map(|n| IpRule::allow_address(IpAddr::from([203, 0, 113, n])).denied())
            .collect(),
        ..Section::default()
    };
    vec![
        ("a good farm", Case::good()),
        ("a server that is down", {
            let mut case = Case::good();
            let error = StepError {
                kind: FailureKind::Unreachable,
                doing: "log in and open a shell".to_owned(),
                expected: "WinRM answers".to_owned(),
                found: "Connection refused".to_owned(),
                hint: None,
                causes: Vec::new(),
            };
            case.facts.servers.insert("cas01".into(), Seen::NotSeen(error));
            case
        }),
        ("a token that is held back", with(|f| {
            f.elevation = Ok(Elevation { level: Some("S-1-16-8192".to_owned()) });
            f.source = Ok(Redirection::Shared("x".to_owned()));
        })),
        ("appcmd without rights", with(|f| {
            f.applications = Err(denied());
            f.sites = Err(denied());
        })),
        ("a 32-bit shell", with(|f| {
            f.architecture = Ok(Architecture { process: "x86".to_owned(), windows: Some("AMD64".to_owned()) });
        })),
        ("one machine under two names", with(|f| {
            f.machine_guid = Ok(Some("5F1D2C3B-0000-4000-8000-000000000002".to_owned()));
            f.computer_name = Ok(Some("cas02".to_owned()));
        })),
        ("a clone", with(|f| {
            f.machine_guid = Ok(Some("5F1D2C3B-0000-4000-8000-000000000002".to_owned()));
        })),
        ("a shared configuration", with(|f| f.source = Ok(Redirection::Shared(r"\\FILES01\iis$".to_owned())))),
        ("the back end", Case::good().steps(restrict("Exchange Back End/Microsoft-Server-ActiveSync", "deny", "replace", ALLOW))),
        ("a back end that was renamed", with(|f| {
            f.sites = Ok(vec![site("Default Web Site", &[81, 444])]);
        })),
        ("a site that was renamed", with(|f| {
            f.sites = Ok(vec![site("Mail", &[443]), site("Exchange Back End", &[444])]);
            f.applications = Ok(vec![app("Mail/Microsoft-Server-ActiveSync"), app("Exchange Back End/Microsoft-Server-ActiveSync")]);
        })),
        ("no such application", with(|f| f.applications = Ok(vec![app("Default Web Site/owa")]))),
        ("another site offers the same", with(|f| {
            f.sites = Ok(vec![site("Default Web Site", &[443]), site("Legacy", &[443]), site("Exchange Back End", &[444])]);
            f.applications.as_mut().unwrap().push(app("Legacy/Microsoft-Server-ActiveSync"));
        })),
        ("another site offers the same and does not run", with(|f| {
            let stopped = Site { state: ObjectState::Stopped, ..site("Legacy", &[443]) };
            f.sites = Ok(vec![site("Default Web Site", &[443]), stopped]);
            f.applications.as_mut().unwrap().push(app("Legacy/Microsoft-Server-ActiveSync"));
        })),
        ("nobody lets loopback in", Case::good().steps(allow("{ address = \"198.51.100.10\" }, { role = \"load_balancer_probes\" }"))),
        ("only one loopback", Case::good().steps(allow(
            "{ network = \"127.0.0.0/8\" }, { role = \"load_balancer_probes\" }, { network = \"192.0.2.0/24\" }, { network = \"2001:db8::/32\" }",
        ))),
        ("an entry that denies loopback and contradicts the list goes", Case::good()
            .with(|f| {
                let effective = Section {
                    rules: vec![IpRule::allow_network("127.0.0.0/8".parse().unwrap()).denied()],
                    ..Section::default()
                };
                f.restricted.insert(EAS.parse().unwrap(), Ok(written(effective)));
            })
            .steps(restrict(EAS, "deny", "keep", ALLOW))),
        ("the probes are left out", Case::good().steps(allow("{ role = \"loopback\" }, { role = \"own_addresses\" }"))),
        ("nobody knows the probes", Case { inventory: inventory(""), ..Case::good() }),
        ("peers of Exchange 2010 are left out", exchange_2010(Case::good())),
        ("peers of Exchange 2010 are let in", exchange_2010(Case::good()).steps(allow(&format!("{ALLOW}, {{ role = \"exchange_peers\" }}")))),
        ("a peer that nobody could ask", {
            let mut case = exchange_2010(Case::good()).steps(allow(&format!("{ALLOW}, {{ role = \"exchange_peers\" }}")));
            let unread = Unread { found: "Connection refused".to_owned(), access_denied: false };
            case.facts.peers.insert("cas02".into(), (vec![ip("192.0.2.12")], Err(unread)));
            case
        }),
        ("its own addresses are left out", Case::good().steps(allow("{ role = \"loopback\" }, { role = \"load_balancer_probes\" }"))),
        ("gateways of one family, and servers of both", Case::good().steps(allow(&ALLOW.replace("{ address = \"2001:db8:9::10\" }, ", "")))),
        ("gateways and servers of one family", with(|f| f.own = Ok(owned(&["192.0.2.11", "fe80::1"])))
            .steps(allow(&ALLOW.replace("{ address = \"2001:db8:9::10\" }, ", "")))),
        ("setup runs", with(|f| f.setup = Ok(vec!["Setup.exe".to_owned(), "ExSetup.exe".to_owned()]))),
        ("a service does not run", with(|f| f.services[1].1 = Ok(ServiceState::StopPending))),
        ("a service that nobody could ask", with(|f| f.services[0].1 = Err(unread()))),
        ("the site is stopped", with(|f| f.sites.as_mut().unwrap()[0].state = ObjectState::Stopped)),
        ("the pool is stopped", with(|f| f.pools.as_mut().unwrap()[0].state = ObjectState::Stopped)),
        ("the feature is missing", with(|f| f.feature = Ok(FeatureState::Disabled))),
        ("the feature will be installed", with(|f| f.feature = Ok(FeatureState::Disabled))
            .steps(format!("{INSTALL}{}", restrict(EAS, "deny", "replace", ALLOW)))),
        ("the feature has no payload", with(|f| f.feature = Ok(FeatureState::DisabledWithPayloadRemoved))
            .steps(format!("{INSTALL}{}", restrict(EAS, "deny", "replace", ALLOW)))),
        ("the feature waits for a restart", with(|f| f.feature = Ok(FeatureState::EnablePending))),
        ("the module is gone", with(|f| f.modules = Ok(vec!["DefaultDocumentModule".to_owned()]))),
        ("a worker that started before the module came", with(|f| f.workers = Ok(vec![worker(Some(false))]))),
        ("such a worker, and a step that restarts it", with(|f| f.workers = Ok(vec![worker(Some(false))]))
            .steps(format!("{}[[step]]\nrestart_iis = {{ method = \"recycle_app_pool\" }}\n", allow(ALLOW)))),
        ("a worker of which nothing is known", with(|f| f.workers = Ok(vec![worker(None)]))),
        ("workers that nobody could list", with(|f| f.workers = Err(unread()))),
        ("the site is shut and the application is to be opened", above(1, shut.clone()).steps(restrict(EAS, "allow", "replace", ""))),
        ("the server is shut", above(0, shut)),
        ("entries at the site", above(1, entries(2))),
        ("many entries at the server", above(0, entries(7))),
        ("hardly any room", with(|f| f.free_bytes = Ok(100 * 1024 * 1024))),
        ("processes that nobody could list", with(|f| f.setup = Err(unread()))),
        ("a denial that the witness does not expect", {
            let witness = "[[step]]\nwitness = { denied_from = [\"outside\"] }\n";
            let case = Case::good().steps(restrict(EAS, "deny", "replace", ALLOW) + witness);
            case.with(|facts| {
                let denied = Section {
                    deny_action: Some(DenyAction::NotFound),
                    ..Section::default()
                };
                facts.restricted.insert(EAS.parse().unwrap(), Ok(written(denied)));
            })
        }),
        ("a denial that nobody looks for", {
            Case::good().with(|facts| {
                let denied = Section {
                    deny_action: Some(DenyAction::NotFound),
                    ..Section::default()
                };
                facts.restricted.insert(EAS.parse().unwrap(), Ok(written(denied)));
            })
        }),
        ("a list that a task cannot take back", {
            let list: String = (0..24_u8)
                .flat_map(|net| (0..250_u8).map(move |host| format!(", {{ address = \"10.1.{net}.{host}\" }}")))
                .collect();
            let steps = restrict(EAS, "deny", "replace", &format!("{ALLOW}{list}"));
            Case::good().steps(steps.replace("allow = [", "confirm_within = \"1h\", allow = ["))
        }),
        ("a list that a task can take back", {
            let steps = restrict(EAS, "deny", "replace", ALLOW);
            Case::good().steps(steps.replace("allow = [", "confirm_within = \"1h\", allow = ["))
        }),
        ("a vantage that sees nothing, and a server that is down anyway", {
            let mut case = Case::good();
            let error = StepError {
                kind: FailureKind::Unreachable,
                doing: "log in".to_owned(),
                expected: "WinRM answers".to_owned(),
                found: "nothing".to_owned(),
                hint: None,
                causes: Vec::new(),
            };
            case.facts.servers.insert("cas02".into(), Seen::NotSeen(error));
            for server in ["cas01", "cas02"] {
                let key = ("outside".into(), server.into());
                case.facts.blind.insert(key, "probe01 saw nothing: the login was refused".to_owned());
            }
            case
        }),
        ("own addresses that nobody could read", with(|f| f.own = Err(unread()))),
        ("an identity that nobody could read", with(|f| f.machine_guid = Err(unread()))),
        ("an old schema", with(|f| {
            f.schema = Ok(Attributes { deny_action: false, enable_proxy_mode: false });
        })),
        ("an old schema, and a step that needs a newer one", {
            let mut case = with(|f| {
                f.schema = Ok(Attributes { deny_action: false, enable_proxy_mode: false });
            });
            case.steps = case.steps.replace(
                "unlisted = \"deny\"",
                "unlisted = \"deny\", deny_action = \"not_found\", proxy_mode = true",
            );
            case
        }),
        ("a component in maintenance", with(|f| {
            let taken = |component: &str| TakenOut {
                component: component.to_owned(),
                requester: "Maintenance".to_owned(),
                state: ComponentState::Inactive,
            };
            f.taken_out = Ok(vec![taken("ActiveSyncProxy"), taken("OabProxy")]);
        })),
        ("a server in maintenance", with(|f| {
            f.taken_out = Ok(vec![TakenOut {
                component: "ServerWideOffline".to_owned(),
                requester: "Maintenance".to_owned(),
                state: ComponentState::Inactive,
            }]);
        })),
        ("no Exchange", with(|f| f.exchange = Ok(None))),
        ("two releases", with(|f| f.exchange = Ok(Some(version(15, 1))))),
    ]
}

/// Addresses of the server itself.
fn owned(addresses: &[&str]) -> Vec<IpRule> {
    addresses
        .iter()
        .map(|address| IpRule::allow_address(ip(address)))
        .collect()
}

fn told(report: &Report) -> String {
    let mut lines = Vec::new();
    for judged in &report.findings {
        let servers: Vec<String> = judged.servers.iter().map(ToString::to_string).collect();
        let rule = judged.rule;
        let word = if judged.refuses() { "REFUSED" } else { "" };
        lines.push(
            format!("{} {rule} [{}] {word}", rule.severity(), servers.join(", "))
                .trim_end()
                .to_owned(),
        );
        lines.push(format!("    found:  {}", judged.found));
        lines.push(format!("    remedy: {}", judged.remedy));
    }
    if lines.is_empty() {
        lines.push("nothing".to_owned());
    }
    lines.join("\n")
}

#[test]
fn every_finding_word_for_word() {
    let told: Vec<String> = cases()
        .iter()
        .map(|(title, case)| format!("== {title}\n{}", told(&case.report(&[]))))
        .collect();
    insta::assert_snapshot!("findings", told.join("\n\n"));
}

#[test]
fn every_rule_is_found_by_some_case() {
    let found: Vec<Rule> = cases()
        .iter()
        .flat_map(|(_, case)| case.report(&[]).findings.into_iter().map(|judged| judged.rule))
        .collect();
    let never: Vec<Rule> = Rule::all()
        .filter(|rule| !found.contains(rule) && !rule.is_of_the_logs())
        .collect();
    assert_eq!(never, []);
}

#[test]
fn whatever_can_be_accepted_no_longer_refuses_when_it_is_and_the_rest_still_does() {
    for (title, case) in cases() {
        let refused: Vec<Rule> = case
            .report(&[])
            .findings
            .iter()
            .filter(|judged| judged.refuses())
            .map(|judged| judged.rule)
            .collect();
        let pairs: std::collections::BTreeSet<&str> = refused
            .iter()
            .filter(|rule| rule.is_acceptable())
            .map(|rule| rule.id())
            .collect();
        let acceptances = Acceptance::read(pairs.iter().map(|id| (*id, "CHG 42"))).unwrap();
        let report = case.report(&acceptances);
        let still: Vec<Rule> = refused
            .iter()
            .copied()
            .filter(|rule| !rule.is_acceptable())
            .collect();
        assert_eq!(report.refuses(), !still.is_empty(), "{title}");
        assert_eq!(report.accepted().len(), pairs.len(), "{title}");
    }
}

#[test]
fn an_accepted_finding_on_one_more_server_makes_another_plan() {
    let accept = Acceptance::read([("low-disk", "CHG 42")]).unwrap();
    let case = Case::good().with(|facts| facts.free_bytes = Ok(0));
    let mut first = plan(&case.inventory, &case.steps);
    let bare = first.hash();
    first.accepted = case.report(&accept).accepted();
    assert_ne!(first.hash(), bare, "what is accepted is part of what is approved");
    let mut more = case;
    if let Some(Seen::Facts(facts)) = more.facts.servers.get_mut(&"cas02".into()) {
        facts.free_bytes = Ok(0);
    }
    let mut second = plan(&more.inventory, &more.steps);
    second.accepted = more.report(&accept).accepted();
    assert_ne!(second.hash(), first.hash());
}
