//! pyspnego's acceptor (MIT's GSS library for Kerberos), spoken to in lines of hexadecimal digits.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use super::kdc::{Kdc, PASSWORD, oracle};

const SCRIPT: &str = r#"
import os, sys, tempfile, spnego, spnego.channel_bindings
protocol, service, host, binding = sys.argv[1:5]
users = tempfile.NamedTemporaryFile('w', suffix='.users'); users.write('CONTOSO:operator:' + sys.argv[5] + '\n'); users.flush()
os.environ['NTLM_USER_FILE'] = users.name
options = spnego.NegotiateOptions.wrapping_winrm
if protocol != 'kerberos': options |= spnego.NegotiateOptions.use_negotiate
bindings = spnego.channel_bindings.GssChannelBindings(application_data=bytes.fromhex(binding)) if binding else None
context = spnego.server(hostname=host, service=service, protocol=protocol, options=options, channel_bindings=bindings)
for line in sys.stdin:
    word, *arguments = line.rstrip('\n').split(' ')
    arguments = [bytes.fromhex(a) for a in arguments]
    try:
        if word == 'step': print((context.step(*arguments) or b'').hex(), int(context.complete), flush=True)
        elif word == 'principal': print(context.client_principal.encode().hex(), flush=True)
        elif word == 'unwrap': print(context.unwrap_winrm(*arguments).hex(), flush=True)
        elif word == 'wrap': print(*[part.hex() for part in context.wrap_winrm(*arguments)[:2]], flush=True)
    except Exception as e: print('error', type(e).__name__ + ':', str(e).replace('\n', ' ')[:300], flush=True)
"#;

pub(super) struct Acceptor {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Acceptor {
    pub(super) fn start(kdc: &Kdc, protocol: &str, service: &str, binding: Option<&[u8]>) -> Self {
        Self::start_as(kdc, protocol, service, "localhost", binding)
    }

    pub(super) fn start_as(
        kdc: &Kdc,
        protocol: &str,
        service: &str,
        host: &str,
        binding: Option<&[u8]>,
    ) -> Self {
        let (_, python) = oracle().unwrap();
        let mut child = Command::new(python)
            .args(["-u", "-c", SCRIPT, protocol, service, host])
            .args([&hex(binding.unwrap_or_default()), PASSWORD])
            .env("KRB5_CONFIG", kdc.config())
            .env("KRB5_KTNAME", format!("FILE:{}", kdc.keytab()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        Self {
            child,
            input,
            output: BufReader::new(output),
        }
    }

    fn ask(&mut self, word: &str, arguments: &[&[u8]]) -> Result<String, String> {
        let mut line = word.to_owned();
        for argument in arguments {
            line.push(' ');
            line.push_str(&hex(argument));
        }
        line.push('\n');
        self.input.write_all(line.as_bytes()).unwrap();
        let mut answer = String::new();
        self.output.read_line(&mut answer).unwrap();
        match answer.strip_prefix("error") {
            Some(error) => Err(error.trim().to_owned()),
            None => Ok(answer.trim_end_matches('\n').to_owned()),
        }
    }

    /// The next token and whether the login is complete.
    pub(super) fn step(&mut self, token: &[u8]) -> Result<(Vec<u8>, bool), String> {
        let answer = self.ask("step", &[token])?;
        let (token, complete) = answer.split_once(' ').unwrap();
        Ok((bytes(token), complete == "1"))
    }

    pub(super) fn principal(&mut self) -> String {
        String::from_utf8(bytes(&self.ask("principal", &[]).unwrap())).unwrap()
    }

    pub(super) fn unwrap(&mut self, signature: &[u8], data: &[u8]) -> Vec<u8> {
        bytes(&self.ask("unwrap", &[signature, data]).unwrap())
    }

    pub(super) fn wrap(&mut self, plain: &[u8]) -> (Vec<u8>, Vec<u8>) {
        let answer = self.ask("wrap", &[plain]).unwrap();
        let (signature, data) = answer.split_once(' ').unwrap();
        (bytes(signature), bytes(data))
    }
}

impl Drop for Acceptor {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bytes(text: &str) -> Vec<u8> {
    let pairs = text.as_bytes().chunks_exact(2);
    pairs
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}
