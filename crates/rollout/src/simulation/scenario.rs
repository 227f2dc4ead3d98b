//! A farm, a playbook and what goes wrong, all from one number.

use std::collections::BTreeMap;

use inventory::{Inventory, Playbook, ServerName, Source, StepKind};
use jiff::SignedDuration;

use super::chance::Chance;
use crate::plan::Plan;

/// How an action goes wrong.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Wrong {
    /// It fails, and says so.
    Fails,
    /// It does not come to its end in time.
    TimesOut,
    /// The reply is lost.
    Lost {
        /// Whether it was done all the same.
        happened: bool,
    },
}

/// Something that will go wrong.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Fault {
    /// On which server.
    pub server: ServerName,
    /// At the change of which step.
    pub at: StepKind,
    /// How.
    pub wrong: Wrong,
    /// How often.
    pub times: u32,
}

/// A farm, a playbook and what goes wrong, all from one number.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// The number.
    pub seed: u64,
    /// The farm as an operator would write it.
    pub inventory: String,
    /// The playbook as an operator would write it.
    pub playbook: String,
    /// What goes wrong.
    pub faults: Vec<Fault>,
    /// Servers that somebody else took out before the run.
    pub taken_out: Vec<ServerName>,
    /// No load balancer shows the rotation.
    pub blind: bool,
    /// Drains are seen late at the load balancer.
    pub lags: bool,
    /// After how many events of each sitting the process dies.
    pub crashes: Vec<usize>,
    /// The operator asks to stop after so many events; twice when the flag is set.
    pub stop_at: Option<(usize, bool)>,
    /// How long the change window of each sitting is, if there is one.
    pub window: Option<SignedDuration>,
}

/// The shape of a farm.
struct Shape {
    servers: usize,
    pools: usize,
    /// An allow list that does not fit into one command line.
    is_long: bool,
}

impl Scenario {
    /// The scenario of a seed.
    pub fn new(seed: u64) -> Self {
        let mut chance = Chance::Seed(seed);
        let shape = Shape {
            servers: 2 + chance.below(11),
            pools: 1 + chance.below(2),
            is_long: chance.below(16) == 0,
        };
        let names: Vec<String> = (1..=shape.servers)
            .map(|number| format!("cas{number:02}"))
            .collect();
        let inventory = inventory_text(&shape, &names, &mut chance);
        let playbook = playbook_text(&shape, &mut chance);
        let steps = [
            StepKind::Drain,
            StepKind::InstallFeature,
            StepKind::Restrict,
            StepKind::RestartIis,
            StepKind::WaitHealthy,
            StepKind::ReturnToRotation,
        ];
        let wrongs = [
            Wrong::Fails,
            Wrong::TimesOut,
            Wrong::Lost { happened: true },
            Wrong::Lost { happened: false },
        ];
        let faults = (0..chance.below(4))
            .map(|_| Fault {
                server: name(&names, &mut chance),
                at: chance.pick(&steps, StepKind::Restrict),
                wrong: chance.pick(&wrongs, Wrong::Fails),
                times: if chance.below(4) == 0 { 4 } else { 1 },
            })
            .collect();
        let taken_out = match chance.below(8) {
            0 => vec![name(&names, &mut chance)],
            _ => Vec::new(),
        };
        let blind = chance.below(4) == 0;
        let crashes = (0..chance.below(4)).map(|_| 1 + chance.below(120)).collect();
        let stop_at = match chance.below(8) {
            0 => Some((1 + chance.below(200), chance.below(2) == 0)),
            _ => None,
        };
        Self {
            seed,
            inventory,
            playbook,
            faults,
            taken_out,
            blind,
            lags: chance.below(2) == 0,
            crashes,
            stop_at,
            window: window(seed),
        }
    }

    /// The farm, read; `None` where it is no inventory, which a test excludes.
    pub fn farm(&self) -> Option<Inventory> {
        let source = Source::new("simulated.toml", &self.inventory);
        inventory::read_inventory(&source).ok()
    }

    /// The playbook, read.
    pub fn changes(&self) -> Option<Playbook> {
        let source = Source::new("simulated.toml", &self.playbook);
        inventory::read_playbook(&source).ok()
    }

    /// The plan, or why there is none: where a floor could be broken, that is as good an answer. `None` where farm or playbook cannot be read.
    pub fn plan(&self) -> Option<Result<Plan, crate::Error>> {
        let (farm, playbook) = (self.farm()?, self.changes()?);
        Some(Plan::build(&farm, &playbook, &BTreeMap::new()))
    }
}

/// Every third run has a change window: too short for anything, long enough for all, or in between. Drawn apart, so that a seed's farm does not
/// depend on it.
fn window(seed: u64) -> Option<SignedDuration> {
    let mut chance = Chance::Seed(seed ^ 0x5749_4e44_4f57);
    let minutes = i64::try_from(chance.below(60)).unwrap_or(0);
    (chance.below(3) == 0).then(|| SignedDuration::from_mins(minutes))
}

fn name(names: &[String], chance: &mut Chance) -> ServerName {
    let at = chance.below(names.len());
    ServerName::from(names.get(at).map_or("cas01", String::as_str))
}

fn inventory_text(shape: &Shape, names: &[String], chance: &mut Chance) -> String {
    let mut text = "[credential.ops]\nuser = 'CONTOSO\\ops'\npassword = { env = \"CASGATE_PASSWORD\" }\n\
        [load_balancer.lb]\nkind = \"haproxy\"\nsocket = \"tcp://192.0.2.5:9999\"\nbackend = \"eas\"\nprobes_from = [\"192.0.2.5\"]\n\
        [defaults]\ncredential = \"ops\"\n"
        .to_owned();
    // A floor above a pool's size is an error of the inventory.
    let most = if shape.servers / shape.pools < 2 { 5 } else { 6 };
    let floors = &["\"75%\"", "\"50%\"", "\"34%\"", "1", "0", "2"][..most];
    for pool in 1..=shape.pools {
        let floor = chance.pick(floors, "1");
        text.push_str(&format!(
            "[pool.p{pool}]\nload_balancer = \"lb\"\nmin_in_rotation = {floor}\n"
        ));
        if chance.below(4) == 0 {
            text.push_str(&format!("max_failures = {}\n", chance.below(2)));
        }
    }
    let is_weighted = chance.below(2) == 0;
    let racks = 2 + chance.below(4);
    for (number, name) in names.iter().enumerate() {
        let pool = 1 + number % shape.pools;
        let weight = if is_weighted { 1 + chance.below(4) } else { 1 };
        let (site, rack) = (1 + number / 2 % 2, 1 + number % racks);
        text.push_str(&format!(
            "[server.{name}]\naddress = \"192.0.2.{}\"\npool = \"p{pool}\"\nweight = {weight}\n\
             labels = {{ site = \"s{site}\", rack = \"r{rack}\" }}\n",
            10 + number
        ));
    }
    if chance.below(3) == 0 {
        text.push_str(&format!(
            "[site.s1]\nmin_in_rotation = {}\n",
            chance.pick(&["1", "\"50%\"", "0"], "1")
        ));
    }
    text
}

fn playbook_text(shape: &Shape, chance: &mut Chance) -> String {
    let mut text = "[playbook]\ntitle = \"simulated\"\nservers = \"all\"\n[policy]\n".to_owned();
    let mut say = |key: &str, value: &str| text.push_str(&format!("{key} = {value}\n"));
    if chance.below(3) == 0 {
        say("strategy", "\"sliding\"");
    } else {
        say(
            "waves",
            chance.pick(&["[1, \"25%\", \"50%\"]", "[1]", "[\"50%\"]", "[2, 2]"], "[1]"),
        );
        if chance.below(4) == 0 {
            say("canary_hold", "\"10m\"");
        }
        if chance.below(6) == 0 {
            say("pause_after", "[1]");
        }
    }
    if chance.below(4) == 0 {
        say("spread", chance.pick(&["\"rack\"", "\"site\""], "\"rack\""));
    }
    say("max_parallel", chance.pick(&["\"100%\"", "2", "1"], "\"100%\""));
    say("max_failures", chance.pick(&["0", "0", "1", "2"], "0"));
    say("progress_deadline", "\"10m\"");
    say(
        "on_failure",
        chance.pick(
            &["\"undo\"", "\"undo\"", "\"undo_all\"", "\"stop\"", "\"ask\""],
            "\"undo\"",
        ),
    );
    let networks: Vec<String> = match shape.is_long {
        true => (0..220)
            .map(|number| format!("{{ network = \"10.{}.{}.0/24\" }}", number / 200, number % 200))
            .collect(),
        false => vec!["{ network = \"10.0.0.0/24\" }".to_owned()],
    };
    text.push_str(&format!(
        "[[step]]\ndrain = {{}}\n[[step]]\nback_up = {{}}\n[[step]]\ninstall_feature = {{ name = \"IIS-IPSecurity\" }}\n\
         [[step]]\nrestrict = {{ application = \"Default Web Site/Microsoft-Server-ActiveSync\", unlisted = \"deny\", existing = {}, allow = [\n\
         {{ role = \"loopback\" }}, {{ role = \"load_balancer_probes\" }}, {{ address = \"198.51.100.10\" }}, {} ] }}\n\
         [[step]]\nrestart_iis = {{}}\n[[step]]\nwait_healthy = {{ paths = [\"/owa/healthcheck.htm\"] }}\n[[step]]\nreturn_to_rotation = {{}}\n",
        chance.pick(&["\"replace\"", "\"keep\""], "\"replace\""),
        networks.join(", ")
    ));
    text
}
