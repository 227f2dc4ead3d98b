//! The cases: login x transport x fault.

/// Who takes the login.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Acceptor {
    Pyspnego,
    /// pyspnego on MIT's GSS library, with the tickets of MIT's KDC.
    Kerberos,
    /// A C library.
    GssNtlmssp,
}

/// What casgate is told to log in with, and what the endpoint takes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Login {
    Ntlm,
    NtlmGss,
    NegotiateNtlm,
    NegotiateKerberos,
    Kerberos,
    Basic,
}

impl Login {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Ntlm | Self::NtlmGss => "ntlm",
            Self::NegotiateNtlm => "negotiate (ntlm)",
            Self::NegotiateKerberos => "negotiate (kerberos)",
            Self::Kerberos => "kerberos",
            Self::Basic => "basic",
        }
    }

    pub(super) fn acceptor(self) -> Acceptor {
        match self {
            Self::Ntlm | Self::NegotiateNtlm | Self::Basic => Acceptor::Pyspnego,
            Self::NtlmGss => Acceptor::GssNtlmssp,
            Self::NegotiateKerberos | Self::Kerberos => Acceptor::Kerberos,
        }
    }

    /// `auth` of the inventory.
    pub(super) fn auth(self) -> &'static str {
        match self {
            Self::Ntlm | Self::NtlmGss => "ntlm",
            Self::NegotiateNtlm | Self::NegotiateKerberos => "negotiate",
            Self::Kerberos => "kerberos",
            Self::Basic => "basic",
        }
    }

    /// Arguments of the endpoint.
    pub(super) fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::Ntlm => &["--auth", "ntlm"],
            Self::NtlmGss => &["--auth", "ntlm", "--impl", "gss"],
            Self::NegotiateNtlm | Self::NegotiateKerberos => &["--auth", "negotiate"],
            Self::Kerberos => &["--auth", "kerberos"],
            Self::Basic => &["--auth", "basic"],
        }
    }
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Transport {
    Http,
    Https,
    /// A login without the right channel binding is refused.
    HttpsStrict,
    /// The cipher suites of Windows Server 2012 R2, which rustls has none of.
    Https2012R2,
    Https2012R2Strict,
}

impl Transport {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Http => "http, sealed",
            Self::Https => "https",
            Self::HttpsStrict => "https, cbt strict",
            Self::Https2012R2 => "https of 2012 R2",
            Self::Https2012R2Strict => "https of 2012 R2, cbt",
        }
    }

    pub(super) fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::Http => &[],
            Self::Https => &["--tls"],
            Self::HttpsStrict => &["--tls", "--cbt", "strict"],
            Self::Https2012R2 => &["--tls", "--suites", "2012r2"],
            Self::Https2012R2Strict => &["--tls", "--suites", "2012r2", "--cbt", "strict"],
        }
    }
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Fault {
    None,
    OneByteChunks,
    SilentReceive,
    UnauthenticateOnce,
    ClearReply,
    DropAfterCommand,
    DropInReceive,
    Quota,
    ExitCode,
}

/// What casgate must do with a fault.
pub(super) struct Expected {
    pub(super) command: &'static str,
    pub(super) exit_code: i32,
    pub(super) says: &'static str,
    /// How often the endpoint ran the command.
    pub(super) runs: usize,
}

impl Fault {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::None => "-",
            Self::OneByteChunks => "one-byte-chunks",
            Self::SilentReceive => "silent-receive",
            Self::UnauthenticateOnce => "unauthenticate-once",
            Self::ClearReply => "clear-reply",
            Self::DropAfterCommand => "drop-after-command",
            Self::DropInReceive => "drop-in-receive",
            Self::Quota => "quota",
            Self::ExitCode => "exit-code-3221225786",
        }
    }

    pub(super) fn expected(self) -> Expected {
        let done = |command| Expected {
            command,
            exit_code: 7,
            says: "casgate",
            runs: 1,
        };
        let fails = |says, runs| Expected {
            exit_code: 1,
            says,
            runs,
            ..done("echo casgate; exit 7")
        };
        match self {
            Self::None | Self::OneByteChunks | Self::UnauthenticateOnce => done("echo casgate; exit 7"),
            Self::SilentReceive => done("sleep 2; echo casgate; exit 7"),
            Self::ClearReply => fails("clear", 0),
            Self::DropAfterCommand => fails("outcome unknown", 1),
            Self::DropInReceive => fails("may have a gap; its exit code was 7", 1),
            Self::Quota => fails("MaxShellsPerUser", 0),
            Self::ExitCode => Expected {
                command: "echo casgate",
                ..fails("3221225786", 1)
            },
        }
    }
}

pub(super) struct Case {
    pub(super) login: Login,
    pub(super) transport: Transport,
    pub(super) fault: Fault,
}

/// Every case, those over HTTP first: there each login meets each fault, since sealing is the login's.
pub(super) fn cases() -> Vec<Case> {
    const SEALED: [Login; 5] = [
        Login::Ntlm,
        Login::NtlmGss,
        Login::NegotiateNtlm,
        Login::NegotiateKerberos,
        Login::Kerberos,
    ];
    const FAULTS: [Fault; 9] = [
        Fault::None,
        Fault::OneByteChunks,
        Fault::SilentReceive,
        Fault::UnauthenticateOnce,
        Fault::ClearReply,
        Fault::DropAfterCommand,
        Fault::DropInReceive,
        Fault::Quota,
        Fault::ExitCode,
    ];
    // gss-ntlmssp is not told the channel binding by this endpoint, and Kerberos is bound like NTLM, whichever way it is wrapped.
    const BOUND: [Login; 3] = [Login::Ntlm, Login::NegotiateNtlm, Login::Kerberos];
    let case = |login, transport, fault| Case {
        login,
        transport,
        fault,
    };
    let mut cases = Vec::new();
    for login in SEALED {
        cases.extend(
            FAULTS
                .into_iter()
                // gss-ntlmssp seals no empty message, with which this fault begins.
                .filter(|fault| (login, *fault) != (Login::NtlmGss, Fault::DropInReceive))
                .map(|fault| case(login, Transport::Http, fault)),
        );
    }
    for transport in [Transport::Https, Transport::Https2012R2] {
        cases.extend(
            [Login::Basic]
                .into_iter()
                .chain(SEALED)
                .map(|login| case(login, transport, Fault::None)),
        );
    }
    for transport in [Transport::HttpsStrict, Transport::Https2012R2Strict] {
        cases.extend(BOUND.map(|login| case(login, transport, Fault::None)));
    }
    for fault in [
        Fault::OneByteChunks,
        Fault::DropAfterCommand,
        Fault::DropInReceive,
        Fault::Quota,
    ] {
        cases.extend([Login::Basic, Login::Ntlm].map(|login| case(login, Transport::Https, fault)));
    }
    cases
}
