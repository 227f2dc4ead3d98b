//! The recipes in `inventory/load-balancers`, each against a small stand-in that does what the vendor's documentation says of these requests and
//! refuses everything else. The stand-ins were written from the documentation (docs/load-balancers.md names it), not from the recipes.

use std::collections::BTreeMap;

use auth::Secret;
use inventory::{LoadBalancer, Source, read_inventory};
use serde_json::{Value, json};

use super::*;
use crate::testing::{Appliance, ApplianceAsked as Asked};

const PASSWORD: &str = "s3cret";

/// The recipe's load balancer, towards the appliance, and what it calls the first two servers.
fn recipe(text: &str, appliance: &Appliance) -> (Http, [String; 2]) {
    let here = format!("https://127.0.0.1:{}", appliance.port);
    let text = text.replace("https://192.0.2.8", &here);
    let inventory =
        read_inventory(&Source::new("recipe.toml", text)).unwrap_or_else(|found| panic!("{found:#?}"));
    let LoadBalancer::Http(written) = inventory.load_balancers["dc1"].clone() else {
        panic!("no http")
    };
    let name = written.credential.clone().unwrap();
    let credentials = Credentials::new(&inventory.credentials[&name].user, Secret::from(PASSWORD));
    let authority = appliance.ca.clone().into_bytes();
    let names = ["cas01", "cas02"].map(|server| inventory.servers[&server.into()].load_balancer_name.clone());
    let http = Http::new(
        *written,
        Some(credentials),
        Some(authority),
        Duration::from_secs(5),
    );
    (http, names)
}

/// Out and back again, the other server untouched, and a server that the appliance does not know.
async fn played(http: &Http, [first, second]: &[String; 2], connections: Option<u64>) {
    let standing = async |name: &str| http.member(name).await.unwrap().standing;
    assert_eq!(standing(first).await, Standing::InRotation);
    http.set_state(first, AdminState::Drain).await.unwrap();
    let drained = http.member(first).await.unwrap();
    assert_eq!(
        (drained.standing, drained.connections),
        (Standing::TakenOut, connections)
    );
    assert_eq!(standing(second).await, Standing::InRotation);
    http.set_state(first, AdminState::Ready).await.unwrap();
    assert_eq!(standing(first).await, Standing::InRotation);
    for result in [
        http.member("nobody").await.map(|_| ()),
        http.set_state("nobody", AdminState::Drain).await,
    ] {
        assert!(matches!(result, Err(BalancerError::Refused { .. })), "{result:?}");
    }
}

/// Whether a request carries `casgate` and the password in HTTP Basic.
fn is_basic(asked: &Asked) -> bool {
    // casgate:s3cret
    asked.headers.get("authorization").map(String::as_str) == Some("Basic Y2FzZ2F0ZTpzM2NyZXQ=")
}

#[tokio::test]
async fn f5_big_ip() {
    let names = ["192.0.2.11:443", "192.0.2.12:443"].map(str::to_owned);
    let mut members: BTreeMap<String, (&str, &str)> = names
        .iter()
        .map(|name| (name.clone(), ("monitor-enabled", "up")))
        .collect();
    let appliance = Appliance::start(move |asked| {
        if !is_basic(asked) {
            return (401, json!({"code": 401, "message": "Authorization failed: no user authentication header"}).to_string());
        }
        let missing = |what: &str| {
            let message = format!("01020036:3: The requested {what} was not found.");
            (404, json!({"code": 404, "message": message, "errorStack": []}).to_string())
        };
        let (method, path) = asked.line.split_once(' ').unwrap();
        let Some(rest) = path.strip_prefix("/mgmt/tm/ltm/pool/~Common~eas/members/~Common~") else {
            return missing("Pool");
        };
        let name = rest.trim_end_matches("/stats");
        let Some((session, state)) = members.get_mut(name) else {
            return missing("Pool Member");
        };
        match (method, rest.ends_with("/stats")) {
            ("PATCH", false) => {
                let body: Value = serde_json::from_str(&asked.body).unwrap();
                // What may be written; what is read afterwards are the monitor's words where the monitor decides.
                match body["session"].as_str() {
                    Some("user-disabled") => *session = "user-disabled",
                    Some("user-enabled") => *session = "monitor-enabled",
                    None => {}
                    Some(_) => return (400, json!({"code": 400, "message": "invalid property value"}).to_string()),
                }
                match body["state"].as_str() {
                    Some("user-down") => *state = "user-down",
                    Some("user-up") => *state = "up",
                    None => {}
                    Some(_) => return (400, json!({"code": 400, "message": "invalid property value \"state\""}).to_string()),
                }
                (200, json!({"kind": "tm:ltm:pool:members:membersstate", "name": name, "session": *session, "state": *state}).to_string())
            }
            ("GET", true) => {
                let enabled = if *session == "user-disabled" { "disabled" } else { "enabled" };
                let available = if *state == "up" { "available" } else { "offline" };
                let key = format!("https://localhost/mgmt/tm/ltm/pool/~Common~eas/members/~Common~{name}/stats");
                let entries = json!({
                    "addr": {"description": name}, "sessionStatus": {"description": enabled},
                    "serverside.curConns": {"value": 4}, "monitorStatus": {"description": *state},
                    "status.availabilityState": {"description": available},
                    "status.enabledState": {"description": enabled},
                });
                let kind = "tm:ltm:pool:members:membersstats";
                (200, json!({"kind": kind, "entries": {key: {"nestedStats": {"kind": kind, "entries": entries}}}}).to_string())
            }
            _ => (405, String::new()),
        }
    })
    .await;
    let text = include_str!("../../../../../inventory/load-balancers/f5-big-ip.toml");
    let (http, names) = recipe(text, &appliance);
    played(&http, &names, Some(4)).await;
}

#[tokio::test]
async fn kemp_loadmaster() {
    let mut servers: BTreeMap<String, bool> = ["192.0.2.11", "192.0.2.12"]
        .map(|name| (name.to_owned(), true))
        .into();
    let appliance = Appliance::start(move |asked| {
        let failed = |code: u16, message: &str| {
            (code, json!({"code": code, "message": message, "status": "fail"}).to_string())
        };
        if asked.line != "POST /accessv2" {
            return failed(404, "Unknown");
        }
        let Ok(body) = serde_json::from_str::<Value>(&asked.body) else {
            return failed(400, "Invalid JSON");
        };
        if (body["apiuser"].as_str(), body["apipass"].as_str()) != (Some("casgate"), Some(PASSWORD)) {
            return failed(401, "Unauthorized");
        }
        let service = [&body["vs"], &body["port"], &body["prot"], &body["rsport"]].map(|value| value.as_str());
        if service != [Some("192.0.2.80"), Some("443"), Some("tcp"), Some("443")] {
            return failed(422, "Unknown VS");
        }
        let Some(enabled) = body["rs"].as_str().and_then(|rs| servers.get_mut(rs)) else {
            return failed(422, "Unknown RS");
        };
        match (body["cmd"].as_str(), body["enable"].as_str()) {
            (Some("modrs"), Some("Y")) => *enabled = true,
            (Some("modrs"), Some("N")) => *enabled = false,
            (Some("showrs"), None) => {
                let status = if *enabled { "Up" } else { "Disabled" };
                let rs = json!([{
                    "Status": status, "VSIndex": 1, "RsIndex": 1, "Addr": body["rs"], "Port": 443, "Forward": "nat",
                    "Weight": 1000, "Limit": 0, "Follow": 0, "Enable": *enabled, "Critical": false,
                }]);
                return (200, json!({"code": 200, "Rs": rs, "status": "ok"}).to_string());
            }
            _ => return failed(422, "Unknown command"),
        }
        (200, json!({"code": 200, "message": "Command completed ok", "status": "ok"}).to_string())
    })
    .await;
    let text = include_str!("../../../../../inventory/load-balancers/kemp-loadmaster.toml");
    let (http, names) = recipe(text, &appliance);
    played(&http, &names, None).await;
}

#[tokio::test]
async fn netscaler() {
    let mut services: BTreeMap<String, &str> = ["svc-cas01-443", "svc-cas02-443"]
        .map(|name| (name.to_owned(), "UP"))
        .into();
    let appliance = Appliance::start(move |asked| {
        let failed = |status: u16, code: u32, message: &str| {
            (
                status,
                json!({"errorcode": code, "message": message, "severity": "ERROR"}).to_string(),
            )
        };
        let header = |name: &str| asked.headers.get(name).map(String::as_str);
        if (header("x-nitro-user"), header("x-nitro-pass")) != (Some("casgate"), Some(PASSWORD)) {
            return failed(401, 354, "Invalid username or password");
        }
        if let Some(name) = asked.line.strip_prefix("GET /nitro/v1/stat/service/") {
            let Some(state) = services.get(name) else {
                return failed(404, 344, "The service does not exist");
            };
            // Numbers are texts here.
            let service =
                json!({"name": name, "state": state, "curclntconnections": "2", "primaryport": 443});
            return (
                200,
                json!({"errorcode": 0, "message": "Done", "severity": "NONE", "service": [service]})
                    .to_string(),
            );
        }
        let body: Value = serde_json::from_str(&asked.body).unwrap_or_default();
        let service = &body["service"];
        let Some(state) = service["name"].as_str().and_then(|name| services.get_mut(name)) else {
            return failed(404, 344, "The service does not exist");
        };
        match asked.line.as_str() {
            "POST /nitro/v1/config/service?action=disable" if service["graceful"] == "YES" => {
                *state = "GOING OUT OF SERVICE";
            }
            "POST /nitro/v1/config/service?action=enable" if service.get("delay").is_none() => *state = "UP",
            _ => return failed(400, 278, "Invalid argument"),
        }
        (200, String::new())
    })
    .await;
    let text = include_str!("../../../../../inventory/load-balancers/netscaler.toml");
    let (http, names) = recipe(text, &appliance);
    played(&http, &names, Some(2)).await;
}
