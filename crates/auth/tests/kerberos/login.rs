//! A login of the client under test, with the KDCs and the acceptor at hand.

use auth::{ChannelBinding, Credentials, Error, FileTime, Initiator, Realm, Scheme, Secret, Session};
use rand::rngs::OsRng;

use super::acceptor::Acceptor;
use super::kdc::{Kdc, PASSWORD, REALM};

pub(super) struct Login {
    pub(super) scheme: Scheme,
    pub(super) credentials: Credentials,
    pub(super) realm: Realm,
    pub(super) target: String,
    pub(super) binding: Option<ChannelBinding>,
    pub(super) clock_offset: i64,
}

impl Login {
    pub(super) fn new(scheme: Scheme) -> Self {
        Self {
            scheme,
            credentials: operator("operator"),
            realm: realm(),
            target: "HTTP/localhost".to_owned(),
            binding: None,
            clock_offset: 0,
        }
    }
}

pub(super) fn operator(user: &str) -> Credentials {
    Credentials::new(user, Secret::from(PASSWORD))
}

pub(super) fn realm() -> Realm {
    Realm {
        user: Some(REALM.to_owned()),
        server: None,
    }
}

/// The binding of as much of a certificate as a binding looks at: sha256WithRSAEncryption over nothing.
pub(super) fn binding(signature: &[u8]) -> ChannelBinding {
    let oid = [6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 0x0b];
    let length = u8::try_from(signature.len()).unwrap();
    let certificate = [
        &[0x30, 17 + length, 0x30, 0, 0x30, 11][..],
        &oid,
        &[3, length],
        signature,
    ]
    .concat();
    auth::channel_binding(&certificate).unwrap().unwrap()
}

pub(super) fn log_in(kdc: &Kdc, acceptor: &mut Acceptor, login: &Login) -> Result<Session, Error> {
    log_in_among(&[kdc], acceptor, login)
}

pub(super) fn log_in_among(kdcs: &[&Kdc], acceptor: &mut Acceptor, login: &Login) -> Result<Session, Error> {
    #[expect(clippy::disallowed_methods, reason = "the KDC has the real time too")]
    let now = std::time::SystemTime::now();
    let ticks = i64::try_from(FileTime::from(now).ticks()).unwrap() + login.clock_offset * 10_000_000;
    let mut initiator = Initiator::in_realm(
        login.scheme,
        &login.credentials,
        &login.realm,
        &login.target,
        login.binding.as_ref(),
        &mut OsRng,
        FileTime::from_ticks(u64::try_from(ticks).unwrap()),
    );
    while let Some(request) = initiator.kdc_request() {
        match kdcs.iter().find(|kdc| kdc.realm() == request.realm) {
            Some(kdc) => initiator.kdc_reply(&kdc.ask(&request.message))?,
            None => initiator.kdc_unreachable(&request.realm, "none is known")?,
        }
    }
    let mut step = initiator.step(None)?;
    loop {
        let (token, complete) = match acceptor.step(&step.token) {
            Ok(answer) => answer,
            Err(why) => {
                println!("the acceptor says: {why}");
                return Err(Error::Rejected);
            }
        };
        if !token.is_empty() {
            step = initiator.step(Some(&token))?;
        }
        if complete {
            assert!(step.done, "the acceptor is content, the client not");
            return initiator.into_session();
        }
    }
}
