//! The web server: its services, the feature and the module that enforce the rules, what its schema knows.

use iis::feature::FeatureState;
use iis::ip_security::{DenyAction, Unlisted};
use iis::service::ServiceState;
use iis::{IP_RESTRICTION_MODULE, IP_SECURITY_FEATURE};
use inventory::{RestartMethod, Step};

use super::{Here, restrictions};
use crate::rule::Rule;

impl Here<'_> {
    pub(super) fn web_server(&mut self) {
        let facts = self.facts;
        for (name, state) in &facts.services {
            if let Some(state) = self.known(name, state)
                && *state != ServiceState::Running
            {
                self.say(
                    Rule::WebServiceStopped,
                    format!("{name} is {state}"),
                    format!("find out why (`sc queryex {name}`, the system's event log), and start it"),
                );
            }
        }
        // Nobody is refused by an application that is opened, so nothing has to enforce it.
        if restrictions(self.plan).any(|restrict| restrict.unlisted == Unlisted::Deny) {
            self.feature();
        }
        let asks_for_more = self.schema();
        if let Ok(schema) = &facts.schema
            && !(schema.deny_action && schema.enable_proxy_mode)
            && restrictions(self.plan).next().is_some()
            && !asks_for_more
        {
            self.say(
                Rule::OlderSchema,
                "no denyAction and no enableProxyMode in IIS's schema",
                "nothing: IIS 7.x is served as well",
            );
        }
    }

    /// Whether a step asks for what IIS 7.x cannot do; 403, and no proxy mode, is what it does anyway.
    fn schema(&mut self) -> bool {
        let facts = self.facts;
        let mut asks = false;
        for restrict in restrictions(self.plan) {
            let action = restrict
                .deny_action
                .filter(|action| *action != DenyAction::Forbidden);
            let lines = [
                action.map(|action| ("denyAction", format!("deny_action = \"{}\"", action.word()))),
                (restrict.proxy_mode == Some(true))
                    .then(|| ("enableProxyMode", "proxy_mode = true".to_owned())),
            ];
            for (attribute, line) in lines.into_iter().flatten() {
                asks = true;
                let Some(schema) = self.known("IIS's schema", &facts.schema) else {
                    return asks;
                };
                let is_there = match attribute {
                    "denyAction" => schema.deny_action,
                    _ => schema.enable_proxy_mode,
                };
                if !is_there {
                    self.say(
                        Rule::SchemaTooOld,
                        format!(
                            "no {attribute} in IIS's schema, and `restrict` of `{}` says {line}",
                            restrict.application
                        ),
                        format!("give these servers a playbook of their own, without {line}"),
                    );
                }
            }
        }
        asks
    }

    fn feature(&mut self) {
        let facts = self.facts;
        let is_installed = self.plan.steps.iter().any(
            |step| matches!(step, Step::InstallFeature(step) if step.name.eq_ignore_ascii_case(IP_SECURITY_FEATURE)),
        );
        let step = format!("install_feature = {{ name = \"{IP_SECURITY_FEATURE}\" }}");
        let Some(state) = self.known("the state of the feature", &facts.feature) else {
            return;
        };
        let found = format!("{IP_SECURITY_FEATURE} is {}", state.to_string().to_lowercase());
        match state {
            FeatureState::Enabled => self.module(),
            FeatureState::EnablePending | FeatureState::DisablePending => self.say(
                Rule::FeaturePending,
                found,
                "restart the server in a window of its own, then plan anew",
            ),
            FeatureState::Disabled | FeatureState::DisabledWithPayloadRemoved if !is_installed => self.say(
                Rule::FeatureMissing,
                found,
                format!("add the step before `restrict`: {step}"),
            ),
            FeatureState::Disabled => self.say(
                Rule::FeatureToBeInstalled,
                found,
                "nothing: `install_feature` stands in the playbook",
            ),
            FeatureState::DisabledWithPayloadRemoved => self.say(
                Rule::FeatureWithoutPayload,
                found,
                format!("`dism /online /enable-feature /featurename:{IP_SECURITY_FEATURE} /source:…` by hand, where Windows Update cannot be reached"),
            ),
        }
    }

    fn module(&mut self) {
        let facts = self.facts;
        if let Some(modules) = self.known("the modules of IIS", &facts.modules)
            && !modules
                .iter()
                .any(|module| module.eq_ignore_ascii_case(IP_RESTRICTION_MODULE))
        {
            self.say(
                Rule::ModuleNotLoaded,
                format!("{IP_SECURITY_FEATURE} is enabled, and {IP_RESTRICTION_MODULE} is not in IIS's list of modules"),
                format!(
                    "`appcmd install module /name:{IP_RESTRICTION_MODULE} /image:%windir%\\System32\\inetsrv\\iprestr.dll` puts it back, if nobody took it out on purpose"
                ),
            );
            return;
        }
        self.workers();
    }

    /// Where no step restarts it, a worker goes on without the module.
    fn workers(&mut self) {
        let is_restarted = self
            .plan
            .steps
            .iter()
            .any(|step| matches!(step, Step::RestartIis(step) if step.method != RestartMethod::None));
        let (Ok(workers), Ok(applications)) = (&self.facts.workers, &self.facts.applications) else {
            return;
        };
        if is_restarted {
            return;
        }
        let pools: Vec<&str> = applications
            .iter()
            .filter(|app| restrictions(self.plan).any(|restrict| restrict.application.same_place(&app.path)))
            .map(|app| app.application_pool.as_str())
            .collect();
        let without: Vec<String> = workers
            .iter()
            .filter(|worker| worker.has_module == Some(false))
            .filter(|worker| {
                pools
                    .iter()
                    .any(|pool| pool.eq_ignore_ascii_case(&worker.application_pool))
            })
            .map(|worker| format!("process {} of {}", worker.pid, worker.application_pool))
            .collect();
        if !without.is_empty() {
            self.say(
                Rule::WorkerWithoutModule,
                format!("without {IP_RESTRICTION_MODULE}: {}", without.join(", ")),
                "add the step behind `restrict`: restart_iis = { method = \"recycle_app_pool\" }",
            );
        }
    }
}
