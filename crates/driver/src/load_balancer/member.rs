//! A server of a pool as its load balancer sees it: one stand for what many places and many words say.

/// Where a server stands with its load balancer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Standing {
    /// It gets new connections.
    InRotation,
    /// It would get them if the others were gone: a backup server.
    Standby,
    /// In some places it gets connections, in others it does not.
    Partly,
    /// Somebody took it out: drained, under maintenance, or of no weight.
    TakenOut,
    /// Nobody took it out; its health checks keep it out.
    Down,
}

/// A server of a pool, as the load balancer sees it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Member {
    /// What the load balancer calls it.
    pub(crate) name: String,
    /// Its state in the load balancer's words, e.g. `UP`, `UP 1/3`, `DRAIN`, `MAINT`, `DOWN`, `no check`.
    pub(crate) status: String,
    /// What that means.
    pub(crate) standing: Standing,
    /// Connections that it has now; `None` where the load balancer does not tell.
    pub(crate) connections: Option<u64>,
}

impl Member {
    /// Whether it certainly gets its share of new connections.
    pub(crate) fn is_in_rotation(&self) -> bool {
        self.standing == Standing::InRotation
    }

    /// Whether nothing keeps it out any more.
    pub(crate) fn is_back(&self) -> bool {
        matches!(self.standing, Standing::InRotation | Standing::Standby)
    }

    /// Whether a new connection may still come to it.
    pub(crate) fn may_get_connections(&self) -> bool {
        match self.standing {
            Standing::InRotation | Standing::Standby | Standing::Partly => true,
            Standing::TakenOut | Standing::Down => false,
        }
    }

    /// Whether somebody took it out, everywhere.
    pub(crate) fn is_taken_out(&self) -> bool {
        self.standing == Standing::TakenOut
    }
}

/// One server seen in several places (a name for the place, and what was seen there) as one. A server that differs from place to place counts
/// as in rotation nowhere and as out nowhere.
pub(super) fn merge(name: &str, places: &[(String, Member)]) -> Option<Member> {
    let (_, first) = places.first()?;
    let standings = || places.iter().map(|(_, member)| member.standing);
    let backs = places.iter().filter(|(_, member)| member.is_back()).count();
    let standing = if standings().all(|standing| standing == first.standing) {
        first.standing
    } else if backs == places.len() {
        Standing::Standby
    } else if backs > 0 || standings().any(|standing| standing == Standing::Partly) {
        Standing::Partly
    } else {
        Standing::Down
    };
    let status = if places.iter().all(|(_, member)| member.status == first.status) {
        first.status.clone()
    } else {
        let told = places
            .iter()
            .map(|(place, member)| format!("{} in {place}", member.status));
        told.collect::<Vec<_>>().join(", ")
    };
    let connections = places.iter().try_fold(0_u64, |sum, (_, member)| {
        Some(sum.saturating_add(member.connections?))
    });
    Some(Member {
        name: name.to_owned(),
        status,
        standing,
        connections,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn merged(places: &[(&str, Standing)]) -> Member {
        let places: Vec<_> = places
            .iter()
            .zip(["eas", "owa", "mapi"])
            .map(|((status, standing), place)| {
                let member = Member {
                    name: "cas01".to_owned(),
                    status: (*status).to_owned(),
                    standing: *standing,
                    connections: Some(2),
                };
                (place.to_owned(), member)
            })
            .collect();
        merge("cas01", &places).unwrap()
    }

    #[test]
    fn what_differs_from_place_to_place_is_neither_in_nor_out() {
        use Standing::{Down, InRotation, Partly, Standby, TakenOut};
        for (places, standing, status) in [
            (&[("UP", InRotation), ("UP", InRotation)][..], InRotation, "UP"),
            (
                &[("UP", InRotation), ("UP 1/3", InRotation)],
                InRotation,
                "UP in eas, UP 1/3 in owa",
            ),
            (
                &[("UP", InRotation), ("DRAIN", TakenOut)],
                Partly,
                "UP in eas, DRAIN in owa",
            ),
            (
                &[("DOWN", Down), ("UP", InRotation)],
                Partly,
                "DOWN in eas, UP in owa",
            ),
            (
                &[("DRAIN", TakenOut), ("MAINT", TakenOut)],
                TakenOut,
                "DRAIN in eas, MAINT in owa",
            ),
            (
                &[("DRAIN", TakenOut), ("DOWN", Down)],
                Down,
                "DRAIN in eas, DOWN in owa",
            ),
            (&[("UP", InRotation), ("UP", Standby)], Standby, "UP"),
        ] {
            let member = merged(places);
            assert_eq!((member.standing, member.status.as_str()), (standing, status));
            assert_eq!(member.connections, Some(4));
        }
    }

    #[test]
    fn nobody_guesses_connections_that_a_place_does_not_tell() {
        let mut untold = merged(&[("UP", Standing::InRotation)]);
        untold.connections = None;
        let told = merged(&[("UP", Standing::InRotation)]);
        let places = [("a".to_owned(), told), ("b".to_owned(), untold)];
        assert_eq!(merge("cas01", &places).unwrap().connections, None);
        assert_eq!(merge("cas01", &[]), None);
    }
}
