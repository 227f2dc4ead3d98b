//! `#Fields:`, the directive that says which columns follow. IIS writes it anew whenever it opens the file or its settings change.

use std::net::IpAddr;

use jiff::civil::{Date, DateTime, Time};

use super::entry::Entry;

/// What a column tells that is of interest here.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Column {
    Date,
    Time,
    Client,
    Stem,
    Query,
    User,
    Agent,
    ForwardedFor,
    Status,
    Substatus,
    Other,
}

impl Column {
    fn named(name: &str) -> Self {
        match name.to_ascii_lowercase().as_str() {
            "date" => Self::Date,
            "time" => Self::Time,
            "c-ip" => Self::Client,
            "cs-uri-stem" => Self::Stem,
            "cs-uri-query" => Self::Query,
            "cs-username" => Self::User,
            "cs(user-agent)" => Self::Agent,
            "x-forwarded-for" | "cs(x-forwarded-for)" => Self::ForwardedFor,
            "sc-status" => Self::Status,
            "sc-substatus" => Self::Substatus,
            _ => Self::Other,
        }
    }
}

/// The columns of the lines that follow.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Fields(Vec<Column>);

impl Fields {
    /// The rest of the directive, `date time s-ip …`, in any order.
    pub fn parse(names: &str) -> Self {
        Self(names.split_ascii_whitespace().map(Column::named).collect())
    }

    /// Whether each line begins with its date and its time, as IIS writes them where both are logged. [`search`](super::search()) finds lines by that.
    pub fn begin_with_time(&self) -> bool {
        self.0.starts_with(&[Column::Date, Column::Time])
    }

    /// Whether the columns without which nobody can be judged are there: the address and the path.
    pub fn can_be_judged(&self) -> bool {
        self.0.contains(&Column::Client) && self.0.contains(&Column::Stem)
    }

    /// Takes a line apart; `None` for one that these columns do not describe. `date` is that of the file's last `#Date:`, for logs without a column
    /// for it.
    pub fn read<'a>(&self, line: &'a str, date: Option<Date>) -> Option<Entry<'a>> {
        if self.0.is_empty() {
            return None;
        }
        let mut entry = Entry::default();
        let (mut day, mut time) = (date, None);
        let mut words = line.split(' ');
        for column in &self.0 {
            let word = words.next()?;
            if word.is_empty() {
                return None;
            }
            if word == "-" {
                continue;
            }
            match column {
                Column::Date => day = Some(parse_date(word)?),
                Column::Time => time = Some(parse_time(word)?),
                Column::Client => entry.client = Some(address(word)?),
                Column::Stem => entry.stem = Some(word),
                Column::Query => entry.query = Some(word),
                Column::User => entry.user = Some(word),
                Column::Agent => entry.agent = Some(word),
                Column::ForwardedFor => entry.forwarded_for = Some(word),
                Column::Status => entry.status = Some(word.parse().ok()?),
                Column::Substatus => entry.substatus = Some(word.parse().ok()?),
                Column::Other => {}
            }
        }
        entry.at = day.zip(time).map(|(day, time)| DateTime::from_parts(day, time));
        words.next().is_none().then_some(entry)
    }
}

/// An address, with its zone cut off (`fe80::1%14`).
fn address(word: &str) -> Option<IpAddr> {
    word.split('%').next()?.parse().ok()
}

/// `2026-11-25`.
pub(super) fn parse_date(word: &str) -> Option<Date> {
    let [y, m, d] = three(word, '-')?;
    Date::new(
        i16::try_from(y).ok()?,
        i8::try_from(m).ok()?,
        i8::try_from(d).ok()?,
    )
    .ok()
}

/// `19:05:59`.
fn parse_time(word: &str) -> Option<Time> {
    let [h, m, s] = three(word, ':')?;
    Time::new(
        i8::try_from(h).ok()?,
        i8::try_from(m).ok()?,
        i8::try_from(s).ok()?,
        0,
    )
    .ok()
}

fn three(word: &str, between: char) -> Option<[u16; 3]> {
    let mut parts = word.split(between).map(|part| {
        let digits = part.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| part.parse().ok()).flatten()
    });
    let three = [parts.next()??, parts.next()??, parts.next()??];
    parts.next().is_none().then_some(three)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_come_in_any_order() {
        let fields =
            Fields::parse("sc-status c-ip cs(User-Agent) X-Forwarded-For cs-uri-stem time s-port date");
        assert!(!fields.begin_with_time() && fields.can_be_judged());
        let line = "200 fe80::1%14 Apple-iPhone/1602.92 203.0.113.9 /x 19:05:59 443 2026-11-25";
        let entry = fields.read(line, None).unwrap();
        assert_eq!(entry.at.unwrap().to_string(), "2026-11-25T19:05:59");
        assert_eq!(entry.client, Some("fe80::1".parse().unwrap()));
        assert_eq!((entry.status, entry.stem), (Some(200), Some("/x")));
        assert_eq!(entry.forwarded_for, Some("203.0.113.9"));
        assert_eq!(entry.user, None);
    }

    #[test]
    fn a_date_may_come_from_the_directive() {
        let fields = Fields::parse("time c-ip");
        let entry = fields
            .read("01:02:03 192.0.2.1", parse_date("2026-11-25"))
            .unwrap();
        assert_eq!(entry.at.unwrap().to_string(), "2026-11-25T01:02:03");
        assert_eq!(fields.read("01:02:03 192.0.2.1", None).unwrap().at, None);
    }

    #[test]
    fn lines_that_do_not_fit_are_none() {
        let fields = Fields::parse("date time c-ip sc-status");
        for bad in [
            "",
            "2026-11-25 19:05:59 192.0.2.1",
            "2026-11-25 19:05:59 192.0.2.1 200 more",
            "2026-13-25 19:05:59 192.0.2.1 200",
            "2026-11-25 19:05 192.0.2.1 200",
            "2026-11-25 19:+5:59 192.0.2.1 200",
            "2026-11-25 19:05:59 192.0.2.300 200",
            "2026-11-25 19:05:59 192.0.2.1 OK",
            "2026-11-25  19:05:59 192.0.2.1 200",
        ] {
            assert_eq!(fields.read(bad, None), None, "{bad:?}");
        }
        assert!(
            fields
                .read("2026-11-25 19:05:59 - 200", None)
                .is_some_and(|e| e.client.is_none())
        );
        assert_eq!(Fields::default().read("x", None), None);
    }
}
