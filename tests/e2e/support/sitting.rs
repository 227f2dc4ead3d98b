//! Sittings of a run: one that goes wrong, the time until the next one, which nobody waits for, and one that ends well.

use inventory::Moment;
use jiff::SignedDuration;
use journal::{Holder, Journal};
use rollout::{Commit, EventKind};

use super::child::Running;
use super::stage::Stage;

impl Stage {
    /// [`Stage::start_apply`], up to the instant at which the first server is about to be restarted: it will not be healthy after that.
    pub(crate) async fn start_unhealthy(&self) -> Running {
        let mut run = self.start_apply();
        run.until("cas01 step_probed restart_iis").await;
        self.machine(0).faults().health_stays_503.set(true);
        run
    }

    /// The newest run is resumed and ends well: every server is as wanted, and in rotation.
    pub(crate) async fn assert_resumes(&self) {
        self.casgate(&["resume", "latest"]).await.assert_code(0);
        self.assert_all_restricted();
    }

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
