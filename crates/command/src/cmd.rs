//! The inverse of cmd.exe, as far as one line of `cmd /c` goes: variables, quotes, carets, `&`, `&&`, `||`, and redirection between the streams.
//!
//! Order matters, as in cmd.exe: [`expand()`] replaces `%VAR%` in the whole line first, quotes or not; [`parse()`] then cuts it into commands;
//! [`follow`] says which of them comes next. A pipe, a block, `if`, `for` or a redirection into a file is an error that says so, never a guess.

mod expand;
mod parse;

pub use expand::expand;
pub use parse::{Joined, Simple, follow, parse};
