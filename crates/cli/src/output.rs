//! Remote output as it arrives: as it is for one server, line by line with the server's name for several, as JSON for programs.

use std::io::Write;
use std::sync::Arc;

use command::clixml::{Decoder, Record};
use inventory::ServerName;
use winrm::Stream;

/// The output of one server's commands.
pub(crate) struct RemoteOutput {
    out: Lines,
    err: Lines,
    /// For PowerShell, whose standard error is CLIXML.
    clixml: Option<Decoder>,
}

/// In which form.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Form {
    /// Bytes as they come.
    Raw,
    /// Whole lines with the server's name in front.
    Prefixed,
    /// One JSON value for each line.
    Json,
}

impl RemoteOutput {
    pub(crate) fn new(server: &ServerName, form: Form, is_powershell: bool) -> Self {
        let server: Arc<str> = Arc::from(server.as_ref());
        Self {
            out: Lines::new(&server, form, Stream::Stdout),
            err: Lines::new(&server, form, Stream::Stderr),
            clixml: is_powershell.then(Decoder::new),
        }
    }

    /// Takes a piece.
    pub(crate) fn take(&mut self, stream: Stream, bytes: &[u8]) {
        match (stream, &mut self.clixml) {
            (Stream::Stdout, _) => self.out.write(bytes),
            (Stream::Stderr, None) => self.err.write(bytes),
            (Stream::Stderr, Some(decoder)) => {
                let records = decoder.push(bytes);
                records.into_iter().for_each(|record| self.record(record));
            }
        }
    }

    /// The end of one command's output.
    pub(crate) fn finish(mut self) {
        let rest = self.clixml.take().map(Decoder::finish).unwrap_or_default();
        rest.into_iter().for_each(|record| self.record(record));
        self.out.finish();
        self.err.finish();
    }

    /// As PowerShell itself shows them on a console.
    fn record(&mut self, record: Record) {
        match record {
            Record::Error(text) | Record::Plain(text) => self.err.write(text.as_bytes()),
            Record::Warning(text) => self.err.write(format!("WARNING: {text}\n").as_bytes()),
            Record::Verbose(text) => self.err.write(format!("VERBOSE: {text}\n").as_bytes()),
            Record::Debug(text) => self.err.write(format!("DEBUG: {text}\n").as_bytes()),
            Record::Output(text) => self.out.write(format!("{text}\n").as_bytes()),
        }
    }
}

/// One stream.
struct Lines {
    server: Arc<str>,
    form: Form,
    stream: Stream,
    pending: Vec<u8>,
}

impl Lines {
    fn new(server: &Arc<str>, form: Form, stream: Stream) -> Self {
        Self {
            server: Arc::clone(server),
            form,
            stream,
            pending: Vec::new(),
        }
    }

    fn write(&mut self, bytes: &[u8]) {
        if self.form == Form::Raw {
            return self.print(bytes);
        }
        self.pending.extend_from_slice(bytes);
        let Some(end) = self.pending.iter().rposition(|byte| *byte == b'\n') else {
            return;
        };
        let whole: Vec<u8> = self.pending.drain(..=end).collect();
        let text: Vec<u8> = whole
            .split_inclusive(|byte| *byte == b'\n')
            .flat_map(|line| self.formed(line))
            .collect();
        self.print(&text);
    }

    fn finish(self) {
        if !self.pending.is_empty() {
            let mut line = self.formed(&self.pending);
            if !line.ends_with(b"\n") {
                line.push(b'\n');
            }
            self.print(&line);
        }
    }

    fn formed(&self, line: &[u8]) -> Vec<u8> {
        match self.form {
            Form::Raw => line.to_vec(),
            Form::Prefixed => [self.server.as_bytes(), b" | ", line].concat(),
            Form::Json => {
                let text = String::from_utf8_lossy(line);
                let stream = match self.stream {
                    Stream::Stdout => "stdout",
                    Stream::Stderr => "stderr",
                };
                let value = serde_json::json!({
                    "server": &*self.server, "stream": stream, "line": text.trim_end_matches(['\r', '\n']),
                });
                format!("{value}\n").into_bytes()
            }
        }
    }

    /// In one go, so that lines of different servers do not mix. A closed pipe must not end the remote command half-way.
    fn print(&self, bytes: &[u8]) {
        let print = |to: &mut dyn Write| to.write_all(bytes).and_then(|()| to.flush());
        let _ = match (self.stream, self.form) {
            (Stream::Stdout, _) | (_, Form::Json) => print(&mut std::io::stdout().lock()),
            (Stream::Stderr, _) => print(&mut std::io::stderr().lock()),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn formed(form: Form, stream: Stream, line: &str) -> String {
        let lines = Lines::new(&Arc::from("cas01"), form, stream);
        String::from_utf8(lines.formed(line.as_bytes())).unwrap()
    }

    #[test]
    fn lines_carry_the_name_of_their_server() {
        assert_eq!(formed(Form::Raw, Stream::Stdout, "a\r\n"), "a\r\n");
        assert_eq!(formed(Form::Prefixed, Stream::Stderr, "a\r\n"), "cas01 | a\r\n");
        assert_eq!(
            formed(Form::Json, Stream::Stderr, "a \"b\"\r\n"),
            "{\"line\":\"a \\\"b\\\"\",\"server\":\"cas01\",\"stream\":\"stderr\"}\n"
        );
    }

    #[test]
    fn only_whole_lines_are_printed_of_several_servers() {
        let mut lines = Lines::new(&Arc::from("cas01"), Form::Prefixed, Stream::Stdout);
        lines.write(b"begun");
        assert_eq!(lines.pending, b"begun");
        lines.write(b" ended\nnext");
        assert_eq!(lines.pending, b"next");
    }
}
