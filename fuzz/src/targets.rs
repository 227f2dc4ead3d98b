//! The targets, by name.

mod clixml;
mod envelope;
mod files;
mod lines;
mod login;
mod programs;
mod receive;
mod session;
mod web_log;

use crate::{Target, words};

pub(crate) use envelope::REQUEST;
pub(crate) use login::{acceptor, initiator};
pub(crate) use session::session_pair;

/// Every target. New ones come with a seed.
pub const TARGETS: &[Target] = &[
    Target {
        name: "reply",
        run: envelope::reply,
        words: words::WSMAN,
    },
    Target {
        name: "request",
        run: envelope::request,
        words: words::WSMAN,
    },
    Target {
        name: "receive",
        run: receive::receive,
        words: &[],
    },
    Target {
        name: "multipart",
        run: session::multipart,
        words: words::MULTIPART,
    },
    Target {
        name: "session",
        run: session::session,
        words: &[],
    },
    Target {
        name: "challenge",
        run: login::challenge,
        words: words::NTLM,
    },
    Target {
        name: "authenticate",
        run: login::authenticate,
        words: words::NTLM,
    },
    Target {
        name: "negotiation",
        run: login::negotiation,
        words: words::NTLM,
    },
    Target {
        name: "certificate",
        run: login::certificate,
        words: &[],
    },
    Target {
        name: "clixml",
        run: clixml::clixml,
        words: words::CLIXML,
    },
    Target {
        name: "programs",
        run: programs::programs,
        words: words::PROGRAMS,
    },
    Target {
        name: "lines",
        run: lines::lines,
        words: words::LINES,
    },
    Target {
        name: "files",
        run: files::files,
        words: words::FILES,
    },
    Target {
        name: "web-log",
        run: web_log::web_log,
        words: words::WEB_LOG,
    },
];

/// Whatever an error quotes of the input, it fits a few lines, its causes included.
fn short<E: std::error::Error + ?Sized>(error: &E) {
    let mut length = error.to_string().len();
    let mut source = error.source();
    while let Some(cause) = source {
        length += cause.to_string().len();
        source = cause.source();
    }
    assert!(length < 10_000, "an error of {length} bytes");
}
