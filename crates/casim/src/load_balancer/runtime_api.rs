//! The runtime API over TCP: one line of commands separated by `;`, an answer to each, then the connection is closed.
//!
//! Words and line breaks are those of HAProxy 2.6. What it can do beyond these commands is answered as an unknown
//! command.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::Shared;
use super::backend::Backend;
use super::faults::Mishap;
use super::member::Admin;
use super::statistics::{self, FRONTEND, Selection};
use crate::port::accept;

/// `tune.bufsize` of HAProxy: a longer line is not read.
const LONGEST_LINE: usize = 16_384;
/// Real time that a silent client may hold a connection.
const IDLE: Duration = Duration::from_secs(10);

const HELP: &str = "  \
  help [<command>]                        : list matching or all commands\n  \
  quit                                    : disconnect\n  \
  set server <bk>/<srv> [opts]            : change a server's state, weight, address or ssl\n  \
  show servers state [<backend>]          : dump volatile server information (all or for a single backend)\n  \
  show stat [desc|json|no-maint|typed|up]*: report counters for each proxy and server\n";
const USAGE: &str = "usage: set server <backend>/<server> addr | agent | agent-addr | agent-port | agent-send | \
    check-addr | check-port | fqdn | health | ssl | state | weight\n";
const STATES: &str = "'set server <srv> state' expects 'ready', 'drain' and 'maint'.\n";

/// What a socket without the level for a command answers.
const DENIED: &str = "Permission denied\n\n";

/// Serves the runtime API for ever.
pub(super) async fn serve(shared: Arc<Shared>, listener: TcpListener) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            (stream, _) = accept(&listener) => {
                connections.spawn(converse(Arc::clone(&shared), stream));
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn converse(shared: Arc<Shared>, mut stream: TcpStream) {
    if let Ok(Some(line)) = timeout(IDLE, read_line(&mut stream)).await {
        let answer = match shared.faults.take(&line) {
            None => answer(&mut shared.lock(), shared.now(), &line),
            Some(Mishap::Unheard) => return,
            Some(Mishap::AnswerLost) => {
                answer(&mut shared.lock(), shared.now(), &line);
                return;
            }
            Some(Mishap::Denied) => DENIED.to_owned(),
            Some(Mishap::Silent) => {
                // Until the client gives up.
                let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
                return;
            }
        };
        // A client that has gone away needs no answer.
        let _ = stream.write_all(answer.as_bytes()).await;
        let _ = stream.shutdown().await;
    }
}

async fn read_line(stream: &mut TcpStream) -> Option<String> {
    let mut line = Vec::new();
    let mut buffer = [0; 1024];
    while !line.contains(&b'\n') && line.len() < LONGEST_LINE {
        let read = stream.read(&mut buffer).await.ok()?;
        if read == 0 {
            break;
        }
        line.extend_from_slice(&buffer[..read]);
    }
    let end = line.iter().position(|byte| *byte == b'\n').unwrap_or(line.len());
    line.truncate(end);
    let text = String::from_utf8_lossy(&line).trim_end_matches('\r').to_owned();
    (end > 0 || !line.is_empty()).then_some(text)
}

/// The answer to a line of commands.
pub(super) fn answer(backend: &mut Backend, now: Duration, line: &str) -> String {
    let mut text = String::new();
    for command in line.split(';') {
        let words: Vec<&str> = command.split_whitespace().collect();
        match words.as_slice() {
            ["quit", ..] => break,
            ["help", ..] => {
                text.push_str("The following commands are valid at this level:\n");
                text.push_str(HELP);
                text.push('\n');
            }
            ["show", "stat", rest @ ..] => match selection(backend, rest) {
                Ok(selection) => text.push_str(&statistics::stat(backend, now, selection)),
                Err(message) => push_message(&mut text, message),
            },
            ["show", "servers", "state", rest @ ..] => match rest.first() {
                Some(name) if *name != backend.name => push_message(&mut text, "Can't find backend.\n"),
                _ => text.push_str(&statistics::servers_state(backend, now)),
            },
            ["set", "server", rest @ ..] => {
                let message = set_server(backend, now, rest).err().unwrap_or_default();
                push_message(&mut text, message);
            }
            [] => {
                text.push_str("Unknown command. Please enter one of the following commands only:\n");
                text.push_str(HELP);
                text.push('\n');
            }
            _ => {
                text.push_str("Unknown command, but maybe one of the following ones is a better match:\n");
                text.push_str(HELP);
                text.push('\n');
            }
        }
    }
    text
}

/// A message and the empty line that ends every answer.
fn push_message(text: &mut String, message: &str) {
    text.push_str(message);
    text.push('\n');
}

fn set_server(backend: &mut Backend, now: Duration, words: &[&str]) -> Result<(), &'static str> {
    let path = words.first().copied().unwrap_or_default();
    let (proxy, server) = path.split_once('/').ok_or("Require 'backend/server'.\n")?;
    if proxy != backend.name {
        return Err("No such backend.\n");
    }
    let index = backend.find(server).ok_or("No such server.\n")?;
    if words.get(1) != Some(&"state") {
        return Err(USAGE);
    }
    let admin = match words.get(2).copied() {
        Some("ready") => Admin::Ready,
        Some("drain") => Admin::Drain,
        Some("maint") => Admin::Maint,
        _ => return Err(STATES),
    };
    backend.set_admin(index, admin, now);
    Ok(())
}

/// `show stat [<proxy>|-1 <types> <server>]`; types are a sum of 1 (frontends), 2 (backends) and 4 (servers).
fn selection(backend: &Backend, words: &[&str]) -> Result<Selection, &'static str> {
    let [proxy, types, server, ..] = words else {
        return Ok(Selection::ALL);
    };
    let of_backend = *proxy == backend.name || *proxy == "3";
    let of_frontend = *proxy == FRONTEND || *proxy == "2";
    let of_all = *proxy == "-1";
    if !(of_backend || of_frontend || of_all) {
        return Err("No such proxy.\n");
    }
    let types: i64 = types.parse().unwrap_or(0);
    let server: i64 = server.parse().unwrap_or(0);
    Ok(Selection {
        frontend: (of_all || of_frontend) && types & 1 != 0,
        backend: (of_all || of_backend) && types & 2 != 0,
        server: if (of_all || of_backend) && types & 4 != 0 {
            server
        } else {
            0
        },
    })
}

#[cfg(test)]
mod tests;
