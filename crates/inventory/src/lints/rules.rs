//! Rules that shut out the wrong ones, or hardly anybody.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use exchange::{BACK_END_SITE, FRONT_END_SITE, VirtualDirectory};
use iis::ip_security::{DenyAction, FindingKind, Rule, Section, Unlisted, findings};
use ipnet::IpNet;

use super::locator::{Locator, Segment, in_step};
use crate::diagnostic::Code;
use crate::playbook::Playbook;
use crate::reader::{Findings, suggest};
use crate::step::{AllowEntry, AllowWhat, Restrict, Role, Step};

/// Looks at every `restrict`.
pub(crate) fn lint(playbook: &Playbook, locator: &Locator<'_>, found: &mut Findings<'_>) {
    let restricts = playbook
        .steps
        .iter()
        .any(|step| matches!(step, Step::Restrict(_)));
    if playbook.policy.max_cut_off.is_some() && !playbook.steps.is_empty() && !restricts {
        let place = locator.key(&[Segment::Key("policy"), Segment::Key("max_cut_off")]);
        let message = "`max_cut_off` limits what no step does";
        found.warning(
            Code::IdleLimit,
            place,
            message,
            "remove it, or add a `restrict` step",
        );
    }
    let mut seen: Vec<(usize, &Restrict)> = Vec::new();
    for (index, step) in playbook.steps.iter().enumerate() {
        let Step::Restrict(restrict) = step else { continue };
        let here = Here { index, locator };
        here.application(restrict, found);
        if let Some((first, _)) = seen
            .iter()
            .find(|(_, earlier)| earlier.application.same_place(&restrict.application))
        {
            let message = format!("`{}` is restricted twice", restrict.application);
            found.error(
                Code::RestrictedTwice,
                here.value("application"),
                message,
                "the second one undoes the first: make one of them",
            );
            found.related(
                Here {
                    index: *first,
                    locator,
                }
                .value("application"),
                "first here",
            );
        }
        seen.push((index, restrict));
        here.allow(restrict, found);
        if restrict.unlisted == Unlisted::Deny
            && let Some(address) = loopback_left_out(&restrict.allow)
        {
            let message = format!("the server itself would be refused: {address} is not allowed");
            let hint = "add { role = \"loopback\" }: Exchange's own monitoring asks from there and restarts what does not answer";
            found.warning(Code::LoopbackDenied, here.value("unlisted"), message, hint);
        }
    }
    witnesses(playbook, &seen, locator, found);
}

/// Looks at what each `witness` asks for.
fn witnesses(
    playbook: &Playbook,
    restricted: &[(usize, &Restrict)],
    locator: &Locator<'_>,
    found: &mut Findings<'_>,
) {
    for (index, step) in playbook.steps.iter().enumerate() {
        let Step::Witness(witness) = step else { continue };
        let place = |rest: &[Segment<'_>]| locator.value(&in_step(index, "witness", rest));
        let first = restricted
            .first()
            .map(|(_, restrict)| restrict.application.path());
        let named = restricted
            .iter()
            .any(|(_, restrict)| restrict.covers(&witness.path));
        if let (false, false, Some(first)) = (witness.denied_from.is_empty(), named, first) {
            let message = format!(
                "the witness expects `{}` to be denied, which this playbook does not restrict",
                witness.path
            );
            let hint = format!("ask for the restricted application: path = \"{first}/\"");
            found.warning(
                Code::WitnessContradicts,
                place(&[Segment::Key("denied_from")]),
                message,
                hint,
            );
        }
        let before = restricted.iter().rev().filter(|(step, _)| *step < index);
        let judged = before
            .map(|(_, restrict)| restrict)
            .find(|restrict| restrict.covers(&witness.path));
        match judged.and_then(|restrict| restrict.deny_action) {
            Some(DenyAction::Unauthorized) => found.error(
                Code::WitnessBlind,
                place(&[]),
                "who is let in and who is denied both get 401: Exchange asks for a login, and deny_action = \"unauthorized\" answers alike",
                "deny with another deny_action, or leave the witness out; clients ask for their password again and again at 401",
            ),
            Some(DenyAction::AbortRequest) if !witness.denied_from.is_empty() && witness.unchanged.is_empty() => found.error(
                Code::WitnessBlind,
                place(&[Segment::Key("denied_from")]),
                "a connection that is dropped looks the same where the server is down: deny_action = \"abort_request\" proves nothing alone",
                "name a page that must answer from there at the same time: unchanged = [\"/owa/\"]",
            ),
            _ => {}
        }
        for (at, page) in witness.unchanged.iter().enumerate() {
            if let Some((_, restrict)) = restricted.iter().find(|(_, restrict)| restrict.covers(page)) {
                let message = format!(
                    "`{page}` cannot stay unchanged: the playbook restricts `{}`",
                    restrict.application
                );
                let hint = "name a page of another application, e.g. \"/owa/\"";
                found.warning(
                    Code::WitnessContradicts,
                    place(&[Segment::Key("unchanged"), Segment::Index(at)]),
                    message,
                    hint,
                );
            }
        }
    }
}

/// One `restrict` step's place.
struct Here<'a> {
    index: usize,
    locator: &'a Locator<'a>,
}

impl Here<'_> {
    fn value(&self, key: &str) -> std::ops::Range<usize> {
        self.locator
            .value(&in_step(self.index, "restrict", &[Segment::Key(key)]))
    }

    fn entry(&self, entry: usize) -> std::ops::Range<usize> {
        self.locator.value(&in_step(
            self.index,
            "restrict",
            &[Segment::Key("allow"), Segment::Index(entry)],
        ))
    }

    fn application(&self, restrict: &Restrict, found: &mut Findings<'_>) {
        let application = &restrict.application;
        let place = self.value("application");
        if application.site().eq_ignore_ascii_case(BACK_END_SITE) {
            let message = format!("clients never reach `{BACK_END_SITE}`: only Exchange's own front ends do");
            let hint = format!("restrict the application of the same name in \"{FRONT_END_SITE}\"");
            return found.error(Code::BackEndSite, place, message, hint);
        }
        if application.path() == "/" {
            let message = format!("this restricts the whole site `{}`", application.site());
            let hint = "name one application, as in \"Default Web Site/Microsoft-Server-ActiveSync\": all others are shut as well";
            return found.warning(Code::WholeSite, place, message, hint);
        }
        match VirtualDirectory::at(application.path()) {
            Some(known) if known.restrictable => {}
            Some(known) => {
                let message = format!("`{}` serves administrators and Exchange itself", known.path);
                let hint = "restrict what phones and browsers use, and leave this one alone";
                found.warning(Code::AdministratorsApplication, place, message, hint);
            }
            None => {
                let known = VirtualDirectory::ALL.iter().map(|directory| directory.path);
                if let Some(near) = suggest::nearest(application.path(), known) {
                    let message = format!("Exchange has no application `{}`", application.path());
                    found.warning(
                        Code::MisspeltApplication,
                        place,
                        message,
                        format!("did you mean `{near}`?"),
                    );
                }
            }
        }
    }

    fn allow(&self, restrict: &Restrict, found: &mut Findings<'_>) {
        if restrict.unlisted == Unlisted::Allow && !restrict.allow.is_empty() {
            let message = "the allow list has no effect: everybody else is allowed as well";
            found.warning(
                Code::AllowWithoutDeny,
                self.value("allow"),
                message,
                "write unlisted = \"deny\", or leave the list empty",
            );
        }
        // What the literal entries mean as rules; the others become addresses on the servers only.
        let literal: Vec<(usize, Rule)> = restrict
            .allow
            .iter()
            .enumerate()
            .filter_map(|(index, entry)| Some((index, Rule::allow_network(net(&entry.what)?))))
            .collect();
        let section = Section {
            allow_unlisted: false,
            rules: literal.iter().map(|(_, rule)| rule.clone()).collect(),
            ..Section::default()
        };
        let entry = |rule: usize| {
            literal
                .get(rule)
                .map(|(index, _)| (*index, &restrict.allow[*index].what))
        };
        for finding in findings(&section) {
            let about = finding.rule.and_then(entry);
            match (finding.kind, about) {
                (FindingKind::Broad | FindingKind::Everybody, Some((index, what))) => found.warning(
                    Code::BroadNetwork,
                    self.entry(index),
                    format!("`{what}` is hardly a restriction"),
                    "/16 (IPv4) and /32 (IPv6) are the broadest that pass without this warning",
                ),
                (FindingKind::Covered | FindingKind::Shadowed, Some((index, what))) => {
                    let other = finding.other.and_then(entry);
                    let by = other.map_or_else(
                        || "entries before it".to_owned(),
                        |(_, larger)| format!("`{larger}`"),
                    );
                    let message = format!("`{what}` is already allowed by {by}");
                    found.warning(
                        Code::CoveredAllow,
                        self.entry(index),
                        message,
                        "remove one of them",
                    );
                    if let Some((other, _)) = other {
                        found.related(self.entry(other), "covers it");
                    }
                }
                (FindingKind::ManyRules, _) => found.warning(
                    Code::ManyRules,
                    self.value("allow"),
                    finding.to_string(),
                    "join neighbours to networks, or let the firewall in front do it",
                ),
                // What no entry of a playbook can be, what its reader has refused, and what is told about roles as well.
                (
                    FindingKind::Broad
                    | FindingKind::Everybody
                    | FindingKind::Covered
                    | FindingKind::Shadowed
                    | FindingKind::Contradicting
                    | FindingKind::Duplicate
                    | FindingKind::CoversNobody
                    | FindingKind::HostBits
                    | FindingKind::HoledMask
                    | FindingKind::OneFamily
                    | FindingKind::DomainName,
                    _,
                ) => {}
            }
        }
    }
}

/// The addresses of a literal entry.
fn net(what: &AllowWhat) -> Option<IpNet> {
    match what {
        AllowWhat::Address(address) => Some(IpNet::from(*address)),
        AllowWhat::Network(network) => Some(*network),
        AllowWhat::Name(_) | AllowWhat::Role(_) => None,
    }
}

/// Whether a literal entry names this address.
pub(crate) fn names_address(allow: &[AllowEntry], address: IpAddr) -> bool {
    allow
        .iter()
        .any(|entry| net(&entry.what).is_some_and(|net| net.contains(&address)))
        || (has_role(allow, Role::Loopback)
            && [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)].contains(&address))
}

/// Whether a role is among the entries.
pub(crate) fn has_role(allow: &[AllowEntry], role: Role) -> bool {
    allow.iter().any(|entry| entry.what == AllowWhat::Role(role))
}

/// The loopback address of either family that nobody names: Exchange asks itself over both.
fn loopback_left_out(allow: &[AllowEntry]) -> Option<IpAddr> {
    // A server's own addresses include its loopback ones.
    let both = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
    both.into_iter()
        .find(|address| !has_role(allow, Role::OwnAddresses) && !names_address(allow, *address))
}
