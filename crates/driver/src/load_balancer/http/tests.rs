//! Against a management interface that stands in: what is sent, what counts as a yes, and that the password shows nowhere.

use auth::Secret;
use inventory::{LoadBalancer, Source, read_inventory};
use rollout::FailureKind;

use super::*;
use crate::failure::from_balancer;
use crate::testing::{Appliance, ApplianceAsked as Asked};

const PASSWORD: &str = "can\"ary\\s3cret";

/// The load balancer `lb` of an inventory, with the appliance in the place of `URL`.
fn http(appliance: &Appliance, balancer: &str) -> Http {
    let url = format!("https://127.0.0.1:{}", appliance.port);
    let text = format!(
        "[credential.ops]\nuser = \"ops\"\npassword = {{ env = \"LB_PASSWORD\" }}\n\
         [load_balancer.lb]\nkind = \"http\"\nurl = \"{url}\"\nca_file = \"ca.pem\"\ncredential = \"ops\"\n{balancer}\n\
         [pool.eas]\nload_balancer = \"lb\"\nmin_in_rotation = 0\n\
         [server.cas01]\naddress = \"127.0.0.1\"\npool = \"eas\"\ncredential = \"ops\"\n"
    );
    let inventory = read_inventory(&Source::new("test.toml", text.clone()))
        .unwrap_or_else(|found| panic!("{found:#?}\n{text}"));
    let LoadBalancer::Http(written) = inventory.load_balancers["lb"].clone() else {
        panic!("{text}")
    };
    let credentials = Credentials::new("ops", Secret::from(PASSWORD));
    let authority = appliance.ca.clone().into_bytes();
    Http::new(
        *written,
        Some(credentials),
        Some(authority),
        Duration::from_secs(5),
    )
}

const PLAIN: &str = r#"
backend = "eas"
drain = { method = "PUT", path = "/lb/{backend}/{member}?set=drain", body = '{"by": "{user}"}', status = [202] }
ready = { path = "/lb/{backend}/{member}/ready" }
state = { path = "/lb/{member}", in_rotation = { "/state" = "up" }, drained = { "/admin" = "drain" }, connections = "/n" }
"#;

fn plain(asked: &Asked) -> (u16, String) {
    match asked.line.as_str() {
        "PUT /lb/eas/cas01?set=drain" => (202, String::new()),
        "GET /lb/up" => (200, r#"{"state":"up","admin":"","n":3}"#.to_owned()),
        "GET /lb/drained" => (200, r#"{"state":"up","admin":"drain","n":"0"}"#.to_owned()),
        "GET /lb/down" => (200, r#"{"state":"down"}"#.to_owned()),
        _ => (404, "no such member".to_owned()),
    }
}

#[tokio::test]
async fn requests_are_filled_in_and_answers_are_read() {
    let appliance = Appliance::start(plain).await;
    let http = http(&appliance, PLAIN);
    http.set_state("cas01", AdminState::Drain).await.unwrap();
    let asked = appliance.asked().remove(0);
    assert_eq!(asked.body, r#"{"by": "ops"}"#);
    assert_eq!(asked.headers["content-type"], "application/json");
    // user:password in base64, as RFC 7617 has it.
    assert_eq!(asked.headers["authorization"], "Basic b3BzOmNhbiJhcnlcczNjcmV0");
    let seen = async |member: &str| {
        let member = http.member(member).await.unwrap();
        (member.standing, member.status, member.connections)
    };
    assert_eq!(seen("up").await, (Standing::InRotation, "up".to_owned(), Some(3)));
    assert_eq!(
        seen("drained").await,
        (Standing::TakenOut, "up".to_owned(), Some(0))
    );
    assert_eq!(seen("down").await, (Standing::Down, "down".to_owned(), None));
}

#[tokio::test]
async fn another_status_or_another_word_is_a_refusal_that_says_so() {
    let appliance = Appliance::start(plain).await;
    let strict = PLAIN.replace(
        "state = { path",
        "state = { expect = { \"/ok\" = \"true\" }, path",
    );
    let place = format!("https://127.0.0.1:{}", appliance.port);
    for (error, told) in [
        (
            http(&appliance, PLAIN)
                .set_state("cas01", AdminState::Ready)
                .await
                .unwrap_err(),
            "answered `POST /lb/eas/cas01/ready` with: 404 no such member",
        ),
        (
            http(&appliance, &strict).member("up").await.unwrap_err(),
            "answered `GET /lb/up` with: 200 expected true at /ok, found nothing",
        ),
    ] {
        assert_eq!(error.to_string(), format!("the load balancer at {place} {told}"));
        assert!(!error.is_transient());
    }
}

#[tokio::test]
async fn a_password_in_headers_and_bodies_arrives_and_never_shows() {
    let own = "headers = { X-Pass = \"{password}\" }\n\
        drain = { path = \"/d\", body = '{\"password\": \"{password}\"}' }\n\
        ready = { path = \"/r\" }\n\
        state = { path = \"/s\", in_rotation = { text = \"up\" }, drained = { text = \"out\" } }\n";
    let appliance = Appliance::start(|asked| match asked.line.as_str() {
        "POST /d" => (500, format!("cannot log in with {PASSWORD}")),
        _ => (200, format!("up, says {PASSWORD}")),
    })
    .await;
    let http = http(&appliance, own);
    let error = http.set_state("cas01", AdminState::Drain).await.unwrap_err();
    let member = http.member("cas01").await.unwrap();
    let asked = appliance.asked().remove(0);
    assert_eq!(asked.headers["x-pass"], PASSWORD);
    assert!(!asked.headers.contains_key("authorization"));
    let body: serde_json::Value = serde_json::from_str(&asked.body).unwrap();
    assert_eq!(body["password"], PASSWORD);
    let failure = from_balancer("drain", &error);
    for shown in [
        error.to_string(),
        format!("{error:?}"),
        format!("{http:?}"),
        format!("{failure:?}"),
        member.status.clone(),
        http.ready_by_hand("cas01"),
    ] {
        assert!(!shown.contains("s3cret"), "{shown}");
    }
    assert!(
        error.to_string().ends_with("500 cannot log in with ***"),
        "{error}"
    );
    assert_eq!(member.status, "up, says ***");
}

#[tokio::test]
async fn a_strange_certificate_a_deaf_host_and_unread_secrets_are_told_apart() {
    let appliance = Appliance::start(plain).await;
    let other = Appliance::start(plain).await;
    let mut strange = http(&appliance, PLAIN);
    strange.authority = Some(other.ca.clone().into_bytes());
    let error = strange.member("up").await.unwrap_err();
    assert!(matches!(error, BalancerError::Unreachable { .. }), "{error:?}");
    assert!(appliance.asked().is_empty(), "nothing was sent to a stranger");

    let mut unread = http(&appliance, PLAIN);
    unread.authority = None;
    let error = unread.member("up").await.unwrap_err();
    assert!(matches!(error, BalancerError::NoAuthority { .. }), "{error:?}");
    unread.credentials = None;
    let error = unread.member("up").await.unwrap_err();
    assert!(matches!(error, BalancerError::NoCredential { .. }), "{error:?}");

    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut deaf = http(&appliance, PLAIN);
    let mut written = HttpBalancer::clone(&deaf.written);
    written
        .url
        .set_port(Some(silent.local_addr().unwrap().port()))
        .unwrap();
    deaf.written = Arc::new(written);
    deaf.limit = Duration::from_millis(100);
    let error = deaf.member("up").await.unwrap_err();
    assert!(matches!(error, BalancerError::TimedOut { .. }), "{error:?}");
    assert_eq!(from_balancer("look", &error).kind, FailureKind::TimedOut);
}

#[tokio::test]
async fn a_name_cannot_leave_its_place_in_the_path() {
    let appliance = Appliance::start(plain).await;
    let http = http(&appliance, PLAIN);
    let error = http.member("../x?y#z/ü").await.unwrap_err();
    assert!(matches!(error, BalancerError::Refused { .. }), "{error:?}");
    assert_eq!(appliance.asked()[0].line, "GET /lb/..%2Fx%3Fy%23z%2F%C3%BC");
}

#[tokio::test]
async fn the_line_for_a_person_is_one_that_curl_takes() {
    let appliance = Appliance::start(plain).await;
    let url = format!("https://127.0.0.1:{}", appliance.port);
    assert_eq!(
        http(&appliance, PLAIN).ready_by_hand("cas01"),
        format!("curl --fail --request POST --cacert 'ca.pem' --user 'ops' '{url}/lb/eas/cas01/ready'")
    );
}
