//! What the inventory says, as it reaches WinRM, the front ends and the load balancers.

use std::time::Duration;

use auth::Secret;
use inventory::{Source, read_inventory};

use super::*;
use crate::testing::{FrontEnd, Ports, world};
use crate::web::WebError;

const FARM: &str = r#"
[credential.ops]
user = 'CONTOSO\operator'
password = { env = "CASGATE_PASSWORD" }
[load_balancer.lb]
kind = "haproxy"
socket = "tcp://192.0.2.5:9999"
backend = "eas"
probes_from = ["192.0.2.5", "2001:db8::5"]
[load_balancer.other]
kind = "none"
probes_from = ["192.0.2.7"]
[pool.eas]
load_balancer = "lb"
vip = "https://mail.contoso.example"
min_in_rotation = 1
[pool.lonely]
load_balancer = "other"
min_in_rotation = 0
[server.cas01]
address = "2001:db8::11"
transport = "https"
auth = "ntlm"
credential = "ops"
pool = "eas"
ca_file = "ca.pem"
tls_server_name = "cas01.contoso.example"
connect_timeout = "12s"
[server.cas02]
address = "cas02.contoso.example"
credential = "ops"
pool = "lonely"
"#;

fn made(credentials: bool, authorities: bool, speed: f64) -> World {
    let ops = Credentials {
        user: r"CONTOSO\operator".to_owned(),
        password: Secret::from("Opera+Pass1!"),
    };
    let read = [("ops".to_owned(), ops)].into_iter().filter(|_| credentials);
    let files = [("ca.pem".to_owned(), b"PEM".to_vec())]
        .into_iter()
        .filter(|_| authorities);
    World::new(WorldOptions {
        inventory: read_inventory(&Source::new("farm.toml", FARM)).unwrap(),
        credentials: read.collect(),
        certificate_authorities: files.collect(),
        krb5_conf: Arc::default(),
        name_servers: Arc::default(),
        clock: Clock::fast(speed),
        run: RunId::new("20261124-0214-7f3a"),
        operator: "tester@bench".to_owned(),
    })
}

#[test]
fn an_endpoint_is_what_the_inventory_says() {
    let world = made(true, true, 60.0);
    let endpoint = world.endpoint(&"cas01".into()).unwrap();
    assert_eq!(endpoint.url.as_str(), "https://[2001:db8::11]:5986/wsman");
    assert_eq!(endpoint.auth, AuthMethod::Ntlm);
    assert_eq!(endpoint.tls.ca.as_deref(), Some(&b"PEM"[..]));
    assert_eq!(endpoint.tls.server_name.as_deref(), Some("cas01.contoso.example"));
    // 12 s are 0.2 s on this clock, which no network is held to.
    assert_eq!(endpoint.timeouts.connect, Duration::from_secs(5));
    let plain = world.endpoint(&"cas02".into()).unwrap();
    assert_eq!(plain.url.as_str(), "http://cas02.contoso.example:5985/wsman");
    assert_eq!(plain.auth, AuthMethod::Negotiate);
}

#[test]
fn what_nobody_read_is_an_error_before_anything_is_sent() {
    let error = |world: World, server: &str| world.endpoint(&server.into()).unwrap_err().to_string();
    assert_eq!(
        error(made(true, true, 1.0), "cas99"),
        "server cas99 is not in the inventory"
    );
    assert_eq!(
        error(made(false, true, 1.0), "cas01"),
        "server cas01 logs in with credential `ops`, and its password was not read"
    );
    assert_eq!(
        error(made(true, false, 1.0), "cas01"),
        "server cas01 trusts `ca.pem`, and that file was not read"
    );
}

#[test]
fn a_pool_has_the_load_balancer_that_can_be_steered_and_the_probes_of_any() {
    let world = made(true, true, 1.0);
    let sources = |server: &str| {
        world
            .probe_sources(world.server(&server.into()).unwrap())
            .to_vec()
    };
    let by_hand = world.balancer(&"eas".into()).unwrap().ready_by_hand("cas01");
    assert!(by_hand.ends_with("tcp:192.0.2.5:9999"), "{by_hand}");
    assert!(world.balancer(&"lonely".into()).is_none());
    assert_eq!(sources("cas01").len(), 2);
    assert_eq!(sources("cas02"), ["192.0.2.7".parse::<IpAddr>().unwrap()]);
}

#[tokio::test]
async fn the_operators_address_is_the_one_towards_the_server() {
    let world = world(&Ports::default(), 1.0);
    let server = world.server(&"cas01".into()).unwrap();
    let address = world.operator_address(server).await.unwrap();
    assert_eq!(address, "127.0.0.1".parse::<IpAddr>().unwrap());
}

#[tokio::test]
async fn a_vantage_that_the_inventory_lost_is_an_error() {
    let front_end = FrontEnd::start(|_| (200, "", String::new())).await;
    let ports = Ports {
        https: front_end.port,
        ca: Some(front_end.ca.clone()),
        ..Ports::default()
    };
    let world = world(&ports, 1.0);
    let server = world.server(&"cas01".into()).unwrap();
    world.front(server, Some(&"inside".into())).await.unwrap();
    let error = world.front(server, Some(&"moon".into())).await.err();
    assert!(matches!(error, Some(WebError::Client { .. })), "{error:?}");
}

#[test]
fn the_least_in_rotation_is_remembered() {
    let world = made(true, true, 1.0);
    for in_rotation in [8, 6, 7] {
        world.note_rotation(&"eas".into(), in_rotation, 8);
    }
    let seen = world.rotation_seen()[&"eas".into()];
    let expected = RotationSeen {
        least: 6,
        last: 7,
        members: 8,
        looks: 3,
    };
    assert_eq!(seen, expected);
}
