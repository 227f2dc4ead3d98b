//! Stand-ins on loopback for the tests of this crate: a load balancer, a front end, and a world of them. WinRM has none here: whole runs over it
//! are played against the simulator.

mod appliance;
mod front_end;
mod load_balancer;

use std::collections::BTreeMap;
use std::sync::Arc;

use auth::{Credentials, Secret};
use inventory::{ServerName, Source, read_inventory, read_playbook};
use rollout::{Plan, RunId};
use tokio::sync::mpsc;

use crate::clock::Clock;
use crate::session::Session;
use crate::world::{World, WorldOptions};

pub(crate) use appliance::{Appliance, Asked as ApplianceAsked};
pub(crate) use front_end::{Asked, FrontEnd, Reply};
pub(crate) use load_balancer::LoadBalancer;

/// The name that clients type.
pub(crate) const HOST: &str = "mail.contoso.example";

/// Where the stand-ins listen.
#[derive(Default)]
pub(crate) struct Ports {
    pub(crate) winrm: u16,
    pub(crate) https: u16,
    /// `tcp://…` of the runtime API.
    pub(crate) balancer: Option<String>,
    pub(crate) ca: Option<String>,
}

/// Servers cas01 and cas02 in pool `eas` with the same ports, on a clock that runs `speed` times as fast.
pub(crate) fn world(ports: &Ports, speed: f64) -> Arc<World> {
    let balancer = match &ports.balancer {
        Some(socket) => {
            format!("[load_balancer.lb]\nkind = \"haproxy\"\nsocket = \"{socket}\"\nbackend = \"eas\"\n")
        }
        None => String::new(),
    };
    let steered = ports.balancer.as_ref().map_or("", |_| "load_balancer = \"lb\"\n");
    let ca = ports.ca.as_ref().map_or("", |_| "ca_file = \"ca.pem\"\n");
    // Port 1 (tcpmux) is where nobody listens.
    let (winrm, https) = (ports.winrm.max(1), ports.https.max(1));
    let text = format!(
        "[defaults]\ncredential = \"ops\"\nport = {winrm}\nhttps_port = {https}\n{ca}\
         [credential.ops]\nuser = 'CONTOSO\\operator'\npassword = {{ env = \"CASGATE_PASSWORD\" }}\n\
         {balancer}\
         [pool.eas]\n{steered}vip = \"https://{HOST}\"\nvip_address = \"127.0.0.1:{https}\"\nmin_in_rotation = 1\n\
         [vantage.inside]\nsource_address = \"127.0.0.10\"\n[vantage.outside]\nsource_address = \"127.0.0.66\"\n\
         [server.cas01]\naddress = \"127.0.0.1\"\npool = \"eas\"\n\
         [server.cas02]\naddress = \"127.0.0.2\"\npool = \"eas\"\n"
    );
    world_of(text, ports.ca.as_deref(), speed)
}

/// The same of another inventory, whose credential is `ops` and whose authority's file is `ca.pem`.
pub(crate) fn world_of(text: String, ca: Option<&str>, speed: f64) -> Arc<World> {
    let inventory = read_inventory(&Source::new("test.toml", text)).unwrap();
    Arc::new(World::new(WorldOptions {
        inventory,
        credentials: BTreeMap::from([(
            "ops".to_owned(),
            Credentials {
                user: r"CONTOSO\operator".to_owned(),
                password: Secret::from("Opera+Pass1!"),
            },
        )]),
        certificate_authorities: ca
            .iter()
            .map(|pem| ("ca.pem".to_owned(), pem.as_bytes().to_vec()))
            .collect(),
        krb5_conf: Arc::default(),
        name_servers: Arc::default(),
        clock: Clock::fast(speed),
        run: RunId::new("20261124-0214-7f3a"),
        operator: "tester@bench".to_owned(),
    }))
}

/// A plan for both servers: `policy` and `steps` are the playbook's TOML below its head.
pub(crate) fn plan(world: &World, rest: &str) -> Plan {
    let text = format!("[playbook]\ntitle = \"test\"\nservers = \"@eas\"\n{rest}");
    let playbook = read_playbook(&Source::new("playbook.toml", text)).unwrap();
    Plan::build(world.inventory(), &playbook, &BTreeMap::new()).unwrap()
}

/// Pool `eas` behind a load balancer and pool `owa` behind none, one server of each at site `east`, which needs `floor`; and a front end that answers
/// for both.
pub(crate) fn site(balancer: &LoadBalancer, front_end: &FrontEnd, floor: u32) -> (Arc<World>, Plan) {
    let text = format!(
        "[defaults]\ncredential = \"ops\"\nhttps_port = {https}\nca_file = \"ca.pem\"\n\
         [credential.ops]\nuser = 'CONTOSO\\operator'\npassword = {{ env = \"CASGATE_PASSWORD\" }}\n\
         [load_balancer.lb]\nkind = \"haproxy\"\nsocket = \"{socket}\"\nbackend = \"eas\"\n\
         [load_balancer.by_page]\nkind = \"none\"\n\
         [pool.eas]\nload_balancer = \"lb\"\nvip = \"https://{HOST}\"\nmin_in_rotation = 0\n\
         [pool.owa]\nload_balancer = \"by_page\"\nvip = \"https://{HOST}\"\nmin_in_rotation = 0\n\
         [site.east]\nmin_in_rotation = {floor}\n\
         [server.cas01]\naddress = \"127.0.0.1\"\npool = \"eas\"\nlabels = {{ site = \"east\" }}\n\
         [server.cas02]\naddress = \"127.0.0.2\"\npool = \"owa\"\nlabels = {{ site = \"east\" }}\n",
        https = front_end.port,
        socket = balancer.socket,
    );
    let world = world_of(text, Some(&front_end.ca), 1000.0);
    let steps = "[[step]]\ndrain = {}\n[[step]]\nwait_healthy = { paths = [\"/owa/healthcheck.htm\"] }\n[[step]]\nreturn_to_rotation = {}\n";
    let text = format!("[playbook]\ntitle = \"test\"\nservers = \"all\"\n{steps}");
    let playbook = read_playbook(&Source::new("playbook.toml", text)).unwrap();
    let plan = Plan::build(world.inventory(), &playbook, &BTreeMap::new()).unwrap();
    (world, plan)
}

/// A session with cas01 whose progress nobody hears.
pub(crate) fn session(world: &Arc<World>, plan: Plan) -> Session {
    let (progress, _) = mpsc::channel(1);
    let server = world.server(&ServerName::from("cas01")).unwrap().clone();
    let (facts, _) = mpsc::unbounded_channel();
    Session::new(Arc::clone(world), Arc::new(plan), server, progress, facts)
}
