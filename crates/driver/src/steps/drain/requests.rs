//! What a drained server is still busy with, as IIS itself tells it: requests under way, the long polls of ActiveSync apart.

use exchange::is_ping;
use iis::appcmd;
use jiff::{SignedDuration, Timestamp};

use crate::failure::one_line;
use crate::session::Session;

/// How often the server is asked, in virtual time: each time costs a command.
const EVERY: SignedDuration = SignedDuration::from_secs(5);

/// The requests that were under way at the last look.
#[derive(Debug, Default)]
pub(super) struct Requests {
    looked: Option<Timestamp>,
    seen: Option<Seen>,
}

#[derive(Debug)]
enum Seen {
    /// How many are long polls of ActiveSync, how many are not, and the first of those.
    Counted {
        pings: usize,
        others: usize,
        first: Option<String>,
    },
    /// The server cannot tell; why.
    Untold(String),
}

impl Requests {
    /// Asks the server, if the last time is a while ago. A server that cannot tell (the Request Monitor is a feature of its own) is not asked
    /// again.
    pub(super) async fn look(&mut self, session: &mut Session) {
        let now = session.clock().now();
        let is_fresh = self.looked.is_some_and(|at| now.duration_since(at) < EVERY);
        if is_fresh || matches!(self.seen, Some(Seen::Untold(_))) {
            return;
        }
        self.looked = Some(now);
        let asked = session
            .look("count the requests under way", &appcmd::list_requests())
            .await;
        self.seen = Some(match asked {
            Ok(Ok(requests)) => {
                let (pings, others): (Vec<_>, Vec<_>) =
                    requests.into_iter().partition(|request| is_ping(&request.url));
                Seen::Counted {
                    pings: pings.len(),
                    others: others.len(),
                    first: others.first().map(|request| path(&request.url).to_owned()),
                }
            }
            Ok(Err(error)) => Seen::Untold(one_line(&error.to_string())),
            Err(error) => Seen::Untold(error.found),
        });
    }

    /// Whether nothing but long polls of ActiveSync is under way, as far as the server tells.
    pub(super) fn is_idle(&self) -> bool {
        matches!(self.seen, Some(Seen::Counted { others: 0, .. }))
    }

    /// For people.
    pub(super) fn in_words(&self) -> String {
        match &self.seen {
            None => "requests not counted".to_owned(),
            Some(Seen::Untold(why)) => format!("requests not told ({why})"),
            Some(Seen::Counted { pings, others, first }) => {
                let what = match (others, first) {
                    (1, Some(first)) => format!("1 request under way ({first})"),
                    (others, Some(first)) => format!("{others} requests under way ({first} first)"),
                    (_, None) => "no requests under way".to_owned(),
                };
                match pings {
                    0 => what,
                    1 => format!("{what} besides 1 Ping of ActiveSync"),
                    pings => format!("{what} besides {pings} Pings of ActiveSync"),
                }
            }
        }
    }
}

/// The path of a URL: its query may name a user.
fn path(url: &str) -> &str {
    url.split('?').next().unwrap_or(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(pings: usize, others: usize) -> Requests {
        let first = (others > 0).then(|| path("/owa/?user=secret").to_owned());
        Requests {
            looked: None,
            seen: Some(Seen::Counted { pings, others, first }),
        }
    }

    #[test]
    fn what_is_left_is_told_and_pings_do_not_count() {
        for (requests, is_idle, words) in [
            (Requests::default(), false, "requests not counted"),
            (counted(0, 0), true, "no requests under way"),
            (
                counted(1, 0),
                true,
                "no requests under way besides 1 Ping of ActiveSync",
            ),
            (
                counted(7, 1),
                false,
                "1 request under way (/owa/) besides 7 Pings of ActiveSync",
            ),
            (counted(0, 3), false, "3 requests under way (/owa/ first)"),
            (
                Requests {
                    looked: None,
                    seen: Some(Seen::Untold("exit code 1".to_owned())),
                },
                false,
                "requests not told (exit code 1)",
            ),
        ] {
            assert_eq!(
                (requests.is_idle(), requests.in_words().as_str()),
                (is_idle, words)
            );
        }
    }
}
