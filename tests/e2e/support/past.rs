//! Time that passes between two sittings of a run, without anybody waiting for it.

use inventory::Moment;
use jiff::SignedDuration;
use journal::{Holder, Journal};
use rollout::{Commit, EventKind};

use super::stage::Stage;

impl Stage {
    /// As if so much time had passed since the newest run's last sitting: what its journal has a time for is so much longer ago, and the window that it
    /// was planned for opens and closes so much earlier.
    pub(crate) fn pass(&self, time: SignedDuration) {
        let folder = self.run_folder();
        let events = journal::read(&folder).expect("the journal is sound");
        std::fs::remove_dir_all(&folder).expect("the run's folder goes");
        let holder = Holder::this_process("tester@bench");
        let mut journal = Journal::create(&folder, &holder).expect("the run's folder comes back");
        for event in events {
            let mut kind = event.kind;
            match &mut kind {
                EventKind::RunStarted { plan, .. } => {
                    if let Some(window) = &mut plan.policy.window {
                        window.from = earlier(window.from, time);
                        window.until = earlier(window.until, time);
                    }
                }
                EventKind::WindowEntered { until } => *until -= time,
                _ => {}
            }
            journal.commit(event.at - time, kind).expect("it is recorded");
        }
    }
}

fn earlier(moment: Moment, by: SignedDuration) -> Moment {
    match moment {
        Moment::Daily(at) => Moment::Daily(at.wrapping_sub(by)),
        Moment::Once(at) => Moment::Once(at - by),
    }
}
