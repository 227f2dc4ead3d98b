//! What can be made to go wrong at the load balancer.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// How a line of the runtime API goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mishap {
    /// The connection is closed before anything was done, as by a process that is being replaced.
    Unheard,
    /// It is done, and the connection is closed instead of an answer.
    AnswerLost,
    /// It is refused, as on a socket of `level user`.
    Denied,
    /// Nobody answers, and nothing is done.
    Silent,
}

/// Lines of the runtime API that go wrong. None do on a fresh load balancer.
#[derive(Debug, Default)]
pub struct Faults(Mutex<Vec<Planned>>);

#[derive(Debug)]
struct Planned {
    part: String,
    mishap: Mishap,
    times: u32,
}

impl Faults {
    /// The next `times` lines with `part` in them go wrong.
    pub fn plan(&self, part: &str, mishap: Mishap, times: u32) {
        let part = part.to_owned();
        self.lock().push(Planned { part, mishap, times });
    }

    /// Everything is well again.
    pub fn clear(&self) {
        self.lock().clear();
    }

    /// What becomes of this line; uses one occasion up.
    pub(super) fn take(&self, line: &str) -> Option<Mishap> {
        let mut planned = self.lock();
        let due = planned
            .iter_mut()
            .find(|planned| planned.times > 0 && line.contains(&planned.part))?;
        due.times -= 1;
        Some(due.mishap)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Planned>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::{Faults, Mishap};

    #[test]
    fn only_the_lines_that_are_meant_go_wrong_and_only_so_often() {
        let faults = Faults::default();
        faults.plan("eas/cas02 state drain", Mishap::Denied, 2);
        assert_eq!(faults.take("set server eas/cas01 state drain"), None);
        for expected in [Some(Mishap::Denied), Some(Mishap::Denied), None] {
            assert_eq!(faults.take("set server eas/cas02 state drain"), expected);
        }
        faults.plan("show", Mishap::Silent, 9);
        faults.clear();
        assert_eq!(faults.take("show stat"), None);
    }
}
