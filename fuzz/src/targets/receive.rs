//! Output that comes in pieces: however a server cuts it into streams and replies, the same bytes come out.

use command::clixml::{self, Decoded, Decoder};
use wsman::{CommandId, CommandState, MessageId, Received, Response, State, StreamChunk, StreamName};

use crate::bytes::Bytes;

const COMMAND: &str = "5F4C7D1A-0E8B-4E6E-9C39-0B6F5E1A2C11";

/// Reads the input as a script: pieces of both streams and of other commands' streams, states, ends of replies. Writes the replies as a server
/// would, reads them as the client does, and compares.
pub(crate) fn receive(input: &[u8]) -> bool {
    let ours = CommandId::from(COMMAND);
    let mut script = Bytes(input);
    let (mut sent, mut heard) = ([Vec::new(), Vec::new()], Assembly::default());
    let mut reply = Received::default();
    let mut ended = None;
    while !script.0.is_empty() && ended.is_none() {
        let step = script.byte();
        // OMI leaves the name out; Windows writes it in either case.
        let command_id = match step >> 5 & 3 {
            0 => None,
            1 => Some(CommandId::from(COMMAND.to_lowercase().as_str())),
            2 => Some(CommandId::from("F0000000-0000-0000-0000-000000000000")),
            _ => Some(ours.clone()),
        };
        let is_ours = command_id.as_ref().is_none_or(|id| id.same(&ours));
        let name = if step & 1 == 0 {
            StreamName::Stdout
        } else {
            StreamName::Stderr
        };
        match step >> 1 & 7 {
            0..=3 => {
                let length = usize::from(script.byte());
                let data = script.up_to(length).to_vec();
                if is_ours {
                    sent[usize::from(name == StreamName::Stderr)].extend_from_slice(&data);
                }
                let end = step & 0x10 != 0;
                reply.chunks.push(StreamChunk {
                    name,
                    command_id,
                    data,
                    end,
                });
            }
            4 => {
                heard.hear(std::mem::take(&mut reply), &ours);
                assert_eq!(heard.done, None, "done before it was said");
            }
            5 => reply.states.push(CommandState {
                command_id,
                state: State::Running,
                exit_code: None,
            }),
            _ => {
                let exit_code =
                    (step & 1 == 0).then(|| u32::from_le_bytes(std::array::from_fn(|_| script.byte())));
                if is_ours {
                    ended = Some(exit_code);
                }
                reply.states.push(CommandState {
                    command_id,
                    state: State::Done,
                    exit_code,
                });
            }
        }
    }
    heard.hear(reply, &ours);
    assert_eq!(heard.done, ended, "the end of the command");
    assert_eq!(heard.streams, sent, "the streams of the command");
    heard.check_decoded(&sent[1]);
    ended.is_some()
}

/// What a client puts together.
#[derive(Default)]
struct Assembly {
    streams: [Vec<u8>; 2],
    errors: Decoder,
    decoded: Vec<clixml::Record>,
    done: Option<Option<u32>>,
}

impl Assembly {
    fn hear(&mut self, reply: Received, command: &CommandId) {
        let written = Response::Received(reply)
            .write(&MessageId::from("uuid:2"), Some("uuid:1"))
            .expect("names and numbers can be written");
        let read = Response::parse(&written, Some(&MessageId::from("uuid:1")))
            .expect("what this crate writes it reads");
        let Response::Received(reply) = read else {
            panic!("another kind of reply: {read:?}");
        };
        self.done = reply.done(command);
        for chunk in reply.chunks {
            let is_ours = chunk.command_id.as_ref().is_none_or(|id| id.same(command));
            if is_ours && !chunk.data.is_empty() {
                if chunk.name == StreamName::Stderr {
                    self.decoded.extend(self.errors.push(&chunk.data));
                }
                self.streams[usize::from(chunk.name == StreamName::Stderr)].extend_from_slice(&chunk.data);
            }
        }
    }

    /// Records that were decoded as they came are those of the whole.
    fn check_decoded(mut self, stderr: &[u8]) {
        self.decoded.extend(self.errors.finish());
        let mut whole = Decoded::default();
        for record in self.decoded {
            match record {
                clixml::Record::Error(text) => {
                    whole.errors.push_str(&text);
                    whole.text.push_str(&text);
                }
                clixml::Record::Plain(text) => {
                    whole.rest.push_str(&text);
                    whole.text.push_str(&text);
                }
                clixml::Record::Warning(text) => whole.warnings.push(text),
                clixml::Record::Verbose(text) => whole.verbose.push(text),
                clixml::Record::Debug(text) => whole.debug.push(text),
                clixml::Record::Output(text) => whole.output.push(text),
            }
        }
        assert_eq!(
            whole,
            clixml::decode(stderr),
            "the errors as they came and as a whole"
        );
    }
}
