//! Every kind of finding, with the word that scripts may rely on. The words are listed with their meaning in docs/inventory.md and
//! docs/playbook.md, which a test compares with this table.

use std::fmt;

use serde::{Serialize, Serializer};

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $word:literal,)*) => {
        /// What kind of finding.
        #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        pub enum Code {
            $($(#[$doc])* $variant,)*
        }

        impl Code {
            /// Every code.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The stable word.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }
        }
    };
}

codes! {
    // Any file.
    /// Not TOML.
    Syntax = "syntax",
    /// A key or a table is written twice.
    DuplicateKey = "duplicate-key",
    /// A key that means nothing here.
    UnknownKey = "unknown-key",
    /// A key that must be there.
    MissingKey = "missing-key",
    /// Text where a number should be, and the like.
    WrongType = "wrong-type",
    /// The right type, but not a possible value.
    BadValue = "bad-value",
    /// A known word of a later version.
    NotInThisVersion = "not-in-this-version",
    /// Not a duration, or one out of bounds.
    BadDuration = "bad-duration",
    /// Not a number of servers, or an impossible one.
    BadQuantity = "bad-quantity",
    /// Not an IP address or host name, or one that no client has.
    BadAddress = "bad-address",
    /// Not a network.
    BadNetwork = "bad-network",
    /// A network with bits set behind its prefix.
    HostBits = "host-bits",
    // Inventory.
    /// A name with characters that a name cannot have, or a selector's own word.
    BadName = "bad-name",
    /// A password instead of the place where it is.
    LiteralPassword = "literal-password",
    /// A password that would cross the network in clear.
    ClearPassword = "clear-password",
    /// Two servers whose names differ in case only.
    DuplicateServer = "duplicate-server",
    /// Two servers with the same address and port.
    DuplicateAddress = "duplicate-address",
    /// A server's pool that is not defined.
    UnknownPool = "unknown-pool",
    /// A credential that is not defined.
    UnknownCredential = "unknown-credential",
    /// A load balancer that is not defined.
    UnknownLoadBalancer = "unknown-load-balancer",
    /// A site that no server's label names.
    UnknownSite = "unknown-site",
    /// A vantage's server that is not defined.
    UnknownServer = "unknown-server",
    /// A word in braces that stands for nothing.
    UnknownPlaceholder = "unknown-placeholder",
    /// More servers must stay in rotation than the pool has.
    FloorTooHigh = "floor-too-high",
    /// The inventory has no server.
    NoServers = "no-servers",
    /// A pool without servers.
    EmptyPool = "empty-pool",
    // Playbook.
    /// A selector that does not parse.
    BadSelector = "bad-selector",
    /// A selector that names something unknown, or selects nobody.
    NothingSelected = "nothing-selected",
    /// A `[[step]]` without a kind.
    EmptyStep = "empty-step",
    /// A `[[step]]` with two kinds.
    TwoKindsInStep = "two-kinds-in-step",
    /// A kind of step that does not exist.
    UnknownStep = "unknown-step",
    /// Everybody would be shut out.
    DenyWithoutAllow = "deny-without-allow",
    /// An allow list without effect.
    AllowWithoutDeny = "allow-without-deny",
    /// The same entry twice.
    DuplicateAllow = "duplicate-allow",
    /// An entry that another one covers.
    CoveredAllow = "covered-allow",
    /// A network that is hardly a restriction.
    BroadNetwork = "broad-network",
    /// A list that is longer than anybody reads.
    ManyRules = "many-rules",
    /// The server could not reach itself.
    LoopbackDenied = "loopback-denied",
    /// The load balancer's probes would be refused.
    ProbesDenied = "probes-denied",
    /// The site that only Exchange itself talks to.
    BackEndSite = "back-end-site",
    /// The whole site instead of one application.
    WholeSite = "whole-site",
    /// An application that administrators and Exchange itself use.
    AdministratorsApplication = "administrators-application",
    /// An application whose name is nearly one of Exchange's.
    MisspeltApplication = "misspelt-application",
    /// One application restricted twice.
    RestrictedTwice = "restricted-twice",
    /// A vantage that is not defined.
    UnknownVantage = "unknown-vantage",
    /// A witness on a server that the run changes.
    VantageSelected = "vantage-selected",
    /// A witness that looks at nothing.
    IdleWitness = "idle-witness",
    /// A witness that cannot be right.
    WitnessContradicts = "witness-contradicts",
    /// A witness that could not tell who is denied.
    WitnessBlind = "witness-blind",
    /// Out of rotation, and never back.
    DrainWithoutReturn = "drain-without-return",
    /// Back into rotation, but never out of it.
    ReturnWithoutDrain = "return-without-drain",
    /// A step that stands before or after one that it should follow or precede.
    StepOrder = "step-order",
    /// Back into rotation without a proof of health.
    UnprovenReturn = "unproven-return",
    /// A step that misses a partner.
    MissingStep = "missing-step",
    /// Nothing can drain the pool.
    NoLoadBalancer = "no-load-balancer",
    /// A pool that can never spare a server.
    NothingToSpare = "nothing-to-spare",
    /// A server without the label that `spread` goes by.
    UnlabelledServer = "unlabelled-server",
    /// A budget that is never spent.
    BoundlessBudget = "boundless-budget",
    /// A limit on what no step does.
    IdleLimit = "idle-limit",
    /// Time limits that contradict each other.
    DeadlineOrder = "deadline-order",
    /// A probe that needs something that the pool does not name.
    MissingVip = "missing-vip",
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
