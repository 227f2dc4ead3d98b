//! Witnesses whose vantages cannot see what they should.

use iis::ip_security::Unlisted;

use super::View;
use crate::diagnostic::Code;
use crate::fleet::{Server, Vantage};
use crate::lints::locator::{Segment, in_step};
use crate::lints::rules::names_address;
use crate::name::VantageName;
use crate::reader::{Findings, suggest};
use crate::step::{AllowWhat, Restrict, Role, Step, Witness};

impl View<'_> {
    pub(super) fn vantages(&self, servers: &[&Server], found: &mut Findings<'_>) {
        for (index, step) in self.playbook.steps.iter().enumerate() {
            let Step::Witness(witness) = step else {
                continue;
            };
            let restrict = self.restricting(&witness.path);
            let Witness {
                allowed_from,
                denied_from,
                ..
            } = witness;
            for (key, names, allowed) in [
                ("allowed_from", allowed_from, true),
                ("denied_from", denied_from, false),
            ] {
                for (at, name) in names.iter().enumerate() {
                    let place = || {
                        self.locator.value(&in_step(
                            index,
                            "witness",
                            &[Segment::Key(key), Segment::Index(at)],
                        ))
                    };
                    match self.inventory.vantages.get(name) {
                        None => {
                            let known = self.inventory.vantages.keys().map(VantageName::as_str);
                            let hint = suggest::hint(name.as_str(), known, "vantage");
                            let message = format!("the inventory has no vantage `{name}`");
                            found.error(Code::UnknownVantage, place(), message, hint);
                        }
                        Some(Vantage::Server(server))
                            if servers.iter().any(|selected| selected.name == *server) =>
                        {
                            let message =
                                format!("`{name}` is the server `{server}`, which this playbook changes");
                            let hint = "a witness stands outside of the change: name another server at the vantage, or select others \
                                        (`@POOL` instead of `all`)";
                            found.error(Code::VantageSelected, place(), message, hint);
                        }
                        Some(vantage) => {
                            if let Some(restrict) = restrict
                                && let Some(why) = contradiction(restrict, vantage, allowed)
                            {
                                let message = format!("`{name}` {why}");
                                let hint = "correct the allow list, or the witness; if the servers see another address (NAT), ignore this";
                                found.warning(Code::WitnessContradicts, place(), message, hint);
                            }
                        }
                    }
                }
            }
        }
    }

    /// The last rules for a page: they are the ones that a witness finds.
    fn restricting(&self, page: &str) -> Option<&Restrict> {
        self.playbook.steps.iter().rev().find_map(|step| match step {
            Step::Restrict(restrict) if restrict.covers(page) => Some(restrict),
            _ => None,
        })
    }
}

/// Why a witness from this vantage cannot see what it should, if that is certain: only addresses that stand in both files are compared.
fn contradiction(restrict: &Restrict, vantage: &Vantage, allowed: bool) -> Option<String> {
    let Vantage::SourceAddress(address) = vantage else {
        return None;
    };
    // Nobody's address stands for one that could not be read.
    if address.is_unspecified() {
        return None;
    }
    let named = names_address(&restrict.allow, *address);
    let denies = restrict.unlisted == Unlisted::Deny;
    let resolved_later = restrict.allow.iter().any(|entry| {
        matches!(
            entry.what,
            AllowWhat::Name(_) | AllowWhat::Role(Role::Operator | Role::OwnAddresses)
        )
    });
    match (allowed, named, denies) {
        (true, false, true) if !resolved_later || address.is_loopback() => Some(format!(
            "should be allowed, but no entry names its address {address}"
        )),
        (false, true, _) => Some(format!("should be denied, but its address {address} is allowed")),
        (false, false, false) => Some(format!(
            "should be denied, but everybody is allowed ({address} as well)"
        )),
        _ => None,
    }
}
