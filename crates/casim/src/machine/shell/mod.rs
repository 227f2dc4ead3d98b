//! `cmd.exe /c LINE`: variables, chains, redirections, commands of the shell itself, and finding programs.

mod builtin;
mod for_loop;
mod lookup;

use command::cmd::{self, Simple};

use super::environment::Environment;
use super::programs::{self, Call};
use super::stream::{OutputSink, Stdin, Stream, StreamSink};
use super::{Machine, Session};

/// What the simulator exits with where it cannot do what Windows could (`ERROR_NOT_SUPPORTED`).
pub(super) const NOT_SIMULATED: u32 = 50;
/// How deep `cmd /c cmd /c ...` may go.
const DEEPEST: usize = 8;

/// One running `cmd.exe`.
pub(super) struct Shell<'a> {
    pub(super) machine: &'a Machine,
    pub(super) session: &'a Session,
    pub(super) environment: Environment,
    pub(super) directory: String,
    pub(super) depth: usize,
    /// The code of the command before, what a bare `exit` ends with.
    pub(super) last: u32,
}

/// What becomes of the line after one command.
pub(super) enum Done {
    /// The command ended with this code.
    Code(u32),
    /// `exit`: the whole line ends with this code.
    Exit(u32),
}

/// Runs a line in a fresh shell of the session.
pub(super) async fn run(
    machine: &Machine,
    session: &Session,
    line: &str,
    stdin: &mut Stdin,
    out: &OutputSink,
) -> u32 {
    let environment = Environment::new(machine.options(), session);
    let directory = session.working_directory.clone();
    let directory = directory.or_else(|| environment.get("USERPROFILE").map(str::to_owned));
    let directory = directory.unwrap_or_else(|| r"C:\".to_owned());
    let shell = Shell {
        machine,
        session,
        environment,
        directory,
        depth: 0,
        last: 0,
    };
    shell.line(line, stdin, out).await
}

impl Shell<'_> {
    /// Runs one line to its end and returns what `cmd /c` exits with: the code of the last command that ran.
    pub(super) async fn line(mut self, line: &str, stdin: &mut Stdin, out: &OutputSink) -> u32 {
        let expanded = cmd::expand(line, &|name| self.variable(name));
        // All of the line belongs to it, so it is no matter of the parser.
        if let Some(tail) = for_loop::tail(&expanded) {
            return for_loop::run(&self, tail, out);
        }
        let commands = match cmd::parse(&expanded) {
            Ok(commands) => commands,
            Err(error) => return refuse(&error, out),
        };
        let mut next = (!commands.is_empty()).then_some(0);
        while let Some(index) = next {
            match self.simple(&commands[index], stdin, out).await {
                Done::Exit(code) => return code,
                Done::Code(code) => {
                    self.last = code;
                    next = cmd::follow(&commands, index, code == 0);
                }
            }
        }
        self.last
    }

    async fn simple(&mut self, simple: &Simple, stdin: &mut Stdin, out: &OutputSink) -> Done {
        let out = redirected(simple, out);
        let (word, tail) = lookup::split_word(&simple.text);
        if let Some(done) = builtin::run(self, word, tail, &out) {
            return done;
        }
        let program = match lookup::find(word, &self.directory) {
            Ok(program) => program,
            Err(message) => {
                out.stderr.write(message.as_bytes());
                return Done::Code(1);
            }
        };
        let mut call = Call {
            shell: self,
            tail,
            arguments: command::quote::split(tail),
            stdin,
            out,
        };
        Done::Code(programs::run(program, &mut call).await)
    }

    /// `cmd /c LINE` inside a line; its variables and its directory are its own.
    pub(super) async fn nested(&self, line: &str, stdin: &mut Stdin, out: &OutputSink) -> u32 {
        if self.depth == DEEPEST {
            out.stderr.line("casim: cmd.exe is nested too deep.");
            return NOT_SIMULATED;
        }
        let inner = Shell {
            machine: self.machine,
            session: self.session,
            environment: self.environment.clone(),
            directory: self.directory.clone(),
            depth: self.depth + 1,
            last: 0,
        };
        Box::pin(inner.line(line, stdin, out)).await
    }

    /// A variable of the environment, or one that cmd.exe computes.
    fn variable(&self, name: &str) -> Option<String> {
        let computed = || match name.to_ascii_lowercase().as_str() {
            "errorlevel" => Some(self.last.to_string()),
            "cd" => Some(self.directory.clone()),
            "random" => Some((self.machine.state().chance.pid() % 32_768).to_string()),
            _ => None,
        };
        self.environment.get(name).map(str::to_owned).or_else(computed)
    }
}

fn redirected(simple: &Simple, out: &OutputSink) -> OutputSink {
    let stdout = match (simple.stdout_to_nul, simple.stdout_to_stderr) {
        (true, _) => StreamSink::nul(Stream::Stdout),
        (false, true) => out.stderr.clone(),
        (false, false) => out.stdout.clone(),
    };
    let stderr = match (simple.stderr_to_nul, simple.stderr_to_stdout) {
        (true, _) => StreamSink::nul(Stream::Stderr),
        (false, true) => out.stdout.clone(),
        (false, false) => out.stderr.clone(),
    };
    OutputSink { stdout, stderr }
}

fn refuse(error: &command::Error, out: &OutputSink) -> u32 {
    match error {
        command::Error::Empty => 0,
        command::Error::Syntax { found, .. } => {
            out.stderr.line(&format!("{found} was unexpected at this time."));
            1
        }
        other => {
            out.stderr
                .line(&format!("casim: the simulator does not do this: {other}"));
            NOT_SIMULATED
        }
    }
}
