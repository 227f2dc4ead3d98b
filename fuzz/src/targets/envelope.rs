//! SOAP envelopes: replies as the client reads them, requests as the simulated server does.

use wsman::{IncomingRequest, MessageId, Response};

use super::short;

/// The request that the seeds of replies relate to.
pub(crate) const REQUEST: &str = "uuid:81154310-1C68-4690-9BD0-EA693328825B";

/// A reply, with and without knowing which request it must relate to.
pub(crate) fn reply(input: &[u8]) -> bool {
    let request = MessageId::from(REQUEST);
    let read = Response::parse(input, None);
    let related = Response::parse(input, Some(&request));
    match (&read, related) {
        (Ok(read), Ok(related)) => {
            assert_eq!(*read, related, "RelatesTo decides only whether a reply is taken")
        }
        (Err(error), Ok(_)) => panic!("taken as a reply to a request, and else not: {error}"),
        (_, Err(error)) => short(&error),
    }
    let Ok(read) = read else { return false };
    // A name with a character that only an entity could bring is the one thing that is read and cannot be written.
    let Ok(written) = read.write(&MessageId::from("uuid:1"), Some(REQUEST)) else {
        return true;
    };
    let again = Response::parse(&written, Some(&request)).expect("what this crate writes it reads");
    let settled = again
        .write(&MessageId::from("uuid:1"), Some(REQUEST))
        .expect("written before");
    let last = Response::parse(&settled, Some(&request)).expect("what this crate writes it reads");
    assert_eq!(
        again, last,
        "a reply that was read and written once does not change any more"
    );
    true
}

/// A request. Whatever is wrong with it, there is a fault to answer with.
pub(crate) fn request(input: &[u8]) -> bool {
    match IncomingRequest::parse(input) {
        Ok(request) => {
            let _ = (
                request.shell_id(),
                request.option("WINRS_CODEPAGE"),
                request.selector("shellid"),
            );
            true
        }
        Err(refused) => {
            let length = refused.fault.to_string().len();
            assert!(length < 2000, "a fault of {length} bytes");
            let answer = Response::Fault(Box::new(refused.fault))
                .write(&MessageId::from("uuid:1"), refused.relates_to.as_deref())
                .expect("every refusal can be answered");
            let read = Response::parse(&answer, None).expect("what this crate writes it reads");
            assert!(matches!(read, Response::Fault(_)), "{read:?}");
            false
        }
    }
}
