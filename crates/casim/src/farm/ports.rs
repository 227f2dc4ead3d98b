//! Which port belongs to what.

use crate::Error;

/// The most servers of one farm: the fixed layout leaves this much room for each kind of port.
const MOST_SERVERS: u16 = 100;

/// The layout of a farm's ports. A port of 0 is chosen by the system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ports {
    first: Option<u16>,
}

impl Ports {
    pub(super) fn new(servers: usize, first: Option<u16>) -> Result<Self, Error> {
        if servers == 0 || servers > usize::from(MOST_SERVERS) {
            return Err(Error::Options {
                expected: "1 to 100 servers",
                found: servers.to_string(),
            });
        }
        let room = |first: u16| first > 0 && first.checked_add(2 * MOST_SERVERS + 1).is_some();
        if let Some(first) = first
            && !room(first)
        {
            return Err(Error::Options {
                expected: "a first port from 1 to 65334",
                found: first.to_string(),
            });
        }
        Ok(Self { first })
    }

    pub(super) fn winrm(self, server: usize) -> u16 {
        self.at(server)
    }

    pub(super) fn https(self, server: usize) -> u16 {
        self.at(usize::from(MOST_SERVERS) + server)
    }

    pub(super) fn vip(self) -> u16 {
        self.at(usize::from(2 * MOST_SERVERS))
    }

    pub(super) fn runtime_api(self) -> u16 {
        self.at(usize::from(2 * MOST_SERVERS) + 1)
    }

    fn at(self, offset: usize) -> u16 {
        let offset = u16::try_from(offset).unwrap_or_default();
        self.first.map_or(0, |first| first.saturating_add(offset))
    }
}

#[cfg(test)]
mod tests {
    use super::Ports;

    #[test]
    fn the_layout_is_fixed_by_its_first_port() {
        let ports = Ports::new(8, Some(15985)).unwrap();
        assert_eq!((ports.winrm(0), ports.winrm(7)), (15985, 15992));
        assert_eq!((ports.https(0), ports.https(7)), (16085, 16092));
        assert_eq!((ports.vip(), ports.runtime_api()), (16185, 16186));
        let free = Ports::new(8, None).unwrap();
        assert_eq!((free.winrm(3), free.https(3), free.vip()), (0, 0, 0));
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for (servers, first) in [(0, None), (101, None), (1, Some(0)), (1, Some(65335))] {
            assert!(Ports::new(servers, first).is_err(), "{servers} {first:?}");
        }
        assert!(Ports::new(100, Some(65334)).is_ok());
    }
}
