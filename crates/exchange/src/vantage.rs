//! A front end as another Windows machine sees it: a script asks for one page over TLS, and says what came back.
//!
//! `curl.exe` exists since Windows Server 2019 only, and `HttpWebRequest` cannot set `Host` under PowerShell 2, so the request goes through `TcpClient`
//! and `SslStream`, which every version has. The certificate is judged by that machine's own store. What comes back is a status, names of
//! headers and names of exceptions: none of it is in Windows' own language.

use std::time::Duration;

use command::{CommandLine, Invocation, Output};
use iis::Error;

/// What asks, after lines that set `$address`, `$port`, `$server`, `$path` and `$limit` (milliseconds for each wait). PowerShell 2 and later.
///
/// TLS 1.0 is all that .NET knows where `SslProtocols` has no `Tls12` (before 4.5); elsewhere 1.0, 1.1 and 1.2 are offered (4032).
pub const SCRIPT: &str = "$ErrorActionPreference='Stop'\n\
    $out=[Console]::Out;$watch=[Diagnostics.Stopwatch]::StartNew();$at='connect'\n\
    try{\n\
    $why=$null\n\
    foreach($ip in [Net.Dns]::GetHostAddresses($address)){\n\
    $tcp=New-Object Net.Sockets.TcpClient($ip.AddressFamily)\n\
    $going=$tcp.BeginConnect($ip,$port,$null,$null)\n\
    try{\n\
    if(-not $going.AsyncWaitHandle.WaitOne($limit,$false)){throw (New-Object TimeoutException)}\n\
    $tcp.EndConnect($going);$why=$null;break\n\
    }catch{$why=$_.Exception;$tcp.Close()}}\n\
    if($why){throw $why}\n\
    $tcp.ReceiveTimeout=$limit;$tcp.SendTimeout=$limit;$at='tls'\n\
    $known=[Security.Authentication.SslProtocols];$use=192;if([Enum]::IsDefined($known,3072)){$use=4032}\n\
    $tls=New-Object Net.Security.SslStream($tcp.GetStream())\n\
    $tls.AuthenticateAsClient($server,$null,[Enum]::ToObject($known,$use),$false);$at='answer'\n\
    $ask=[Text.Encoding]::ASCII.GetBytes(\"GET $path HTTP/1.1`r`nHost: $server`r`nUser-Agent: casgate`r`nConnection: close`r`n`r`n\")\n\
    $tls.Write($ask,0,$ask.Length)\n\
    $text=New-Object IO.StreamReader($tls,[Text.Encoding]::ASCII)\n\
    $line=$text.ReadLine()\n\
    if(-not $line){throw (New-Object IO.EndOfStreamException)}\n\
    $out.WriteLine('status '+$line.Split(' ')[1]);$at='headers'\n\
    while(($line=$text.ReadLine())){$out.WriteLine('header '+$line.Split(':')[0])}\n\
    if($null -eq $line){throw (New-Object IO.EndOfStreamException)}\n\
    }catch{\n\
    $why=$_.Exception.GetBaseException()\n\
    $out.WriteLine('failed '+$at+' '+$why.GetType().FullName+' '+$why.NativeErrorCode)\n\
    }\n\
    $out.WriteLine('took '+$watch.ElapsedMilliseconds)\n\
    exit 0";

const PROGRAM: &str = "powershell.exe (SslStream)";

/// More headers than any answer has.
const MOST_HEADERS: usize = 200;

/// What to ask for, and where.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Request<'a> {
    /// The front end's address: a name, which the vantage resolves, or an IP address.
    pub address: &'a str,
    /// Its HTTPS port.
    pub port: u16,
    /// The name that the clients type: in the `Host` header, in TLS, and in the certificate.
    pub server: &'a str,
    /// Path and query.
    pub path: &'a str,
    /// How long each of connecting, TLS and the answer may take.
    pub limit: Duration,
}

/// An answer, as far as it tells who was let in.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Names of its headers, as they came.
    pub headers: Vec<String>,
}

/// How far a request got that had no answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Stage {
    /// Finding the address, or connecting to it.
    Connect,
    /// The TLS handshake, the certificate included.
    Tls,
    /// The request was sent.
    Answer,
    /// The answer began: headers that are missing could hide who gave it.
    Headers,
}

/// No answer.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NoAnswer {
    /// How far it got.
    pub stage: Stage,
    /// .NET's name of what happened, e.g. `System.Net.Sockets.SocketException`.
    pub exception: String,
    /// The number of a Windows Sockets error.
    pub code: Option<i32>,
}

impl NoAnswer {
    /// Whether the front end took the connection and closed it without a word, as `AbortRequest` does.
    pub fn is_dropped(&self) -> bool {
        /// WSAECONNABORTED and WSAECONNRESET.
        const CLOSED: [Option<i32>; 2] = [Some(10053), Some(10054)];
        let is_end = self.exception.ends_with(".EndOfStreamException");
        self.stage == Stage::Answer && (is_end || CLOSED.contains(&self.code))
    }

    /// Whether it was time that ran out.
    pub fn is_timeout(&self) -> bool {
        /// WSAETIMEDOUT.
        const TIMED_OUT: Option<i32> = Some(10060);
        self.exception.ends_with(".TimeoutException") || self.code == TIMED_OUT
    }
}

/// What the vantage saw, and how long that took by its own clock, the start of PowerShell left out.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Sighting {
    /// The answer, or how far the request got.
    pub seen: Result<Answer, NoAnswer>,
    /// From connecting to the end of the headers.
    pub took: Duration,
}

/// The line that asks. Its error tells that the vantage saw nothing at all: PowerShell may not run there, or not do this.
///
/// # Errors
/// [`Error::CommandLine`] for a text that cannot stand in the script, or a path that is too long for a line.
pub fn look(request: &Request<'_>) -> Result<Invocation<Result<Sighting, Error>>, Error> {
    let script = format!(
        "$address={}\n$port={}\n$server={}\n$path={}\n$limit={}\n{SCRIPT}",
        quoted(request.address)?,
        request.port,
        quoted(request.server)?,
        quoted(request.path)?,
        request.limit.as_millis().clamp(1, 600_000),
    );
    Ok(Invocation::new(CommandLine::powershell(&script)?, sighting))
}

/// A literal. PowerShell takes typographic quotation marks for plain ones, so that only ASCII is let through; addresses, names and paths have nothing
/// else.
fn quoted(text: &str) -> Result<String, command::Error> {
    let is_plain = |c: char| c.is_ascii_graphic();
    match text.chars().enumerate().find(|(_, c)| !is_plain(*c)) {
        Some((position, character)) => Err(command::Error::Unspeakable {
            character,
            position,
            place: "the address of a page",
        }),
        None => Ok(format!("'{}'", text.replace('\'', "''"))),
    }
}

fn sighting(output: &Output) -> Result<Sighting, Error> {
    let text = output.stdout_text();
    if output.exit_code != 0 {
        return Err(Error::Failed {
            program: PROGRAM.to_owned(),
            exit_code: output.exit_code,
            text: shortened(&command::clixml::decode(&output.stderr).text),
        });
    }
    let unreadable = |found: &str| Error::Unreadable {
        program: PROGRAM.to_owned(),
        expected: "`status`, `header`, `failed` and `took`, a line each",
        found: shortened(found),
    };
    let (mut status, mut headers, mut failed, mut took) = (None, Vec::new(), None, None);
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (word, rest) = line.split_once(' ').ok_or_else(|| unreadable(line))?;
        let is_read = match word {
            "status" => {
                status = rest.parse().ok();
                status.is_some()
            }
            "header" => {
                if headers.len() < MOST_HEADERS {
                    headers.push(rest.to_owned());
                }
                true
            }
            "failed" => {
                failed = no_answer(rest);
                failed.is_some()
            }
            "took" => {
                took = rest.parse().ok().map(Duration::from_millis);
                took.is_some()
            }
            _ => false,
        };
        if !is_read {
            return Err(unreadable(line));
        }
    }
    let seen = match (failed, status) {
        (Some(failed), _) => Err(failed),
        (None, Some(status)) => Ok(Answer { status, headers }),
        (None, None) => return Err(unreadable(&text)),
    };
    let took = took.ok_or_else(|| unreadable(&text))?;
    Ok(Sighting { seen, took })
}

/// `connect System.Net.Sockets.SocketException 10061`.
fn no_answer(text: &str) -> Option<NoAnswer> {
    let mut words = text.split(' ');
    Some(NoAnswer {
        stage: match words.next()? {
            "connect" => Stage::Connect,
            "tls" => Stage::Tls,
            "answer" => Stage::Answer,
            "headers" => Stage::Headers,
            _ => return None,
        },
        exception: words.next()?.to_owned(),
        code: words.next().and_then(|code| code.parse().ok()),
    })
}

/// One line of 200 characters at most.
fn shortened(text: &str) -> String {
    let line: Vec<&str> = text.split_whitespace().collect();
    line.join(" ").chars().take(200).collect()
}

#[cfg(test)]
mod tests;
