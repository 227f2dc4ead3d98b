//! `install_feature`: a Windows feature, and for the one that enforces `ipSecurity` its module too. The section can be written without either and
//! then means nothing.

use iis::feature::{self, FeatureState};
use iis::{IP_RESTRICTION_MODULE, IP_SECURITY_FEATURE, appcmd};
use inventory::InstallFeature;
use jiff::SignedDuration;
use rollout::{Before, Found, Receipt, StepError};

use super::{already_done, marker, receipt, services};
use crate::failure::{Setback, StepErrorExt, failed, from_appcmd, from_iis};
use crate::session::Session;

/// dism needs minutes where the component store is large or Windows Update is asked for the payload.
const LIMIT: SignedDuration = SignedDuration::from_mins(20);

const REBOOT: &str = "the server has to be restarted before the feature takes effect: restart it in a window of its own, then resume";

/// What there is of the feature.
struct Seen {
    state: FeatureState,
    /// The feature's module stands in IIS's list, or the feature has none that matters.
    module_listed: bool,
}

impl Seen {
    fn is_complete(&self) -> bool {
        self.state == FeatureState::Enabled && self.module_listed
    }

    fn in_words(&self) -> String {
        let module = match self.module_listed {
            true => "",
            false => ", IpRestrictionModule is not in IIS's list of modules",
        };
        format!("{}{module}", self.state)
    }
}

pub(super) async fn probe(session: &mut Session, step: &InstallFeature) -> Result<Found, StepError> {
    let seen = look(session, step).await?;
    if seen.is_complete() {
        return Ok(already_done([format!("{} is {}", step.name, seen.in_words())]));
    }
    Ok(Found::Ready(Before::InstallFeature {
        enabled: seen.state == FeatureState::Enabled,
        module_listed: seen.module_listed,
    }))
}

pub(super) async fn apply(session: &mut Session, step: &InstallFeature) -> Result<Receipt, Setback> {
    let doing = format!("enable feature {}", step.name);
    let told = |error: iis::Error| from_iis(&doing, "dism enables the feature", &error);
    if marker::are_wanted(session.plan()) {
        let running = services::pids(session).await?;
        marker::write(session, &step.name, &running).await?;
    }
    session.doing("dism enables the feature: this may take minutes");
    let line = feature::enable(&step.name).map_err(told)?;
    let enabled = session.change(&doing, &line, LIMIT).await?;
    let report = enabled.map_err(|error| {
        told(error).or_hint("is the feature's payload on the server, or may it come from Windows Update? `dism /online /get-featureinfo` tells more")
    })?;
    if report.restart_required {
        let seen = look(session, step).await?;
        if !seen.is_complete() {
            return Err(failed(doing, "the feature takes effect at once", seen.in_words())
                .hint(REBOOT)
                .into());
        }
    }
    Ok(receipt([format!("{} enabled", step.name)]))
}

pub(super) async fn verify(session: &mut Session, step: &InstallFeature) -> Result<Receipt, StepError> {
    let seen = look(session, step).await?;
    if seen.is_complete() {
        return Ok(receipt([format!("{} is {}", step.name, seen.in_words())]));
    }
    let hint = match seen.state {
        FeatureState::EnablePending | FeatureState::DisablePending => REBOOT,
        FeatureState::DisabledWithPayloadRemoved => {
            "the feature's payload is not on the server: `dism /enable-feature /source:…` brings it back"
        }
        _ => {
            "somebody may have taken the module out of IIS's lists: `appcmd list module` and `appcmd install module` help"
        }
    };
    let doing = format!("look at feature {}", step.name);
    Err(failed(doing, "enabled, and its module in IIS's list", seen.in_words()).hint(hint))
}

async fn look(session: &mut Session, step: &InstallFeature) -> Result<Seen, StepError> {
    let doing = format!("look at feature {}", step.name);
    let told = |error: iis::Error| {
        from_iis(&doing, "the feature's state", &error)
            .or_hint("features are called as `dism /online /get-features` calls them, e.g. IIS-IPSecurity")
    };
    let line = feature::state(&step.name).map_err(told)?;
    let state = session.look(&doing, &line).await?.map_err(told)?;
    let module_listed = if step.name.eq_ignore_ascii_case(IP_SECURITY_FEATURE) {
        let modules = session.look(&doing, &appcmd::list_modules()).await?;
        let modules = modules.map_err(|error| from_appcmd(&doing, "a list of modules", &error))?;
        modules
            .iter()
            .any(|module| module.eq_ignore_ascii_case(IP_RESTRICTION_MODULE))
    } else {
        true
    };
    Ok(Seen { state, module_listed })
}
