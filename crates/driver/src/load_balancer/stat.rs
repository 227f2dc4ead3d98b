//! The table of HAProxy's `show stat`: CSV with a header line, read by the names of its columns, since every release adds some.

use super::error::BalancerError;

/// A server of a backend, as the load balancer sees it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Member {
    /// Its name in the backend.
    pub(crate) name: String,
    /// Its state in the load balancer's words, e.g. `UP`, `UP 1/3`, `DRAIN`, `MAINT`, `DOWN`, `no check`.
    pub(crate) status: String,
    /// Connections that it has now (`scur`).
    pub(crate) connections: u64,
}

impl Member {
    /// Whether it takes new connections: it is up, going down but not yet down, or not checked at all.
    pub(crate) fn is_in_rotation(&self) -> bool {
        self.status == "no check" || self.word() == "UP"
    }

    /// Whether somebody took it out: drained or under maintenance.
    pub(crate) fn is_taken_out(&self) -> bool {
        matches!(self.word(), "DRAIN" | "MAINT")
    }

    /// The state without its counters: `UP 1/3` is `UP`, `MAINT (via eas/cas02)` is `MAINT`.
    fn word(&self) -> &str {
        self.status.split([' ', '(']).next().unwrap_or(&self.status)
    }
}

/// The servers of `backend`, in the table's order; its own `BACKEND` line is left out.
pub(crate) fn members(table: &str, backend: &str) -> Result<Vec<Member>, BalancerError> {
    let mut lines = table.lines().filter(|line| !line.trim().is_empty());
    let header = match lines.next() {
        Some(line) if line.starts_with('#') => fields(line.trim_start_matches(['#', ' '])),
        other => {
            return Err(BalancerError::Refused {
                command: "show stat".to_owned(),
                answer: other.unwrap_or("nothing").to_owned(),
            });
        }
    };
    let column = |name: &'static str| {
        header
            .iter()
            .position(|field| field == name)
            .ok_or(BalancerError::NoColumn { column: name })
    };
    let (proxy, server) = (column("pxname")?, column("svname")?);
    let (status, current) = (column("status")?, column("scur")?);
    let cell = |row: &[String], at: usize| row.get(at).cloned().unwrap_or_default();
    Ok(lines
        .map(fields)
        .filter(|row| cell(row, proxy) == backend)
        .filter(|row| !matches!(cell(row, server).as_str(), "BACKEND" | "FRONTEND"))
        .map(|row| Member {
            name: cell(&row, server),
            status: cell(&row, status),
            connections: cell(&row, current).parse().unwrap_or(0),
        })
        .collect())
}

/// One line of CSV: a field in double quotes may hold commas, and `""` is a quote.
fn fields(line: &str) -> Vec<String> {
    let mut fields = Vec::new();
    let mut field = String::new();
    let mut quoted = false;
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                field.push('"');
                chars.next();
            }
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(std::mem::take(&mut field)),
            c => field.push(c),
        }
    }
    fields.push(field);
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Shortened from HAProxy's management guide, section 9.1 (CSV format); the order of columns is changed on purpose.
    const TABLE: &str = "\
# pxname,svname,qcur,qmax,scur,smax,status,weight,last_chk,
web,FRONTEND,,,7,9,OPEN,,,
eas,cas01,0,0,3,5,UP,1,\"HTTP status check returned code <3C>200<3E>, \"\"OK\"\"\",
eas,cas02,0,0,2,5,DRAIN,1,,
eas,cas03,0,0,0,5,MAINT (via eas/cas01),1,,
eas,cas04,0,0,1,5,UP 1/3,1,,
eas,cas05,0,0,0,5,DOWN,1,,
eas,cas06,0,0,4,5,no check,1,,
eas,cas07,0,0,0,5,NOLB,1,,
eas,BACKEND,0,0,10,12,UP,6,,
owa,cas01,0,0,99,99,UP,1,,
";

    #[test]
    fn members_are_read_by_column_names() {
        let members = members(TABLE, "eas").unwrap();
        let seen: Vec<_> = members
            .iter()
            .map(|m| {
                (
                    m.name.as_str(),
                    m.connections,
                    m.is_in_rotation(),
                    m.is_taken_out(),
                )
            })
            .collect();
        assert_eq!(
            seen,
            [
                ("cas01", 3, true, false),
                ("cas02", 2, false, true),
                ("cas03", 0, false, true),
                ("cas04", 1, true, false),
                ("cas05", 0, false, false),
                ("cas06", 4, true, false),
                ("cas07", 0, false, false),
            ]
        );
    }

    #[test]
    fn text_instead_of_a_table_is_a_refusal() {
        let error = members("Permission denied\n\n", "eas").unwrap_err();
        assert_eq!(
            error.to_string(),
            "the load balancer answered `show stat` with: Permission denied"
        );
    }

    #[test]
    fn a_missing_column_is_named() {
        let error = members("# pxname,svname,scur\neas,cas01,0\n", "eas").unwrap_err();
        assert_eq!(
            error.to_string(),
            "the table of `show stat` has no column `status`"
        );
    }

    #[test]
    fn quoted_fields_keep_commas_and_quotes() {
        assert_eq!(fields(r#"a,"b,""c""",,d"#), ["a", r#"b,"c""#, "", "d"]);
    }
}
