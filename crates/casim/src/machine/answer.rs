//! How one request is answered: HTTP.SYS, the worker process, IIS's modules, then Exchange's front end.
//!
//! The order is: no listener, pool not there (503), configuration broken (500.19), TLS required (403.4), ipSecurity
//! (where the worker has the module), `healthcheck.htm`, authentication. That ipSecurity comes before
//! `healthcheck.htm` and before authentication is expert knowledge, not documented.

mod exchange;

use std::time::Duration;

use super::configuration::schema::{ACCESS, IP_SECURITY, MODULES, SectionSchema, known};
use super::configuration::{Application, ConfigPath, Configuration, Effective, Site};
use super::ip_filter::{self, DenyAction, Verdict};
use super::pools::{Serving, Worker};
use super::state::State;
use super::url;
use super::{ExchangeRelease, WebReply, WebRequest};

/// The module that enforces ipSecurity.
const IP_RESTRICTION_MODULE: &str = "IpRestrictionModule";
/// The sub-status of an address that ipSecurity denies, IIS 8 and later.
const DENIED_BY_ADDRESS: u16 = 503;
/// The same on IIS 7.
const DENIED_BY_ADDRESS_IIS_7: u16 = 6;

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
    pub(super) exchange: ExchangeRelease,
    /// Managed Availability has taken `healthcheck.htm` away.
    pub(super) unhealthy: bool,
    /// The same for ActiveSync alone.
    pub(super) is_activesync_offline: bool,
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
    let Some(site) = site(configuration, request).filter(|site| site.started) else {
        return unavailable();
    };
    let Some(application) = application(&site.applications, path) else {
        return unavailable();
    };
    let Serving::Worker(worker) = state.pools.serving(&application.pool, now) else {
        return unavailable();
    };
    let level = ConfigPath::parse(&format!("{}/{path}", site.name));
    let answer = match before_exchange(configuration, worker, &level, request) {
        Ok(None) => exchange::answer(&exchange::Asked {
            configuration,
            application,
            level: &level,
            path,
            request,
            identity,
            request_id: &request_id,
        }),
        Ok(Some(answer)) => answer,
        Err(Broken) => page(500, 19, "Internal Server Error"),
    };
    answer.signed_by(configuration)
}

/// The site to which HTTP.SYS hands a request to port 443: the one bound to the name that was asked for, else the one bound
/// to every name.
fn site<'a>(configuration: &'a Configuration, request: &WebRequest) -> Option<&'a Site> {
    let bound_to = |site: &&Site, host: &str| {
        site.bindings.iter().any(|(protocol, information)| {
            let mut parts = information.split(':').skip(1);
            protocol == "https"
                && parts.next() == Some("443")
                && parts.next().unwrap_or_default().eq_ignore_ascii_case(host)
        })
    };
    let sites = || configuration.sites.iter();
    let asked = request.host.as_deref().filter(|host| !host.is_empty());
    asked
        .and_then(|host| sites().find(|site| bound_to(site, host)))
        .or_else(|| sites().find(|site| bound_to(site, "")))
}

impl Answer {
    /// With the headers that IIS itself adds to every answer of a worker process.
    fn signed_by(mut self, configuration: &Configuration) -> Self {
        if let WebReply::Reply { headers, .. } = &mut self.reply {
            let (major, minor) = configuration.windows().iis();
            headers.push(("Server".to_owned(), format!("Microsoft-IIS/{major}.{minor}")));
            headers.push(("X-Powered-By".to_owned(), "ASP.NET".to_owned()));
        }
        self
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
    let denied = match configuration.windows().has_deny_action() {
        true => DENIED_BY_ADDRESS,
        false => DENIED_BY_ADDRESS_IIS_7,
    };
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
            Verdict::Denied(DenyAction::Unauthorized) => Some(page(401, denied, "Unauthorized")),
            Verdict::Denied(DenyAction::Forbidden) => Some(page(403, denied, "Forbidden")),
            Verdict::Denied(DenyAction::NotFound) => Some(page(404, denied, "Not Found")),
        },
    )
}

fn reply(status: u16, substatus: u16, headers: Vec<(&str, String)>, body: String) -> Answer {
    let headers = headers.into_iter().map(|(n, v)| (n.to_owned(), v)).collect();
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
