//! What workers say, as small values.

use crate::observation::{Evidence, FailureKind, Outcome, Receipt, Rotation, StepError};

/// A failure of the kind.
pub fn error(kind: FailureKind) -> StepError {
    StepError {
        kind,
        doing: "commit the section".to_owned(),
        expected: "exit code 0".to_owned(),
        found: "exit code 5".to_owned(),
        hint: None,
        causes: Vec::new(),
    }
}

/// One fact.
pub fn evidence(fact: &str) -> Evidence {
    Evidence {
        facts: vec![fact.to_owned()],
    }
}

/// Success.
pub fn done() -> Outcome {
    Outcome::Done(Receipt::default())
}

/// A pool as its load balancer shows it.
pub fn rotation(in_rotation: u32, members: u32, is_in_rotation: bool) -> Rotation {
    let state = if is_in_rotation { "UP" } else { "DRAIN" };
    Rotation {
        in_rotation,
        members,
        state: state.to_owned(),
        is_in_rotation,
        out: Vec::new(),
        weight: None,
    }
}
