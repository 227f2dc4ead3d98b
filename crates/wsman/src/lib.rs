//! WS-Management and MS-WSMV messages, both directions.
//!
//! Pure: bytes in, values out. The client writes a [`Request`] and reads a [`Response`]; a server reads an [`IncomingRequest`] and
//! writes a [`Response`]. Both share the types of what is asked and answered ([`NewShell`], [`NewCommand`], [`StreamChunk`],
//! [`Received`], [`Fault`] …). Identifiers come from the caller: nothing here draws random numbers.
//!
//! Sources: DSP0226 (WS-Management 1.0), [MS-WSMV], and recorded conversations with Windows servers.
//!
//! ```
//! use std::time::Duration;
//! use wsman::{MessageId, Request, Response, Session, SessionId};
//!
//! let session = Session {
//!     to: "http://cas01.contoso.example:5985/wsman".to_owned(),
//!     session_id: SessionId::from("uuid:031B57A0-39D0-4573-A35A-05765F6C6B27"),
//!     locale: "en-US".to_owned(),
//!     max_envelope_size: Session::SAFE_ENVELOPE_SIZE,
//!     operation_timeout: Duration::from_secs(20),
//! };
//! let id = MessageId::from("uuid:81154310-1C68-4690-9BD0-EA693328825B");
//! let message = Request::Delete { shell: "CCF84E0D-D0B5-4CFB-95B5-BCF3BFE15F36".into() }.write(&session, &id)?;
//! let reply = Response::Deleted.write(&"uuid:8B312566-7021-405C-9A77-1FA700BA1811".into(), Some(id.as_str()))?;
//! assert_eq!(Response::parse(&reply, Some(&id))?, Response::Deleted);
//! # Ok::<(), wsman::Error>(())
//! ```
//!
//! [MS-WSMV]: https://learn.microsoft.com/openspecs/windows_protocols/ms-wsmv/

mod action;
mod document;
pub mod duration;
mod error;
mod fault;
mod fault_xml;
mod id;
mod incoming;
mod incoming_body;
pub mod namespace;
mod request;
mod response;
mod response_reader;
mod response_xml;
mod shell;
mod xml;

pub use action::Action;
pub use document::MAX_BYTES;
pub use error::Error;
pub use fault::{Fault, ProviderFault, WmiError, WsmanFault, code};
pub use id::{CommandId, MessageId, SessionId, ShellId};
pub use incoming::{IncomingBody, IncomingRequest, Refused};
pub use request::{Request, Session, input_chunk_size};
pub use response::{
    CommandState, Config, Identity, ListedShell, Received, Response, ShellCreated, ShellDetails, ShellList,
    State,
};
pub use shell::{NewCommand, NewShell, Receive, Signal, SignalCode, StreamChunk, StreamName};
