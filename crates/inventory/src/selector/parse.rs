//! Selector text to tree: a recursive-descent parser with a bound on its depth.

use super::Node;
use crate::error::Error;
use crate::name;

/// How deep parentheses and `not` may nest: far beyond any use, well below what a stack holds.
const MAX_DEPTH: usize = 64;
/// How many terms a selector may have: the tree leans left, and walking and dropping it recurse that deep.
const MAX_TERMS: usize = 1000;

/// Reads a whole selector.
pub(super) fn parse(text: &str) -> Result<Node, Error> {
    let words = words(text);
    if words.is_empty() {
        return Err(Error::EmptySelector);
    }
    if words.len() > MAX_TERMS {
        return Err(Error::SelectorTooLong { limit: MAX_TERMS });
    }
    let mut parser = Parser {
        words: &words,
        depth: 0,
    };
    let node = parser.or()?;
    match parser.words.first() {
        None => Ok(node),
        Some(&word) => Err(Error::Selector {
            expected: "`and`, `or` or the end",
            found: word.to_owned(),
        }),
    }
}

/// Splits at white space and around parentheses.
fn words(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    for chunk in text.split_whitespace() {
        let mut rest = chunk;
        while let Some(at) = rest.find(['(', ')']) {
            let (before, after) = rest.split_at(at);
            let (parenthesis, after) = after.split_at(1);
            words.extend([before, parenthesis].into_iter().filter(|word| !word.is_empty()));
            rest = after;
        }
        if !rest.is_empty() {
            words.push(rest);
        }
    }
    words
}

struct Parser<'a> {
    words: &'a [&'a str],
    depth: usize,
}

impl<'a> Parser<'a> {
    fn or(&mut self) -> Result<Node, Error> {
        let mut node = self.and()?;
        while self.accept("or") {
            node = Node::Or(Box::new(node), Box::new(self.and()?));
        }
        Ok(node)
    }

    fn and(&mut self) -> Result<Node, Error> {
        let mut node = self.not()?;
        while self.accept("and") {
            node = Node::And(Box::new(node), Box::new(self.not()?));
        }
        Ok(node)
    }

    fn not(&mut self) -> Result<Node, Error> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(Error::SelectorTooDeep { limit: MAX_DEPTH });
        }
        let node = if self.accept("not") {
            Node::Not(Box::new(self.not()?))
        } else if self.accept("(") {
            let inner = self.or()?;
            if !self.accept(")") {
                return Err(Error::Selector {
                    expected: "`)`",
                    found: self.found(),
                });
            }
            inner
        } else {
            self.term()?
        };
        self.depth -= 1;
        Ok(node)
    }

    fn term(&mut self) -> Result<Node, Error> {
        let unexpected = |found: String| Error::Selector {
            expected: "`all`, `@pool` or a server's name",
            found,
        };
        let word = match self.words.split_first() {
            Some((&word, rest)) if !matches!(word, "and" | "or" | ")") => {
                self.words = rest;
                word
            }
            _ => return Err(unexpected(self.found())),
        };
        if word == "all" {
            return Ok(Node::All);
        }
        if let Some(pool) = word.strip_prefix('@') {
            return if name::is_valid(pool) {
                Ok(Node::Pool(pool.into()))
            } else {
                Err(unexpected(word.to_owned()))
            };
        }
        if word.contains('*') {
            let plain = word.replace('*', "");
            let valid = plain.is_empty() || name::is_valid(&format!("_{plain}"));
            return if valid {
                Ok(Node::Pattern(word.to_owned()))
            } else {
                Err(unexpected(word.to_owned()))
            };
        }
        if name::is_valid(word) {
            Ok(Node::Server(word.into()))
        } else {
            Err(unexpected(word.to_owned()))
        }
    }

    /// Takes the next word if it is this one.
    fn accept(&mut self, word: &str) -> bool {
        match self.words.split_first() {
            Some((&next, rest)) if next == word => {
                self.words = rest;
                true
            }
            _ => false,
        }
    }

    /// The next word as an error names it.
    fn found(&self) -> String {
        self.words
            .first()
            .map_or_else(|| "the end".to_owned(), |&word| word.to_owned())
    }
}
