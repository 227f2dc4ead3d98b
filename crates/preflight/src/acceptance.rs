//! What an operator accepts, and why.

use crate::rule::{Rule, Severity};

/// A refusal that an operator accepts, with the reason that is recorded.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Acceptance {
    rule: Rule,
    reason: String,
}

/// What cannot be accepted.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum NotAcceptable {
    /// No rule has this id.
    #[error("no finding is called `{id}`")]
    Unknown {
        /// What was written.
        id: String,
        /// The id that comes nearest, if one does.
        nearest: Option<&'static str>,
    },
    /// The rule refuses nothing.
    #[error("`{rule}` is no refusal: there is nothing to accept")]
    NoRefusal {
        /// The rule.
        rule: Rule,
    },
    /// The rule's refusals stand whatever the reason.
    #[error("`{rule}` cannot be accepted: {}", .rule.reason())]
    Never {
        /// The rule.
        rule: Rule,
    },
    /// No reason, or one without a word.
    #[error("`{rule}` is accepted without a reason")]
    NoReason {
        /// The rule.
        rule: Rule,
    },
    /// The same rule twice.
    #[error("`{rule}` is accepted twice")]
    Twice {
        /// The rule.
        rule: Rule,
    },
}

impl Acceptance {
    /// The rule.
    pub fn rule(&self) -> Rule {
        self.rule
    }

    /// Why.
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// Reads pairs of a rule's id and a reason; what a reason has of control characters becomes blanks.
    ///
    /// # Errors
    /// [`NotAcceptable`] for the first pair that cannot be.
    pub fn read<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Vec<Self>, NotAcceptable> {
        let mut accepted: Vec<Self> = Vec::new();
        for (id, reason) in pairs {
            let rule: Rule = id.parse().map_err(|()| NotAcceptable::Unknown {
                id: id.to_owned(),
                nearest: nearest(id),
            })?;
            if rule.severity() != Severity::Refuse {
                return Err(NotAcceptable::NoRefusal { rule });
            }
            if !rule.is_acceptable() {
                return Err(NotAcceptable::Never { rule });
            }
            let reason = reason
                .split(|c: char| c.is_whitespace() || c.is_control())
                .filter(|word| !word.is_empty())
                .collect::<Vec<_>>()
                .join(" ");
            if !reason.chars().any(char::is_alphanumeric) {
                return Err(NotAcceptable::NoReason { rule });
            }
            if accepted.iter().any(|earlier| earlier.rule == rule) {
                return Err(NotAcceptable::Twice { rule });
            }
            accepted.push(Self { rule, reason });
        }
        Ok(accepted)
    }
}

/// The acceptable rule that shares the most of its words with what was written.
fn nearest(id: &str) -> Option<&'static str> {
    let shared = |rule: &Rule| {
        let written: Vec<&str> = id.split(['-', '_', ' ']).collect();
        rule.id()
            .split('-')
            .filter(|word| word.len() > 2 && written.iter().any(|w| w.eq_ignore_ascii_case(word)))
            .count()
    };
    Rule::all()
        .filter(|rule| shared(rule) > 0)
        .max_by_key(|rule| (shared(rule), rule.is_acceptable()))
        .map(Rule::id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(id: &str, reason: &str) -> Result<(Rule, String), NotAcceptable> {
        Acceptance::read([(id, reason)]).map(|mut accepted| {
            let first = accepted.remove(0);
            (first.rule, first.reason)
        })
    }

    #[test]
    fn a_refusal_is_accepted_with_a_reason() {
        assert_eq!(
            one("probes-denied", " the probes ask /owa only\n(CHG 42) "),
            Ok((Rule::ProbesDenied, "the probes ask /owa only (CHG 42)".to_owned()))
        );
        let rule = Rule::ProbesDenied;
        assert_eq!(
            one("probes-denied", " \t\n "),
            Err(NotAcceptable::NoReason { rule })
        );
        assert_eq!(one("probes-denied", "..."), Err(NotAcceptable::NoReason { rule }));
        let twice = Acceptance::read([("probes-denied", "a"), ("probes-denied", "b")]);
        assert_eq!(twice, Err(NotAcceptable::Twice { rule }));
    }

    #[test]
    fn some_things_are_never_accepted_and_say_why() {
        let never = |rule| Err(NotAcceptable::Never { rule });
        assert_eq!(one("shared-configuration", "x"), never(Rule::SharedConfiguration));
        assert_eq!(one("32-bit-shell", "x"), never(Rule::ThirtyTwoBitShell));
        assert_eq!(one("not-elevated", "x"), never(Rule::NotElevated));
        assert_eq!(
            one("application-not-found", "x"),
            never(Rule::ApplicationNotFound)
        );
        assert_eq!(one("back-end-site", "x"), never(Rule::BackEndSite));
        let told = one("shared-configuration", "x").unwrap_err().to_string();
        assert!(told.contains("every server that shares the files"), "{told}");
        assert_eq!(
            one("open-hole", "x"),
            Err(NotAcceptable::NoRefusal { rule: Rule::OpenHole })
        );
    }

    #[test]
    fn a_misspelt_rule_is_told_with_the_nearest() {
        let unknown = |id: &str, nearest| {
            Err(NotAcceptable::Unknown {
                id: id.to_owned(),
                nearest,
            })
        };
        assert_eq!(
            one("probes_denied", "x"),
            unknown("probes_denied", Some("probes-denied"))
        );
        assert_eq!(one("setup", "x"), unknown("setup", Some("setup-running")));
        assert_eq!(one("all", "x"), unknown("all", None));
    }
}
