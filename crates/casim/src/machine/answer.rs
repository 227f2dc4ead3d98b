//! How one request is answered: HTTP.SYS, the worker process, IIS's modules, then Exchange's front end.
//!
//! The order is: no listener, pool not there (503), configuration broken (500.19), TLS required (403.4), ipSecurity
//! (where the worker has the module), `healthcheck.htm`, authentication. That ipSecurity comes before
//! `healthcheck.htm` and before authentication is expert knowledge, not documented.

use std::time::Duration;

use super::configuration::schema::{
    ACCESS, ANONYMOUS, BASIC, IP_SECURITY, MODULES, SectionSchema, WINDOWS, known,
};
use super::configuration::{Application, ConfigPath, Configuration, Effective};
use super::ip_filter::{self, DenyAction, Verdict};
use super::pools::{Serving, Worker};
use super::state::State;
use super::url;
use super::{WebReply, WebRequest};

/// The module that enforces ipSecurity.
const IP_RESTRICTION_MODULE: &str = "IpRestrictionModule";
/// The sub-status of an address that ipSecurity denies, IIS 8 and later.
const DENIED_BY_ADDRESS: u16 = 503;
/// The site that clients reach.
const FRONT_END: &str = "Default Web Site";

/// An answer and its sub-status; `None` for what IIS does not log.
pub(super) struct Answer {
    pub(super) reply: WebReply,
    pub(super) logged: Option<(u16, u16)>,
}

/// The server's names and switches that an answer shows.
pub(super) struct Identity<'a> {
    /// `CAS01`
    pub(super) name: &'a str,
    /// `CAS01.CONTOSO.EXAMPLE`
    pub(super) full_name: &'a str,
    /// `contoso.example`
    pub(super) domain: &'a str,
    /// Managed Availability has taken `healthcheck.htm` away.
    pub(super) unhealthy: bool,
}

/// Answers one request at simulated time `now`.
pub(super) fn answer(
    state: &mut State,
    request: &WebRequest,
    now: Duration,
    identity: &Identity<'_>,
) -> Answer {
    if !state.services.web_runs() {
        return Answer {
            reply: WebReply::Refused,
            logged: None,
        };
    }
    let request_id = state.chance.guid();
    let path = url::normalised(&request.path);
    let path = path.as_str();
    let configuration = &state.configuration;
    let site = configuration.site(FRONT_END).filter(|site| site.started);
    let Some(application) = site.and_then(|site| application(&site.applications, path)) else {
        return unavailable();
    };
    let Serving::Worker(worker) = state.pools.serving(&application.pool, now) else {
        return unavailable();
    };
    let level = ConfigPath::parse(&format!("{FRONT_END}/{path}"));
    match before_exchange(configuration, worker, &level, request) {
        Ok(None) => exchange(
            configuration,
            application,
            &level,
            path,
            request,
            identity,
            &request_id,
        ),
        Ok(Some(answer)) => answer,
        Err(Broken) => page(500, 19, "Internal Server Error"),
    }
}

/// The application with the longest path that the request is in.
fn application<'a>(applications: &'a [Application], path: &str) -> Option<&'a Application> {
    let is_in = |a: &&Application| {
        let within = path
            .get(..a.path.len())
            .is_some_and(|head| head.eq_ignore_ascii_case(&a.path));
        a.path == "/" || (within && matches!(path.as_bytes().get(a.path.len()), None | Some(b'/')))
    };
    applications.iter().filter(is_in).max_by_key(|a| a.path.len())
}

/// A section cannot be read at this level.
struct Broken;

fn read(
    configuration: &Configuration,
    section: &str,
    level: &ConfigPath,
) -> Result<(&'static SectionSchema, Effective), Broken> {
    let schema = known(section).ok_or(Broken)?;
    configuration
        .effective(schema, level)
        .map(|effective| (schema, effective))
        .map_err(|_| Broken)
}

/// What IIS itself says before Exchange sees the request.
fn before_exchange(
    configuration: &Configuration,
    worker: &Worker,
    level: &ConfigPath,
    request: &WebRequest,
) -> Result<Option<Answer>, Broken> {
    let (ip_security, rules) = read(configuration, IP_SECURITY, level)?;
    let (access, flags) = read(configuration, ACCESS, level)?;
    let (_, modules) = read(configuration, MODULES, level)?;
    if !request.https
        && flags
            .attribute(access, "sslFlags")
            .split(", ")
            .any(|flag| flag == "Ssl")
    {
        return Ok(Some(page(403, 4, "Forbidden")));
    }
    let enabled = modules
        .entries
        .iter()
        .any(|entry| entry.get("name") == Some(IP_RESTRICTION_MODULE));
    if !enabled || !worker.has(IP_RESTRICTION_MODULE) {
        return Ok(None);
    }
    Ok(
        match ip_filter::judge(
            ip_security,
            &rules,
            request.client,
            request.forwarded_for.as_deref(),
        ) {
            Verdict::Allowed => None,
            Verdict::Denied(DenyAction::AbortRequest) => Some(Answer {
                reply: WebReply::Aborted,
                logged: None,
            }),
            Verdict::Denied(DenyAction::Unauthorized) => Some(page(401, DENIED_BY_ADDRESS, "Unauthorized")),
            Verdict::Denied(DenyAction::Forbidden) => Some(page(403, DENIED_BY_ADDRESS, "Forbidden")),
            Verdict::Denied(DenyAction::NotFound) => Some(page(404, DENIED_BY_ADDRESS, "Not Found")),
        },
    )
}

/// What Exchange's front end says.
fn exchange(
    configuration: &Configuration,
    application: &Application,
    level: &ConfigPath,
    path: &str,
    request: &WebRequest,
    identity: &Identity<'_>,
    request_id: &str,
) -> Answer {
    let below = path
        .get(application.path.len()..)
        .unwrap_or_default()
        .to_ascii_lowercase();
    let mut headers = vec![
        ("request-id", request_id.to_owned()),
        ("X-FEServer", identity.name.to_uppercase()),
        ("X-AspNet-Version", "4.0.30319".to_owned()),
    ];
    if application.path == "/" {
        return match path {
            "/" => redirect("/owa/", headers),
            _ => page(404, 0, "Not Found"),
        };
    }
    if below == "/healthcheck.htm" {
        if identity.unhealthy {
            return page(503, 0, "Service Unavailable");
        }
        let body = format!("200 OK<br/>{}", identity.full_name);
        headers.push(("Content-Type", "text/html; charset=utf-8".to_owned()));
        return reply(200, 0, headers, body);
    }
    let lower = application.path.to_ascii_lowercase();
    match lower.as_str() {
        "/owa" if below.starts_with("/auth/") => {
            headers.push(("Content-Type", "text/html; charset=utf-8".to_owned()));
            return reply(
                200,
                0,
                headers,
                "<!DOCTYPE html><html><head><title>Outlook</title></head></html>".to_owned(),
            );
        }
        "/owa" | "/ecp" if !request.authorization => {
            return redirect(&format!("/owa/auth/logon.aspx?url={lower}%2f&reason=0"), headers);
        }
        "/microsoft-server-activesync" if request.authorization && request.method == "OPTIONS" => {
            headers.push(("Allow", "OPTIONS,POST".to_owned()));
            headers.push(("MS-Server-ActiveSync", "15.2".to_owned()));
            headers.push((
                "MS-ASProtocolVersions",
                "2.5,12.0,12.1,14.0,14.1,16.0,16.1".to_owned(),
            ));
            headers.push((
                "MS-ASProtocolCommands",
                "Sync,SendMail,FolderSync,Ping,Provision,Options".to_owned(),
            ));
            return reply(200, 0, headers, String::new());
        }
        _ if request.authorization => return reply(200, 0, headers, String::new()),
        _ => {}
    }
    let challenges = challenges(configuration, level, identity.domain);
    if challenges.is_empty() {
        return reply(200, 0, headers, String::new());
    }
    headers.extend(
        challenges
            .into_iter()
            .map(|challenge| ("WWW-Authenticate", challenge)),
    );
    reply(401, 0, headers, String::new())
}

/// The `WWW-Authenticate` values of a path, from its authentication sections; none where anonymous is the only way.
fn challenges(configuration: &Configuration, level: &ConfigPath, domain: &str) -> Vec<String> {
    let enabled = |section: &str| {
        read(configuration, section, level)
            .is_ok_and(|(schema, effective)| effective.is_true(schema, "enabled"))
    };
    let mut challenges = Vec::new();
    if enabled(WINDOWS) {
        challenges.extend(["Negotiate".to_owned(), "NTLM".to_owned()]);
    }
    if enabled(BASIC) {
        challenges.push(format!("Basic realm=\"mail.{domain}\""));
    }
    // With anonymous access on, Exchange's own modules still ask for credentials wherever a scheme is offered.
    if challenges.is_empty() && !enabled(ANONYMOUS) {
        challenges.push("Negotiate".to_owned());
    }
    challenges
}

fn reply(status: u16, substatus: u16, headers: Vec<(&str, String)>, body: String) -> Answer {
    let mut headers: Vec<(String, String)> = headers.into_iter().map(|(n, v)| (n.to_owned(), v)).collect();
    headers.push(("Server".to_owned(), "Microsoft-IIS/10.0".to_owned()));
    headers.push(("X-Powered-By".to_owned(), "ASP.NET".to_owned()));
    Answer {
        reply: WebReply::Reply {
            status,
            headers,
            body: body.into_bytes(),
        },
        logged: Some((status, substatus)),
    }
}

fn redirect(to: &str, mut headers: Vec<(&str, String)>) -> Answer {
    headers.push(("Location", to.to_owned()));
    reply(302, 0, headers, String::new())
}

/// An error page of IIS itself: none of Exchange's headers.
fn page(status: u16, substatus: u16, reason: &str) -> Answer {
    let body = format!(
        "<!DOCTYPE html><html><head><title>{status} - {reason}</title></head><body><h2>{status} - {reason}</h2></body></html>"
    );
    reply(
        status,
        substatus,
        vec![("Content-Type", "text/html".to_owned())],
        body,
    )
}

/// What HTTP.SYS says when no worker process takes the request.
fn unavailable() -> Answer {
    let headers = vec![
        (
            "Content-Type".to_owned(),
            "text/html; charset=us-ascii".to_owned(),
        ),
        ("Server".to_owned(), "Microsoft-HTTPAPI/2.0".to_owned()),
    ];
    let body = b"<HTML><HEAD><TITLE>Service Unavailable</TITLE></HEAD><BODY><h2>Service Unavailable</h2></BODY></HTML>";
    Answer {
        reply: WebReply::Reply {
            status: 503,
            headers,
            body: body.to_vec(),
        },
        logged: Some((503, 0)),
    }
}
