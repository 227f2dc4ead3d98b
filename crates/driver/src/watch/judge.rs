//! What one witness makes of one answer after the other. A table and a few rules: no clock, no socket.

use jiff::Timestamp;
use rollout::Sight;

use super::stages::Stage;

/// From which side a witness looks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Side {
    /// It must get in, always.
    Allowed,
    /// The change is about it: this is what it must see once the server has proven its change.
    Denied { wanted: Sight },
}

/// One answer, or the lack of one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look {
    /// How far the change was; `None` when that changed while the request was on its way, so that nobody knows which rules it met.
    pub(super) stage: Option<Stage>,
    pub(super) sight: Sight,
    /// When the request was sent.
    pub(super) sent: Timestamp,
    /// When its answer was there, or given up.
    pub(super) answered: Timestamp,
}

/// What is worth a fact.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Finding {
    pub(super) change: Option<Change>,
    pub(super) breach: Option<Breach>,
}

/// Something else is seen than before.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Change {
    pub(super) was: Option<Sight>,
    pub(super) sees: Sight,
    /// Milliseconds without service that this ends.
    pub(super) unserved_ms: Option<u64>,
}

impl Change {
    /// Whether it tells of the vantage itself: that it is lost, or looks again.
    pub(super) fn is_of_the_vantage(self) -> bool {
        self.was == Some(Sight::Unknown) || self.sees == Sight::Unknown
    }
}

/// Something that must never be.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Breach {
    /// Who is on the list was refused.
    AllowedRefused,
    /// The change took effect where nothing was changed yet.
    TooEarly,
    /// The change is proven, and does not hold.
    NotHeld,
}

/// One witness at one place.
#[derive(Debug)]
pub(super) struct Judge {
    side: Side,
    was: Option<Sight>,
    was_served: bool,
    /// Who must get in was refused at the very beginning: the change is what lets it in, so that only what comes after it counts.
    excused: bool,
    /// Since when nobody was served.
    unserved_since: Option<Timestamp>,
    /// What a witness of the other side saw before the server was touched.
    untouched: Option<Sight>,
    /// Told once: one breach is one failure.
    breached: bool,
}

impl Judge {
    pub(super) fn new(side: Side) -> Self {
        Self {
            side,
            was: None,
            was_served: false,
            excused: false,
            unserved_since: None,
            untouched: None,
            breached: false,
        }
    }

    /// Whether the witness was refused at the very beginning although it must get in.
    pub(super) fn is_excused(&self) -> bool {
        self.excused
    }

    /// The farm did not let this witness in from the beginning, as another witness found out.
    pub(super) fn excuse(&mut self) {
        self.excused = true;
    }

    /// Takes in one look.
    pub(super) fn take(&mut self, look: Look) -> Finding {
        let breach = match self.side {
            Side::Allowed => self.judge_allowed(look),
            Side::Denied { wanted } => self.judge_denied(look, wanted),
        };
        let is_first = !self.breached;
        self.breached |= breach.is_some();
        self.was_served |= look.sight == Sight::Served;
        Finding {
            breach: breach.filter(|_| is_first),
            change: self.change(look),
        }
    }

    fn judge_allowed(&mut self, look: Look) -> Option<Breach> {
        if look.sight != Sight::Refused {
            return None;
        }
        if !self.was_served && look.stage != Some(Stage::Proven) {
            self.excused = true;
        }
        (!self.excused || look.stage == Some(Stage::Proven)).then_some(Breach::AllowedRefused)
    }

    fn judge_denied(&mut self, look: Look, wanted: Sight) -> Option<Breach> {
        if matches!(look.sight, Sight::Unserved | Sight::Unknown) {
            // Says nothing about the address.
            return None;
        }
        match look.stage? {
            Stage::Untouched => {
                let before = self.untouched.replace(look.sight);
                let turned = before.is_some_and(|before| before != wanted) && look.sight == wanted;
                turned.then_some(Breach::TooEarly)
            }
            Stage::Changing => {
                self.untouched = None;
                None
            }
            Stage::Proven => (look.sight != wanted).then_some(Breach::NotHeld),
        }
    }

    fn change(&mut self, look: Look) -> Option<Change> {
        if self.side != Side::Allowed && look.sight == Sight::Unserved {
            return None;
        }
        let mut unserved_ms = None;
        match look.sight {
            Sight::Served => {
                unserved_ms = self
                    .unserved_since
                    .take()
                    .map(|since| u64::try_from(look.answered.duration_since(since).as_millis()).unwrap_or(0));
            }
            Sight::Unknown => {}
            Sight::Refused if self.excused || self.side != Side::Allowed => {}
            Sight::Refused | Sight::Unserved => {
                self.unserved_since.get_or_insert(look.sent);
            }
        }
        let was = self.was.replace(look.sight);
        let is_news = match was {
            Some(was) => was != look.sight,
            None => matches!(look.sight, Sight::Unserved | Sight::Unknown),
        };
        is_news.then_some(Change {
            was,
            sees: look.sight,
            unserved_ms,
        })
    }
}

#[cfg(test)]
mod tests;
