//! `powershell.exe` as far as the simulator really can: `Write-Output`, `exit`, `throw`. Everything else fails and says so.
//!
//! Four scripts it knows by their exact text and does what they say, since they could not be tried otherwise:
//! [`command::powershell::BOOTSTRAP`] (the script that is carried out comes from standard input), [`command::upload::SCRIPT`] (see
//! `receiver.rs`), [`iis::process::START_TIMES_SCRIPT`] and [`exchange::vantage::SCRIPT`] (see `vantage.rs`). That their text is good PowerShell is not
//! something that the simulator vouches for.
//!
//! With `-EncodedCommand` errors come as CLIXML on standard error, with `-Command` as text, as PowerShell 5.1 does when
//! its streams are redirected.

mod receiver;
mod vantage;

use jiff::tz::TimeZone;

use super::Call;

/// One statement that the simulator understands.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Statement {
    Nothing,
    Output(Vec<String>),
    Exit(u32),
    Throw(String),
    NotSimulated(String),
}

pub(super) async fn run(call: &mut Call<'_, '_>) -> u32 {
    call.work(600).await;
    let (script, clixml) = match script(&call.arguments) {
        Ok(found) => found,
        Err(what) => return call.not_simulated(&what),
    };
    if script == command::upload::SCRIPT {
        return match receiver::run(call).await {
            Ok(said) => {
                call.out.stdout.line(&said);
                0
            }
            Err(message) => {
                error(call, &thrown(&message), clixml);
                1
            }
        };
    }
    if script == iis::process::START_TIMES_SCRIPT {
        return start_times(call);
    }
    if let Some(request) = vantage::request(&script) {
        return vantage::run(call, &request).await;
    }
    let script = match script == command::powershell::BOOTSTRAP {
        false => script,
        true => match command::powershell::decode_stdin(&all_input(call).await) {
            Ok(script) => script,
            Err(problem) => {
                let message =
                    format!("Exception calling \"FromBase64String\" with \"1\" argument(s): \"{problem}\"");
                error(call, &thrown(&message), clixml);
                return 1;
            }
        },
    };
    for statement in statements(&script) {
        match statement {
            Statement::Nothing => {}
            Statement::Output(values) => values.iter().for_each(|value| call.out.stdout.line(value)),
            Statement::Exit(code) => return code,
            Statement::Throw(message) => {
                error(call, &thrown(&message), clixml);
                return 1;
            }
            Statement::NotSimulated(text) => {
                let line = format!(
                    "casim: the simulator does not do '{text}'. Of PowerShell it does Write-Output, exit and throw."
                );
                error(call, &[line], clixml);
                return 1;
            }
        }
    }
    0
}

/// What PowerShell writes about an exception that nobody catches.
fn thrown(message: &str) -> [String; 6] {
    [
        message.to_owned(),
        "At line:1 char:1".to_owned(),
        format!("+ throw '{message}'"),
        format!("    + CategoryInfo          : OperationStopped: ({message}:String) [], RuntimeException"),
        format!("    + FullyQualifiedErrorId : {message}"),
        " ".to_owned(),
    ]
}

/// Standard input to its end.
async fn all_input(call: &mut Call<'_, '_>) -> Vec<u8> {
    let mut input = Vec::new();
    while let Some(bytes) = call.stdin.read().await {
        input.extend(bytes);
    }
    input
}

/// The script of the command line, and whether errors come as CLIXML.
fn script(arguments: &[String]) -> Result<(String, bool), String> {
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let switch = argument.strip_prefix(['-', '/']).map(str::to_ascii_lowercase);
        let takes_the_rest = || arguments.iter().skip_while(|a| *a != argument);
        match switch.as_deref() {
            None => return Ok((takes_the_rest().cloned().collect::<Vec<_>>().join(" "), false)),
            Some("c" | "command") => {
                let text = takes_the_rest().skip(1).cloned().collect::<Vec<_>>().join(" ");
                return if text == "-" {
                    Err("'powershell' with a script on its input".to_owned())
                } else {
                    Ok((text, false))
                };
            }
            Some("e" | "ec" | "enc" | "encodedcommand") => {
                let encoded = rest.next().ok_or("'powershell' without a script")?;
                let script =
                    command::powershell::decode(encoded).map_err(|error| format!("this script: {error}"))?;
                return Ok((script, true));
            }
            Some("noprofile" | "nop" | "noninteractive" | "noni" | "nologo" | "nol" | "sta" | "mta") => {}
            Some(
                "executionpolicy" | "ep" | "ex" | "outputformat" | "inputformat" | "windowstyle" | "version",
            ) => {
                rest.next();
            }
            Some(other) => return Err(format!("'powershell -{other}'")),
        }
    }
    Err("an interactive 'powershell'".to_owned())
}

/// Ids and FILETIMEs of the worker processes.
fn start_times(call: &mut Call<'_, '_>) -> u32 {
    const FILETIME_OF_UNIX_EPOCH: i128 = 116_444_736_000_000_000;
    let times = call.machine().state().pools.start_times();
    for (pid, started) in times {
        let at = TimeZone::UTC.to_timestamp(call.machine().wall_clock_at(started));
        let at = at.map_or(0, jiff::Timestamp::as_nanosecond);
        call.out
            .stdout
            .line(&format!("{pid} {}", at / 100 + FILETIME_OF_UNIX_EPOCH));
    }
    0
}

/// Cuts a script at line ends and semicolons outside of quotes.
fn statements(script: &str) -> Vec<Statement> {
    let (mut pieces, mut quote) = (vec![String::new()], None);
    for c in script.chars() {
        match (quote, c) {
            (None, ';' | '\n' | '\r') => {
                pieces.push(String::new());
                continue;
            }
            (None, '\'' | '"') => quote = Some(c),
            (Some(open), c) if c == open => quote = None,
            _ => {}
        }
        if let Some(piece) = pieces.last_mut() {
            piece.push(c);
        }
    }
    pieces.iter().map(|piece| statement(piece.trim())).collect()
}

fn statement(text: &str) -> Statement {
    let not_simulated = || Statement::NotSimulated(text.to_owned());
    let (word, rest) = text
        .split_once(char::is_whitespace)
        .map_or((text, ""), |(word, rest)| (word, rest.trim()));
    match word.to_ascii_lowercase().as_str() {
        "" => Statement::Nothing,
        comment if comment.starts_with('#') => Statement::Nothing,
        "exit" => match rest.parse::<i64>() {
            _ if rest.is_empty() => Statement::Exit(0),
            Ok(code) => Statement::Exit(u32::try_from(code & 0xffff_ffff).unwrap_or(u32::MAX)),
            Err(_) => not_simulated(),
        },
        "throw" => match literals(rest).as_deref() {
            Some([message]) => Statement::Throw(message.clone()),
            _ => not_simulated(),
        },
        "write-output" | "echo" | "write" => literals(rest).map_or_else(not_simulated, Statement::Output),
        "$progresspreference" | "$erroractionpreference" if rest.starts_with('=') => {
            let value = rest.trim_start_matches('=').trim();
            if literals(value).is_some_and(|v| v.len() == 1) {
                Statement::Nothing
            } else {
                not_simulated()
            }
        }
        _ if text.starts_with(['\'', '"']) => literals(text).map_or_else(not_simulated, Statement::Output),
        _ => not_simulated(),
    }
}

/// Values: quoted strings without variables, and plain words. Doubled quotes stand for one.
fn literals(text: &str) -> Option<Vec<String>> {
    let mut values = Vec::new();
    let mut chars = text.chars().peekable();
    loop {
        while chars.next_if(|c| c.is_whitespace() || *c == ',').is_some() {}
        let Some(first) = chars.next() else {
            return Some(values);
        };
        let mut value = String::new();
        if matches!(first, '\'' | '"') {
            loop {
                match chars.next()? {
                    c if c == first => {
                        if chars.next_if_eq(&first).is_none() {
                            break;
                        }
                        value.push(first);
                    }
                    '$' | '`' if first == '"' => return None,
                    c => value.push(c),
                }
            }
            if chars.peek().is_some_and(|c| !c.is_whitespace() && *c != ',') {
                return None;
            }
        } else {
            value.push(first);
            while let Some(c) = chars.next_if(|c| !c.is_whitespace() && *c != ',') {
                value.push(c);
            }
            let plain = |c: char| c.is_alphanumeric() || "._:/\\*+?!=".contains(c);
            if !value.chars().all(|c| plain(c) || c == '-') || value.starts_with('-') {
                return None;
            }
        }
        values.push(value);
    }
}

fn error(call: &Call<'_, '_>, lines: &[String], clixml: bool) {
    if !clixml {
        lines.iter().for_each(|line| call.out.stderr.line(line));
        return;
    }
    let element = |line: &String| format!("<S S=\"Error\">{}_x000D__x000A_</S>", escaped(line));
    let body: String = lines.iter().map(element).collect();
    call.out.stderr.write(
        format!(
            "#< CLIXML\r\n<Objs Version=\"1.1.0.1\" xmlns=\"http://schemas.microsoft.com/powershell/2004/04\">{body}</Objs>"
        )
        .as_bytes(),
    );
}

/// XML text; an underscore that would begin an escape of CLIXML is escaped itself.
fn escaped(text: &str) -> String {
    quick_xml::escape::partial_escape(text).replace("_x", "_x005F_x")
}

#[cfg(test)]
mod tests {
    use super::{Statement, statements};

    #[test]
    fn only_what_is_understood_is_done() {
        let output = |values: &[&str]| Statement::Output(values.iter().map(|v| (*v).to_owned()).collect());
        let not_simulated = |text: &str| Statement::NotSimulated(text.to_owned());
        let cases: &[(&str, Vec<Statement>)] = &[
            ("Write-Output 'it''s; fine'", vec![output(&["it's; fine"])]),
            ("write-output a,b \"c d\"", vec![output(&["a", "b", "c d"])]),
            ("'plain'; exit 7", vec![output(&["plain"]), Statement::Exit(7)]),
            ("exit -1", vec![Statement::Exit(u32::MAX)]),
            ("throw 'no'", vec![Statement::Throw("no".to_owned())]),
            (
                "# note\n$ProgressPreference = 'SilentlyContinue'",
                vec![Statement::Nothing, Statement::Nothing],
            ),
            (
                "Write-Output $env:windir",
                vec![not_simulated("Write-Output $env:windir")],
            ),
            ("Write-Output \"$x\"", vec![not_simulated("Write-Output \"$x\"")]),
            (
                "Write-Output (Get-Date)",
                vec![not_simulated("Write-Output (Get-Date)")],
            ),
            (
                "Write-Output -NoEnumerate x",
                vec![not_simulated("Write-Output -NoEnumerate x")],
            ),
            ("Get-Service W3SVC", vec![not_simulated("Get-Service W3SVC")]),
            ("exit $LASTEXITCODE", vec![not_simulated("exit $LASTEXITCODE")]),
        ];
        for (script, expected) in cases {
            assert_eq!(statements(script), *expected, "{script}");
        }
    }
}
