//! Chance as a value: the same start, the same farm.

/// Where the next random byte comes from.
#[derive(Clone, Debug)]
pub enum Chance {
    /// Bytes that a test can shrink; success once they are used up.
    Tape {
        /// The bytes.
        bytes: Vec<u8>,
        /// The next one.
        at: usize,
    },
    /// A generator that starts with a number (SplitMix64).
    Seed(u64),
}

impl Chance {
    /// A tape from its beginning.
    pub fn tape(bytes: Vec<u8>) -> Self {
        Self::Tape { bytes, at: 0 }
    }

    /// Nothing but success, and always the first choice.
    pub fn quiet() -> Self {
        Self::tape(Vec::new())
    }

    /// The next byte.
    pub fn byte(&mut self) -> u8 {
        match self {
            Self::Tape { bytes, at } => {
                let byte = bytes.get(*at).copied();
                *at += 1;
                byte.unwrap_or(u8::MAX)
            }
            Self::Seed(state) => {
                // Steele, Lea, Flood: Fast splittable pseudorandom number generators (2014).
                *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
                let mut mixed = *state;
                mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
                mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
                (mixed ^ (mixed >> 31)).to_le_bytes()[0]
            }
        }
    }

    /// A number below the bound (and 0 below 0).
    pub fn below(&mut self, bound: usize) -> usize {
        usize::from(self.byte()) % bound.max(1)
    }

    /// True in `of_256` of 256 cases.
    pub fn happens(&mut self, of_256: u8) -> bool {
        self.byte() < of_256
    }

    /// One of several.
    pub fn pick<T: Copy>(&mut self, of: &[T], otherwise: T) -> T {
        let at = self.below(of.len());
        of.get(at).copied().unwrap_or(otherwise)
    }
}
