//! Sites, applications and application pools, each as a whole list in XML: what this server offers, under whatever names.

use command::{CommandLine, Invocation};
use roxmltree::Node;
use serde::{Deserialize, Serialize};

use super::failure::AppcmdError;
use super::object;
use crate::ApplicationPath;

/// Whether a site or a pool runs (`Microsoft.Web.Administration.ObjectState`; the words are the schema's own and not translated).
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ObjectState {
    /// It is about to run.
    Starting,
    /// It runs.
    Started,
    /// It is about to stop.
    Stopping,
    /// It does not run.
    Stopped,
    /// The activation service was not there to ask.
    Unknown,
}

impl ObjectState {
    const ALL: [(Self, &'static str); 5] = [
        (Self::Starting, "starting"),
        (Self::Started, "started"),
        (Self::Stopping, "stopping"),
        (Self::Stopped, "stopped"),
        (Self::Unknown, "unknown"),
    ];

    fn read(text: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .find(|(_, word)| word.eq_ignore_ascii_case(text.trim()))
            .map(|(state, _)| *state)
    }
}

impl std::fmt::Display for ObjectState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let word = Self::ALL.iter().find(|(state, _)| state == self);
        f.pad(word.map_or("", |(_, word)| word))
    }
}

/// A site.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Site {
    /// Its name.
    pub name: String,
    /// Its bindings: protocol and `address:port:host`.
    pub bindings: Vec<(String, String)>,
    /// Whether it runs; `Unknown` where nothing is told.
    pub state: ObjectState,
}

impl Site {
    /// The TCP ports of its http and https bindings.
    pub fn ports(&self) -> Vec<u16> {
        let web = self.bindings.iter().filter(|(protocol, _)| {
            protocol.eq_ignore_ascii_case("http") || protocol.eq_ignore_ascii_case("https")
        });
        // `*:443:`, `127.0.0.1:443:mail.example`, `[::1]:443:`: the port is the last but one.
        web.filter_map(|(_, binding)| binding.rsplit(':').nth(1)?.parse().ok())
            .collect()
    }
}

/// An application of a site.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SiteApplication {
    /// Site and path.
    pub path: ApplicationPath,
    /// The name of its application pool.
    pub application_pool: String,
}

/// An application pool.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ApplicationPool {
    /// Its name.
    pub name: String,
    /// Whether it runs.
    pub state: ObjectState,
}

/// All sites.
pub fn list_sites() -> Invocation<Result<Vec<Site>, AppcmdError>> {
    const LINE: CommandLine = CommandLine::literal(r"%windir%\system32\inetsrv\appcmd.exe list site /xml");
    Invocation::new(LINE, |output| {
        object::list_xml("SITE", "SITE.NAME", output, |node| {
            Some(Site {
                name: node.attribute("SITE.NAME")?.to_owned(),
                bindings: bindings(node.attribute("bindings").unwrap_or_default()),
                state: state(node),
            })
        })
    })
}

/// All applications. One whose path could not stand on a command line is passed over: casgate could not name it to IIS either.
pub fn list_applications() -> Invocation<Result<Vec<SiteApplication>, AppcmdError>> {
    const LINE: CommandLine = CommandLine::literal(r"%windir%\system32\inetsrv\appcmd.exe list app /xml");
    Invocation::new(LINE, |output| {
        let read = |node: Node<'_, '_>| {
            let (site, path) = (node.attribute("SITE.NAME")?, node.attribute("path")?);
            Some(ApplicationPath::new(site, path).ok().map(|path| SiteApplication {
                path,
                application_pool: node.attribute("APPPOOL.NAME").unwrap_or_default().to_owned(),
            }))
        };
        let all = object::list_xml("APP", "SITE.NAME, path", output, read)?;
        Ok(all.into_iter().flatten().collect())
    })
}

/// All application pools.
pub fn list_app_pools() -> Invocation<Result<Vec<ApplicationPool>, AppcmdError>> {
    const LINE: CommandLine = CommandLine::literal(r"%windir%\system32\inetsrv\appcmd.exe list apppool /xml");
    Invocation::new(LINE, |output| {
        object::list_xml("APPPOOL", "APPPOOL.NAME", output, |node| {
            Some(ApplicationPool {
                name: node.attribute("APPPOOL.NAME")?.to_owned(),
                state: state(node),
            })
        })
    })
}

fn state(node: Node<'_, '_>) -> ObjectState {
    node.attribute("state")
        .and_then(ObjectState::read)
        .unwrap_or(ObjectState::Unknown)
}

/// `http/*:80:,https/*:443:mail.example`.
fn bindings(text: &str) -> Vec<(String, String)> {
    text.split(',')
        .filter_map(|binding| binding.trim().split_once('/'))
        .map(|(protocol, binding)| (protocol.to_owned(), binding.to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use command::Output;

    use super::*;
    use crate::appcmd::AppcmdErrorKind;

    fn printed(objects: &str) -> Output {
        Output {
            exit_code: 0,
            stdout: format!(
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n<appcmd>\r\n{objects}</appcmd>\r\n"
            )
            .into(),
            stderr: Vec::new(),
        }
    }

    #[test]
    fn sites_with_their_ports_and_states() {
        // V19, and the bindings of a real Exchange server.
        let sites = list_sites()
            .parse(&printed(
                "<SITE SITE.NAME=\"Default Web Site\" SITE.ID=\"1\" bindings=\"http/*:80:,net.tcp/808:*,net.pipe/*,https/:443:,https/127.0.0.1:443:\" state=\"Started\" />\r\n\
                 <SITE SITE.NAME=\"Exchange Back End\" SITE.ID=\"2\" bindings=\"http/*:81:,https/*:444:,https/[::1]:445:mail.example\" state=\"Stopped\" />\r\n\
                 <SITE SITE.NAME=\"old\" SITE.ID=\"3\" bindings=\"\" />\r\n",
            ))
            .unwrap();
        let seen: Vec<_> = sites
            .iter()
            .map(|site| (site.name.as_str(), site.ports(), site.state))
            .collect();
        assert_eq!(
            seen,
            [
                ("Default Web Site", vec![80, 443, 443], ObjectState::Started),
                ("Exchange Back End", vec![81, 444, 445], ObjectState::Stopped),
                ("old", Vec::new(), ObjectState::Unknown),
            ]
        );
    }

    #[test]
    fn applications_with_their_pools() {
        let apps = list_applications()
            .parse(&printed(
                "<APP APP.NAME=\"Default Web Site/\" APPPOOL.NAME=\"DefaultAppPool\" SITE.NAME=\"Default Web Site\" path=\"/\" />\r\n\
                 <APP APP.NAME=\"Mail/Microsoft-Server-ActiveSync\" APPPOOL.NAME=\"MSExchangeSyncAppPool\" SITE.NAME=\"Mail\" path=\"/Microsoft-Server-ActiveSync\" />\r\n\
                 <APP APP.NAME=\"Mail/100%\" APPPOOL.NAME=\"x\" SITE.NAME=\"Mail\" path=\"/100%\" />\r\n",
            ))
            .unwrap();
        let seen: Vec<_> = apps
            .iter()
            .map(|app| (app.path.to_string(), app.application_pool.as_str()))
            .collect();
        assert_eq!(
            seen,
            [
                ("Default Web Site".to_owned(), "DefaultAppPool"),
                (
                    "Mail/Microsoft-Server-ActiveSync".to_owned(),
                    "MSExchangeSyncAppPool"
                ),
            ]
        );
    }

    #[test]
    fn pools_with_their_states() {
        let pools = list_app_pools()
            .parse(&printed(
                "<APPPOOL APPPOOL.NAME=\"MSExchangeSyncAppPool\" PipelineMode=\"Integrated\" RuntimeVersion=\"v4.0\" state=\"Started\" />\r\n\
                 <APPPOOL APPPOOL.NAME=\"odd\" state=\"Wandering\" />\r\n",
            ))
            .unwrap();
        assert_eq!(pools[0].state, ObjectState::Started);
        assert_eq!(pools[1].state, ObjectState::Unknown);
        assert_eq!(list_app_pools().parse(&printed("")), Ok(Vec::new()));
    }

    #[test]
    fn anything_else_is_an_error() {
        let kind = |output: &Output| list_sites().parse(output).unwrap_err().kind;
        assert_eq!(
            kind(&printed("<SITE SITE.ID=\"1\" />")),
            AppcmdErrorKind::Unreadable
        );
        let text = Output {
            stdout: b"SITE \"x\" (id:1,bindings:http/*:80:,state:Started)".to_vec(),
            ..Output::default()
        };
        assert_eq!(kind(&text), AppcmdErrorKind::Unreadable);
        let denied = Output {
            exit_code: 5,
            ..Output::default()
        };
        assert_eq!(kind(&denied), AppcmdErrorKind::AccessDenied);
    }
}
