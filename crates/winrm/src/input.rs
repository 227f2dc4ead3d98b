//! What a command reads: bytes in pieces that each fill one `Send`.

use std::io::{self, Read};

/// Standard input of a command.
pub(crate) struct Input<'a> {
    source: &'a mut (dyn Read + Send),
    /// How many bytes there are, where that is known.
    length: Option<u64>,
    /// Read ahead, so that the last piece can be marked as the last.
    next: Vec<u8>,
}

/// A piece, and whether it is the last one.
pub(crate) struct Piece {
    pub(crate) bytes: Vec<u8>,
    pub(crate) end: bool,
}

impl<'a> Input<'a> {
    pub(crate) fn new(source: &'a mut (dyn Read + Send), length: Option<u64>) -> Self {
        Self {
            source,
            length,
            next: Vec::new(),
        }
    }

    /// Whether there is, or may be, more than so many bytes.
    pub(crate) fn exceeds(&self, bytes: usize) -> bool {
        self.length
            .is_none_or(|length| usize::try_from(length).map_or(true, |length| length > bytes))
    }

    /// The next piece, of at most `most` bytes: the first one and every one before the last are full.
    pub(crate) fn piece(&mut self, most: usize) -> io::Result<Piece> {
        if self.next.is_empty() {
            self.next = self.fill(most)?;
        }
        let bytes = std::mem::take(&mut self.next);
        if bytes.len() == most {
            self.next = self.fill(most)?;
        }
        Ok(Piece {
            bytes,
            end: self.next.is_empty(),
        })
    }

    fn fill(&mut self, most: usize) -> io::Result<Vec<u8>> {
        let limit = u64::try_from(most).unwrap_or(u64::MAX);
        let mut bytes = Vec::with_capacity(most);
        self.source.take(limit).read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(bytes: &[u8], most: usize) -> Vec<(Vec<u8>, bool)> {
        let mut source = bytes;
        let mut input = Input::new(&mut source, None);
        let mut pieces = Vec::new();
        loop {
            let piece = input.piece(most).unwrap();
            pieces.push((piece.bytes, piece.end));
            if piece.end {
                return pieces;
            }
        }
    }

    #[test]
    fn the_last_piece_is_known_as_such() {
        assert_eq!(pieces(b"", 4), [(vec![], true)]);
        assert_eq!(pieces(b"abc", 4), [(b"abc".to_vec(), true)]);
        assert_eq!(pieces(b"abcd", 4), [(b"abcd".to_vec(), true)]);
        assert_eq!(
            pieces(b"abcdefghi", 4),
            [
                (b"abcd".to_vec(), false),
                (b"efgh".to_vec(), false),
                (b"i".to_vec(), true)
            ]
        );
    }

    #[test]
    fn what_is_not_known_to_be_small_may_be_large() {
        let mut source: &[u8] = b"";
        assert!(Input::new(&mut source, None).exceeds(10));
        assert!(Input::new(&mut source, Some(11)).exceeds(10));
        assert!(!Input::new(&mut source, Some(10)).exceeds(10));
    }
}
