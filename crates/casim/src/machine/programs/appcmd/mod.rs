//! `appcmd.exe`: commands on objects and on configuration, with its output, errors and exit codes.
//!
//! Errors go to standard output as `ERROR ( ... )`, and the exit code is the low word of the HRESULT when that is a
//! Win32 error.

mod arguments;
mod backup;
mod config;
mod failure;
mod indexer;
mod object;
mod pool;
mod render;
mod target;

use super::Call;
use arguments::Arguments;
use failure::Failure;

/// How long the program takes, in simulated milliseconds, until it has read the configuration.
const READING: u64 = 120;

/// What a command printed, and how it ended.
struct Outcome {
    text: String,
    code: u32,
}

impl Outcome {
    fn success(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            code: 0,
        }
    }
}

/// What a command can end with beside an [`Outcome`].
enum Refused {
    Failure(Failure),
    /// Windows could, the simulator cannot.
    NotSimulated(String),
}

impl From<Failure> for Refused {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

pub(super) async fn run(call: &mut Call<'_, '_>) -> u32 {
    let words = call.arguments.clone();
    if words.is_empty() || words.iter().any(|word| matches!(word.as_str(), "/?" | "-?")) {
        call.print(USAGE);
        return 0;
    }
    let localised = call.faults().localised.is_on();
    let result = match Arguments::parse(&words) {
        Ok(arguments) => dispatch(call, &arguments).await,
        Err(failure) => Err(Refused::Failure(failure)),
    };
    match result {
        Ok(outcome) => {
            let text = cut_short(call, outcome.text);
            call.print(&if localised {
                failure::in_german(&text)
            } else {
                text
            });
            outcome.code
        }
        Err(Refused::Failure(failure)) => {
            let text = failure.to_string();
            call.print(&if localised {
                failure::in_german(&text)
            } else {
                text
            });
            failure.code()
        }
        Err(Refused::NotSimulated(what)) => call.not_simulated(&what),
    }
}

/// The first half of a long answer, while the fault lasts.
fn cut_short(call: &Call<'_, '_>, mut text: String) -> String {
    const LONG: usize = 200;
    if text.len() > LONG && call.faults().output_cut.take() {
        let half = text.len() / 2;
        let end = (0..=half)
            .rev()
            .find(|at| text.is_char_boundary(*at))
            .unwrap_or(0);
        text.truncate(end);
    }
    text
}

async fn dispatch(call: &Call<'_, '_>, arguments: &Arguments) -> Result<Outcome, Refused> {
    use arguments::Object::{App, AppPool, Backup, Config, Module, Request, Site, Vdir, Wp};
    let verb = arguments.verb.as_str();
    call.work(READING).await;
    if call.faults().filtered_token.is_on() {
        return Err(Failure::filtered_token().into());
    }
    let asks_activation = matches!(arguments.object, Wp | AppPool);
    if asks_activation && call.faults().rpc_fails.take() {
        return Err(Failure::rpc_failed().into());
    }
    match (verb, arguments.object) {
        ("list", Config) => config::list(call, arguments),
        ("set", Config) => config::set(call, arguments).await,
        ("clear", Config) => config::clear(call, arguments).await,
        ("lock" | "unlock", Config) => config::lock(call, arguments),
        ("list", Backup) => backup::list(call, arguments),
        ("add", Backup) => backup::add(call, arguments),
        ("delete", Backup) => backup::delete(call, arguments),
        ("restore", Backup) => backup::restore(call, arguments).await,
        ("list", Site | App | Vdir | AppPool | Wp | Module | Request) => object::list(call, arguments),
        ("recycle" | "start" | "stop", AppPool) => pool::control(call, arguments),
        ("start" | "stop", Site) => pool::control_site(call, arguments),
        (
            "add" | "delete" | "set" | "search" | "reset" | "migrate" | "install" | "uninstall" | "inspect",
            _,
        ) => Err(Refused::NotSimulated(format!(
            "'appcmd {verb} {}'",
            arguments.object.name().to_lowercase()
        ))),
        _ => Err(Failure::unsupported_command(verb, arguments.object.name()).into()),
    }
}

const USAGE: &str = "General purpose IIS command line administration tool.\r\n\r\n\
APPCMD (command) (object-type) <identifier> </parameter1:value1 ...>\r\n\r\n\
Supported object types:\r\n\r\n  \
SITE      Administration of virtual sites\r\n  \
APP       Administration of applications\r\n  \
VDIR      Administration of virtual directories\r\n  \
APPPOOL   Administration of application pools\r\n  \
CONFIG    Administration of general configuration sections\r\n  \
WP        Administration of worker processes\r\n  \
REQUEST   Administration of HTTP requests\r\n  \
MODULE    Administration of server modules\r\n  \
BACKUP    Administration of server configuration backups\r\n\r\n\
(To list commands supported by each object use /?, e.g. 'appcmd.exe site /?')\r\n";
