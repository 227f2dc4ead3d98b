use std::time::Duration;

use auth::Credentials;
use tokio::net::TcpListener;

use super::*;
use crate::endpoint::{Timeouts, TlsPolicy};

const SETTINGS: &str = "[libdefaults]\ndefault_realm = CONTOSO.EXAMPLE\n[realms]\nCONTOSO.EXAMPLE = {\nkdc = dc1\nkdc = dc2:1088\n}\n\
                        [domain_realm]\n.fabrikam.example = FABRIKAM.EXAMPLE\n";

fn endpoint(auth: AuthMethod, user: &str) -> Endpoint {
    Endpoint {
        url: "http://cas01.contoso.example:5985/wsman".parse().unwrap(),
        auth,
        credentials: Credentials::new(user, "secret".into()),
        tls: TlsPolicy::default(),
        kerberos: KerberosPolicy {
            settings: Arc::new(Krb5Conf::parse(SETTINGS).unwrap()),
            ..KerberosPolicy::default()
        },
        allow_unencrypted: false,
        proxy: None,
        timeouts: Timeouts::default(),
        locale: "en-US".to_owned(),
    }
}

#[test]
fn the_service_name_can_be_overridden_in_both_parts() {
    let mut endpoint = endpoint(AuthMethod::Kerberos, "operator");
    assert_eq!(endpoint.target(), "HTTP/cas01.contoso.example");
    endpoint.tls.server_name = Some("mail.contoso.example".to_owned());
    assert_eq!(endpoint.target(), "HTTP/mail.contoso.example");
    endpoint.kerberos.host = Some("cas01.fabrikam.example".to_owned());
    endpoint.kerberos.service = Some("WSMAN".to_owned());
    assert_eq!(endpoint.target(), "WSMAN/cas01.fabrikam.example");
    assert_eq!(endpoint.realm().server.as_deref(), Some("FABRIKAM.EXAMPLE"));
}

#[test]
fn the_default_realm_is_only_for_those_who_mean_it() {
    let realm = Some("CONTOSO.EXAMPLE");
    for (auth, user, expected) in [
        (AuthMethod::Kerberos, "operator", realm),
        (AuthMethod::Kerberos, r"OTHER\operator", realm),
        (AuthMethod::Kerberos, "operator@elsewhere.example", None),
        (AuthMethod::Negotiate, r"contoso\operator", realm),
        (AuthMethod::Negotiate, r"CAS01\administrator", None),
        (AuthMethod::Negotiate, "administrator", None),
        (AuthMethod::Negotiate, r".\administrator", None),
    ] {
        assert_eq!(
            endpoint(auth, user).realm().user.as_deref(),
            expected,
            "{auth:?} {user}"
        );
    }
    let mut told = endpoint(AuthMethod::Negotiate, "administrator");
    told.kerberos.realm = Some("OTHER.EXAMPLE".to_owned());
    assert_eq!(told.realm().user.as_deref(), Some("OTHER.EXAMPLE"));
}

#[test]
fn accounts_of_the_server_are_no_business_of_a_kdc() {
    for (user, beyond) in [
        (r".\administrator", true),
        (r"cas01\administrator", true),
        (r"CONTOSO\operator", false),
        ("operator", false),
        ("operator@contoso.example", false),
    ] {
        assert_eq!(
            endpoint(AuthMethod::Negotiate, user).is_beyond_realms(),
            beyond,
            "{user}"
        );
        assert!(!endpoint(AuthMethod::Kerberos, user).is_beyond_realms());
    }
}

#[tokio::test]
async fn kdcs_come_from_the_endpoint_then_the_settings_then_the_name() {
    let until = Instant::now() + Duration::from_secs(20);
    let mut endpoint = endpoint(AuthMethod::Kerberos, "operator");
    assert_eq!(endpoint.kdcs("CONTOSO.EXAMPLE"), ["dc1:88", "dc2:1088"]);
    assert!(endpoint.kdcs("FABRIKAM.EXAMPLE").is_empty());
    assert_eq!(
        endpoint.unnamed_kdcs("FABRIKAM.EXAMPLE", until).await,
        ["fabrikam.example:88"]
    );
    endpoint.kerberos.kdcs = vec![
        "2001:db8::1".to_owned(),
        "[2001:db8::2]:1088".to_owned(),
        "dc9".to_owned(),
    ];
    assert_eq!(
        endpoint.kdcs("contoso.example"),
        ["[2001:db8::1]:88", "[2001:db8::2]:1088", "dc9:88"]
    );
    // Those of the user's realm are not asked about others.
    assert!(endpoint.kdcs("FABRIKAM.EXAMPLE").is_empty());
    endpoint.auth = AuthMethod::Negotiate;
    assert!(endpoint.unnamed_kdcs("FABRIKAM.EXAMPLE", until).await.is_empty());
    endpoint.kerberos.realm = Some("CONTOSO.EXAMPLE".to_owned());
    assert_eq!(endpoint.unnamed_kdcs("FABRIKAM.EXAMPLE", until).await.len(), 1);
}

#[test]
fn kdcs_of_the_endpoint_serve_the_realm_in_the_name_too() {
    let mut endpoint = endpoint(AuthMethod::Negotiate, "operator@elsewhere.example");
    endpoint.kerberos.kdcs = vec!["dc7".to_owned()];
    assert_eq!(endpoint.kdcs("ELSEWHERE.EXAMPLE"), ["dc7:88"]);
}

#[test]
fn settings_are_read_with_what_they_include() {
    let folder = tempfile::tempdir().unwrap();
    let more = folder.path().join("krb5.conf.d");
    std::fs::create_dir(&more).unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write(
        "krb5.conf",
        &format!(
            "includedir {}\ninclude {0}\n[libdefaults]\ndefault_realm = A\n",
            more.display()
        ),
    );
    write("krb5.conf.d/one", "[realms]\nA = {\nkdc = one\n}\n");
    write("krb5.conf.d/two.conf", "[realms]\nA = {\nkdc = two\n}\n");
    write("krb5.conf.d/.hidden", "[realms]\nA = {\nkdc = hidden\n}\n");
    write("krb5.conf.d/backup~", "[realms]\nA = {\nkdc = backup\n}\n");
    write("broken", "nonsense\n");
    let paths = ["krb5.conf", "missing", "broken"].map(|name| folder.path().join(name));
    let (settings, complaints) = read_krb5_conf(&paths);
    assert_eq!(settings.default_realm(), Some("A"));
    assert_eq!(settings.kdcs("A"), ["one", "two"]);
    assert_eq!(complaints.len(), 2, "{complaints:?}");
    assert!(
        complaints
            .iter()
            .any(|text| text.contains("broken") && text.contains("line 1"))
    );
}

/// A KDC that reads one question and then answers with these bytes.
async fn kdc(answer: Vec<u8>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut question = [0; 7];
        stream.read_exact(&mut question).await.unwrap();
        assert_eq!(&question, b"\0\0\0\x03ask");
        stream.write_all(&answer).await.unwrap();
    });
    address
}

fn request() -> KdcRequest {
    KdcRequest {
        realm: "CONTOSO.EXAMPLE".to_owned(),
        message: b"ask".to_vec(),
    }
}

#[tokio::test]
async fn the_next_kdc_is_asked_where_one_does_not_answer() {
    let closed = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let mut endpoint = endpoint(AuthMethod::Kerberos, "operator");
    let endless = kdc(vec![0xff; 8]).await;
    let cut = kdc(b"\0\0\0\x09short".to_vec()).await;
    let good = kdc(b"\0\0\0\x02ok".to_vec()).await;
    endpoint.kerberos.kdcs = vec![closed.to_string(), endless, cut, good];
    let until = Instant::now() + Duration::from_secs(20);
    assert_eq!(ask(&endpoint, &request(), until).await.unwrap(), b"ok");
    endpoint.kerberos.kdcs.truncate(1);
    let error = ask(&endpoint, &request(), until).await.unwrap_err();
    assert!(error.starts_with(&closed.to_string()), "{error}");
}

#[tokio::test]
async fn a_silent_kdc_ends_with_the_time_of_the_login() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut endpoint = endpoint(AuthMethod::Kerberos, "operator");
    endpoint.kerberos.kdcs = vec![listener.local_addr().unwrap().to_string(); 2];
    let until = Instant::now() + Duration::from_millis(200);
    let error = ask(&endpoint, &request(), until).await.unwrap_err();
    assert!(
        error.contains("silence for") && error.contains("no time was left"),
        "{error}"
    );
}
