//! Steps in an order that cannot be meant.

use iis::ip_security::Unlisted;

use super::locator::{Locator, in_step};
use crate::diagnostic::Code;
use crate::playbook::Playbook;
use crate::reader::Findings;
use crate::step::{RestartMethod, Step, StepKind};

/// Looks at the order of the steps.
pub(crate) fn lint(playbook: &Playbook, locator: &Locator<'_>, found: &mut Findings<'_>) {
    let order = Order {
        steps: &playbook.steps,
        locator,
    };
    order.rotation(found);
    order.partners(found);
}

struct Order<'a> {
    steps: &'a [Step],
    locator: &'a Locator<'a>,
}

impl Order<'_> {
    fn place(&self, index: usize) -> std::ops::Range<usize> {
        self.locator
            .key(&in_step(index, self.steps[index].kind().as_str(), &[]))
    }

    /// Index of the first step of a kind.
    fn first(&self, kind: StepKind) -> Option<usize> {
        self.steps.iter().position(|step| step.kind() == kind)
    }

    /// Walks through the steps and keeps book of whether the server is in rotation.
    fn rotation(&self, found: &mut Findings<'_>) {
        let drains = self.first(StepKind::Drain).is_some();
        let mut out_since = None;
        let mut unproven = None;
        for (index, step) in self.steps.iter().enumerate() {
            match step {
                Step::Drain(_) => {
                    if let Some(first) = out_since.replace(index) {
                        let message = "`drain` while the server is already out of rotation";
                        found.error(
                            Code::StepOrder,
                            self.place(index),
                            message,
                            "remove this one, or return the server before it",
                        );
                        found.related(self.place(first), "drained here");
                    }
                    unproven = None;
                }
                Step::ReturnToRotation(_) => self.returned(index, &mut out_since, &mut unproven, found),
                Step::WaitHealthy(_) => unproven = None,
                Step::RestartIis(restart)
                    if restart.method == RestartMethod::Iisreset && drains && out_since.is_none() =>
                {
                    let message = "`restart_iis` stops the web server while it is in rotation";
                    let hint = "put it between `drain` and `return_to_rotation`, or choose method = \"recycle_app_pool\"";
                    found.error(Code::StepOrder, self.place(index), message, hint);
                }
                Step::Witness(_) if drains && out_since.is_none() && self.returned_before(index) => {
                    let message = "`witness` looks after clients have come back";
                    let hint =
                        "put it before `return_to_rotation`: what it finds wrong would already be served";
                    found.warning(Code::StepOrder, self.place(index), message, hint);
                }
                _ if step.kind().changes() => unproven = Some(index),
                _ => {}
            }
        }
        if let Some(drain) = out_since {
            let message = "`drain` takes the server out of rotation, and nothing returns it";
            found.error(
                Code::DrainWithoutReturn,
                self.place(drain),
                message,
                "end with a [[step]] return_to_rotation = {}",
            );
        }
    }

    fn returned(
        &self,
        index: usize,
        out: &mut Option<usize>,
        unproven: &mut Option<usize>,
        found: &mut Findings<'_>,
    ) {
        if out.take().is_none() {
            let message = "`return_to_rotation` without a `drain` before it";
            found.error(
                Code::ReturnWithoutDrain,
                self.place(index),
                message,
                "begin with a [[step]] drain = {}",
            );
        } else if let Some(change) = unproven.take() {
            let kind = self.steps[change].kind();
            let message =
                format!("`return_to_rotation` follows `{kind}` without a `wait_healthy` between them");
            let hint = "put wait_healthy = { paths = [...] } before it: clients should find a server that is proven to work";
            found.error(Code::UnprovenReturn, self.place(index), message, hint);
            found.related(self.place(change), "changed here");
        }
    }

    fn returned_before(&self, index: usize) -> bool {
        self.steps[..index]
            .iter()
            .any(|step| step.kind() == StepKind::ReturnToRotation)
    }

    /// Steps that want another one before or after them.
    fn partners(&self, found: &mut Findings<'_>) {
        let denies = self
            .steps
            .iter()
            .position(|step| matches!(step, Step::Restrict(restrict) if restrict.unlisted == Unlisted::Deny));
        if let Some(restrict) = self.first(StepKind::Restrict) {
            let hint = "put back_up = {} before it: undo does not need it, but a person may";
            self.wants_before(restrict, StepKind::BackUp, hint, found);
        }
        if let Some(deny) = denies {
            let hint = "put install_feature = { name = \"IIS-IPSecurity\" } before it: without the module IIS keeps the rules and enforces none";
            self.wants_before(deny, StepKind::InstallFeature, hint, found);
        }
        let unwitnessed = self.steps.iter().enumerate().find(|(index, step)| {
            let is_confirmed = matches!(step, Step::Restrict(restrict) if restrict.confirm_within.is_some());
            let is_witness = |step: &Step| step.kind() == StepKind::Witness;
            is_confirmed && !self.steps[*index..].iter().any(is_witness)
        });
        if let Some((index, _)) = unwitnessed {
            let message =
                "`confirm_within` without a `witness` after it: nobody would have seen what is confirmed";
            let hint = "put witness = { allowed_from = [...] } after it";
            found.warning(Code::MissingStep, self.place(index), message, hint);
        }
        if let Some(install) = self.first(StepKind::InstallFeature) {
            let after = &self.steps[install..];
            let restarted = after.iter().any(
                |step| matches!(step, Step::RestartIis(restart) if restart.method != RestartMethod::None),
            );
            // Said in so many words, and looked at: a witness that must be refused shows whether the module is there.
            let is_meant = after.iter().any(|step| step.kind() == StepKind::RestartIis)
                && after
                    .iter()
                    .any(|step| matches!(step, Step::Witness(witness) if !witness.denied_from.is_empty()));
            if !restarted && !is_meant {
                let message = "`install_feature` is not followed by a `restart_iis`";
                let hint = "put restart_iis = {} after it: worker processes that run already do not load a new module";
                found.warning(Code::MissingStep, self.place(install), message, hint);
            }
        }
    }

    /// Warns if no step of `kind` stands before the one at `index`.
    fn wants_before(&self, index: usize, kind: StepKind, hint: &str, found: &mut Findings<'_>) {
        match self.first(kind) {
            Some(at) if at < index => {}
            Some(late) => {
                let message = format!("`{kind}` stands after `{}`", self.steps[index].kind());
                found.warning(Code::StepOrder, self.place(late), message, hint);
                found.related(self.place(index), "it should come before this");
            }
            None => {
                let message = format!("no `{kind}` before `{}`", self.steps[index].kind());
                found.warning(Code::MissingStep, self.place(index), message, hint);
            }
        }
    }
}
