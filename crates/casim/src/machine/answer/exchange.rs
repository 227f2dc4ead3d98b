//! What Exchange's front end says to a request that IIS let through.

use super::{Answer, Identity, page, read, redirect, reply};
use crate::machine::WebRequest;
use crate::machine::configuration::schema::{ANONYMOUS, BASIC, WINDOWS};
use crate::machine::configuration::{Application, ConfigPath, Configuration};

/// A request, and all that its answer depends on.
pub(super) struct Asked<'a> {
    pub(super) configuration: &'a Configuration,
    pub(super) application: &'a Application,
    pub(super) level: &'a ConfigPath,
    /// The path, normalised.
    pub(super) path: &'a str,
    pub(super) request: &'a WebRequest,
    pub(super) identity: &'a Identity<'a>,
    pub(super) request_id: &'a str,
}

pub(super) fn answer(asked: &Asked<'_>) -> Answer {
    let Asked {
        configuration,
        application,
        level,
        path,
        request,
        identity,
        request_id,
    } = asked;
    let exchange = identity.exchange;
    let below = path
        .get(application.path.len()..)
        .unwrap_or_default()
        .to_ascii_lowercase();
    let mut headers = vec![("X-AspNet-Version", exchange.asp_net().to_owned())];
    if exchange.has_front_end() {
        headers.push(("request-id", (*request_id).to_owned()));
        headers.push(("X-FEServer", identity.name.to_uppercase()));
    }
    if application.path == "/" {
        return match *path {
            "/" if exchange.has_front_end() => redirect("/owa/", headers),
            "/" => reply(
                200,
                0,
                vec![("Content-Type", "text/html".to_owned())],
                IIS_START.to_owned(),
            ),
            _ => page(404, 0, "Not Found"),
        };
    }
    // Exchange 2010 has no such page: it is asked for as any other.
    if below == "/healthcheck.htm" && exchange.has_front_end() {
        let is_activesync = application
            .path
            .eq_ignore_ascii_case("/Microsoft-Server-ActiveSync");
        if identity.unhealthy || (is_activesync && identity.is_activesync_offline) {
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
            let [major, minor, ..] = exchange.setup_version();
            headers.push(("MS-Server-ActiveSync", format!("{major}.{minor}")));
            headers.push(("MS-ASProtocolVersions", exchange.protocol_versions().to_owned()));
            headers.push((
                "MS-ASProtocolCommands",
                "Sync,SendMail,FolderSync,Ping,Provision,Options".to_owned(),
            ));
            return reply(200, 0, headers, String::new());
        }
        _ if request.authorization && below == "/healthcheck.htm" => return page(404, 0, "Not Found"),
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

/// The page that Windows puts into an empty site.
const IIS_START: &str = "<!DOCTYPE html><html><head><title>IIS7</title></head></html>";

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
