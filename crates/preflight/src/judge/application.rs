//! The application: whether it is there, under which name, who else offers it, what the levels above say.

use exchange::BACK_END_SITE;
use iis::ApplicationPath;
use iis::appcmd::{ObjectState, Site, SiteApplication};
use iis::ip_security::{DenyAction, Unlisted};
use inventory::{Restrict, Step};

use super::{Here, restrictions};
use crate::facts::ApplicationFacts;
use crate::rule::Rule;

/// The port on which back ends are reached.
const BACK_END_PORT: u16 = 444;
/// The port on which clients come.
const FRONT_END_PORT: u16 = 443;

impl Here<'_> {
    pub(super) fn application(&mut self, restrict: &Restrict) {
        let facts = self.facts;
        let wanted = &restrict.application;
        let (Some(sites), Some(applications)) = (
            self.known("the sites of IIS", &facts.sites),
            self.known("the applications of IIS", &facts.applications),
        ) else {
            return;
        };
        if is_back_end(wanted.site(), sites) {
            return self.say(
                Rule::BackEndSite,
                format!("`{wanted}` belongs to the back end, which Exchange's own front ends reach on port {BACK_END_PORT}"),
                "restrict the application of the same name in the site that clients reach",
            );
        }
        let elsewhere: Vec<&SiteApplication> = applications
            .iter()
            .filter(|app| offers(&app.path, wanted) && !is_back_end(app.path.site(), sites))
            .collect();
        let Some(found) = applications.iter().find(|app| app.path.same_place(wanted)) else {
            let names: Vec<String> = elsewhere.iter().map(|app| app.path.to_string()).collect();
            let (found, remedy) = match names.split_first() {
                None => (
                    format!("no `{wanted}`, and no other site with such an application"),
                    "is Exchange's Client Access role on this server? `appcmd list app` shows what there is"
                        .to_owned(),
                ),
                Some((first, _)) => (
                    format!("no `{wanted}`; here it is called `{}`", names.join("`, `")),
                    format!(
                        "the site was renamed: write application = \"{first}\", in a playbook for the servers where it is so"
                    ),
                ),
            };
            return self.say(Rule::ApplicationNotFound, found, remedy);
        };
        self.runs(found, sites);
        if restrict.unlisted == Unlisted::Deny {
            self.holes(restrict, &elsewhere, sites);
        }
        if let Some(written) = facts.restricted.get(wanted)
            && let Some(written) = self.known(&format!("the rules of `{wanted}`"), written)
        {
            self.above(restrict, written);
            self.denial(restrict, written);
            self.allowed(restrict, written);
        }
    }

    /// Whether clients find it now.
    fn runs(&mut self, app: &SiteApplication, sites: &[Site]) {
        let site = sites
            .iter()
            .find(|site| site.name.eq_ignore_ascii_case(app.path.site()));
        if let Some(site) = site
            && matches!(site.state, ObjectState::Stopped | ObjectState::Stopping)
        {
            self.say(
                Rule::SiteStopped,
                format!("the site `{}` is {}", site.name, site.state),
                format!(
                    "`appcmd start site \"{}\"`, once it is known why it does not run",
                    site.name
                ),
            );
        }
        let facts = self.facts;
        let Some(pools) = self.known("the application pools of IIS", &facts.pools) else {
            return;
        };
        let pool = pools
            .iter()
            .find(|pool| pool.name.eq_ignore_ascii_case(&app.application_pool));
        if let Some(pool) = pool
            && matches!(pool.state, ObjectState::Stopped | ObjectState::Stopping)
        {
            self.say(
                Rule::PoolStopped,
                format!("the application pool {} is {}", pool.name, pool.state),
                format!(
                    "`appcmd start apppool {}`, once the event log told why it stopped (rapid-fail protection?)",
                    pool.name
                ),
            );
        }
    }

    /// Other ways to the same application that the plan leaves open.
    fn holes(&mut self, restrict: &Restrict, elsewhere: &[&SiteApplication], sites: &[Site]) {
        for app in elsewhere {
            let is_restricted = restrictions(self.plan)
                .any(|other| other.unlisted == Unlisted::Deny && other.application.same_place(&app.path));
            let serves = sites.iter().any(|site| {
                site.name.eq_ignore_ascii_case(app.path.site()) && site.state != ObjectState::Stopped
            });
            if app.path.same_place(&restrict.application) || is_restricted || !serves {
                continue;
            }
            self.say(
                Rule::OpenHole,
                format!(
                    "`{}` offers the same as `{}`, and this playbook does not restrict it",
                    app.path, restrict.application
                ),
                format!(
                    "add a `restrict` step with application = \"{}\", or take the site away",
                    app.path
                ),
            );
        }
    }

    /// A denied client that a witness expects to see denied gets something else than the witness knows.
    fn denial(&mut self, restrict: &Restrict, written: &ApplicationFacts) {
        let found = written.effective.denial();
        let is_witnessed = self.plan.steps.iter().any(|step| match step {
            Step::Witness(step) => !step.denied_from.is_empty() && restrict.covers(&step.path),
            _ => false,
        });
        if restrict.deny_action.is_none() && found != DenyAction::Forbidden && is_witnessed {
            self.say(
                Rule::OtherDenial,
                format!(
                    "denyAction={found} at `{}`, where the witness expects {}",
                    restrict.application,
                    DenyAction::Forbidden
                ),
                format!(
                    "write deny_action = \"{}\" in the `restrict` step to keep it, or \"{}\" to change it",
                    found.word(),
                    DenyAction::Forbidden.word()
                ),
            );
        }
    }

    /// What the levels above the application say.
    fn above(&mut self, restrict: &Restrict, written: &ApplicationFacts) {
        let shut: Vec<&str> = written
            .above
            .iter()
            .filter(|(_, section)| !section.allow_unlisted)
            .map(|(level, _)| level.as_str())
            .collect();
        if !shut.is_empty() {
            let found = format!("allowUnlisted=false at {}", shut.join(", "));
            match restrict.unlisted {
                Unlisted::Allow => self.say(
                    Rule::InheritedDeny,
                    found,
                    "decide it there: open that level, or leave the application shut",
                ),
                Unlisted::Deny => self.say(
                    Rule::InheritedUnlisted,
                    found,
                    "nothing: the playbook denies them as well",
                ),
            }
        }
        for (level, section) in &written.above {
            if section.rules.is_empty() {
                continue;
            }
            let entries: Vec<String> = section.rules.iter().take(5).map(ToString::to_string).collect();
            let more = section.rules.len().saturating_sub(entries.len());
            let more = if more == 0 {
                String::new()
            } else {
                format!(" and {more} more")
            };
            self.say(
                Rule::InheritedRules,
                format!("{} entries at {level}: {}{more}", section.rules.len(), entries.join(", ")),
                "`existing = \"replace\"` removes them for this application; is that what whoever wrote them expects?",
            );
        }
    }
}

/// Whether an application's path ends in the wanted one's.
fn offers(app: &ApplicationPath, wanted: &ApplicationPath) -> bool {
    let (app, wanted) = (app.path(), wanted.path());
    if wanted == "/" {
        return false;
    }
    app.len()
        .checked_sub(wanted.len())
        .and_then(|at| app.get(at..))
        .is_some_and(|end| end.eq_ignore_ascii_case(wanted))
}

/// By its name, and where somebody renamed it by the port that only back ends have.
fn is_back_end(site: &str, sites: &[Site]) -> bool {
    site.eq_ignore_ascii_case(BACK_END_SITE)
        || sites
            .iter()
            .filter(|known| known.name.eq_ignore_ascii_case(site))
            .map(Site::ports)
            .any(|ports| ports.contains(&BACK_END_PORT) && !ports.contains(&FRONT_END_PORT))
}

#[cfg(test)]
mod tests {
    use super::offers;

    #[test]
    fn paths_that_end_alike_offer_the_same() {
        let offers = |app: &str, wanted: &str| offers(&app.parse().unwrap(), &wanted.parse().unwrap());
        let wanted = "Default Web Site/Microsoft-Server-ActiveSync";
        assert!(offers("Mail/microsoft-server-activesync", wanted));
        assert!(offers("Mail/old/Microsoft-Server-ActiveSync", wanted));
        assert!(!offers("Mail/Microsoft-Server-ActiveSync/Proxy", wanted));
        assert!(!offers("Mail/x-Microsoft-Server-ActiveSync", wanted));
        assert!(!offers("Mail", wanted) && !offers("Mail", "Default Web Site"));
    }
}
