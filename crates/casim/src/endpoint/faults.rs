//! The machine's faults that concern the wire.

use tokio::time::sleep;

use super::LOOK;
use crate::machine::Machine;

/// Returns when the machine is willing to answer. `winrm_silent` is a service that accepts and then says nothing.
pub(super) async fn while_silent(machine: &Machine) {
    while machine.faults().winrm_silent.is_on() {
        sleep(LOOK).await;
    }
}
