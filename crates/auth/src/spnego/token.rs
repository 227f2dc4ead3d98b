//! The two tokens of the negotiation (RFC 4178 4.2).

use crate::der::{self, Reader};
use crate::error::Error;

/// 1.3.6.1.5.5.2, SPNEGO itself.
const SPNEGO: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x02];

/// How far the negotiation is (`negState`).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum State {
    AcceptCompleted,
    AcceptIncomplete,
    Reject,
    RequestMic,
}

/// The client's first token.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Init<'a> {
    /// The identifiers of the offered mechanisms, the preferred one first.
    pub(super) mechanisms: Vec<&'a [u8]>,
    /// The same list in DER, as it was sent: what the mechListMIC is made of.
    pub(super) mech_types: &'a [u8],
    /// The first token of the preferred mechanism.
    pub(super) mech_token: Option<&'a [u8]>,
}

/// A list of mechanisms in DER.
pub(super) fn mech_types(mechanisms: &[&[u8]]) -> Vec<u8> {
    let identifiers: Vec<_> = mechanisms
        .iter()
        .map(|oid| der::value(der::OBJECT_IDENTIFIER, &[oid]))
        .collect();
    let parts: Vec<&[u8]> = identifiers.iter().map(Vec::as_slice).collect();
    der::value(der::SEQUENCE, &parts)
}

impl<'a> Init<'a> {
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, Error> {
        let mut outer = Reader::new("NegTokenInit", bytes);
        let mut inner = outer.inside(der::APPLICATION_0, "a GSS token")?;
        outer.end()?;
        let mechanism = inner
            .one(der::OBJECT_IDENTIFIER, "the mechanism's identifier")?
            .content;
        if mechanism != SPNEGO {
            return Err(Error::Mechanism {
                found: der::dotted(mechanism),
            });
        }
        let mut choice = inner.inside(der::context(0), "a NegTokenInit")?;
        inner.end()?;
        let mut fields = choice.inside(der::SEQUENCE, "a NegTokenInit")?;
        let mut init = Self {
            mechanisms: Vec::new(),
            mech_types: &[],
            mech_token: None,
        };
        while !fields.is_empty() {
            let field = fields.any()?;
            let mut content = fields.of(field);
            // Flags, hints and a mechListMIC (which cannot exist yet) are of no interest.
            if field.tag == der::context(0) {
                let list = content.one(der::SEQUENCE, "a list of mechanisms")?;
                init.mech_types = list.whole;
                let mut list = content.of(list);
                while !list.is_empty() {
                    init.mechanisms.push(
                        list.one(der::OBJECT_IDENTIFIER, "a mechanism's identifier")?
                            .content,
                    );
                }
            } else if field.tag == der::context(2) {
                init.mech_token = Some(content.one(der::OCTET_STRING, "a mechToken")?.content);
            }
        }
        Ok(init)
    }

    pub(super) fn write(mech_types: &[u8], mech_token: &[u8]) -> Vec<u8> {
        let list = der::value(der::context(0), &[mech_types]);
        let token = der::value(der::context(2), &[&der::value(der::OCTET_STRING, &[mech_token])]);
        let choice = der::value(der::context(0), &[&der::value(der::SEQUENCE, &[&list, &token])]);
        der::value(
            der::APPLICATION_0,
            &[&der::value(der::OBJECT_IDENTIFIER, &[SPNEGO]), &choice],
        )
    }
}

/// Every later token, in both directions.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Response<'a> {
    pub(super) state: Option<State>,
    pub(super) mechanism: Option<&'a [u8]>,
    pub(super) token: Option<&'a [u8]>,
    pub(super) mech_list_mic: Option<&'a [u8]>,
}

impl<'a> Response<'a> {
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, Error> {
        let mut outer = Reader::new("NegTokenResp", bytes);
        let mut choice = outer.inside(der::context(1), "a NegTokenResp")?;
        outer.end()?;
        let mut fields = choice.inside(der::SEQUENCE, "a NegTokenResp")?;
        let mut response = Self::default();
        while !fields.is_empty() {
            let field = fields.any()?;
            let mut content = fields.of(field);
            let octets = |content: &mut Reader<'a>| {
                Ok::<_, Error>(content.one(der::OCTET_STRING, "an octet string")?.content)
            };
            match field.tag ^ der::context(0) {
                0 => {
                    let state = content.one(der::ENUMERATED, "a negState")?.content;
                    response.state = Some(match state {
                        [0] => State::AcceptCompleted,
                        [1] => State::AcceptIncomplete,
                        [2] => State::Reject,
                        [3] => State::RequestMic,
                        _ => {
                            return Err(content.malformed(
                                "a negState from 0 to 3",
                                format!("{} other bytes", state.len()),
                            ));
                        }
                    });
                }
                1 => {
                    response.mechanism = Some(content.one(der::OBJECT_IDENTIFIER, "a supportedMech")?.content)
                }
                2 => response.token = Some(octets(&mut content)?).filter(|token| !token.is_empty()),
                3 => response.mech_list_mic = Some(octets(&mut content)?).filter(|mic| !mic.is_empty()),
                // RFC 4178 leaves room for more.
                _ => {}
            }
        }
        // Windows 2000 repeats the token as its mechListMIC, which is none then.
        if response.token.is_some() && response.token == response.mech_list_mic {
            response.mech_list_mic = None;
        }
        Ok(response)
    }

    pub(super) fn to_bytes(self) -> Vec<u8> {
        let field =
            |number, tag, content: &[u8]| der::value(der::context(number), &[&der::value(tag, &[content])]);
        let mut fields = Vec::new();
        if let Some(state) = self.state {
            let number = match state {
                State::AcceptCompleted => 0,
                State::AcceptIncomplete => 1,
                State::Reject => 2,
                State::RequestMic => 3,
            };
            fields.extend(field(0, der::ENUMERATED, &[number]));
        }
        if let Some(mechanism) = self.mechanism {
            fields.extend(field(1, der::OBJECT_IDENTIFIER, mechanism));
        }
        if let Some(token) = self.token {
            fields.extend(field(2, der::OCTET_STRING, token));
        }
        if let Some(mic) = self.mech_list_mic {
            fields.extend(field(3, der::OCTET_STRING, mic));
        }
        der::value(der::context(1), &[&der::value(der::SEQUENCE, &[&fields])])
    }
}
