//! Where a paused run asks its person: on a terminal a question that is asked until one of its answers is typed, anywhere else nobody.

use rollout::{Answer, Desk, Pause};

use crate::people;
use crate::printer::Printer;

/// The terminal that casgate was started from, if it was.
pub(crate) struct Terminal(Printer);

impl Terminal {
    /// Asks through the printer.
    pub(crate) fn new(printer: &Printer) -> Self {
        Self(printer.clone())
    }
}

impl Desk for Terminal {
    fn ask(&self, pause: &Pause) -> (Answer, String) {
        if !self.0.can_ask() {
            return (Answer::Stop, "nobody: there is no terminal to ask on".to_owned());
        }
        let answers = pause.answers();
        let words: Vec<&str> = answers.iter().map(|answer| answer.as_str()).collect();
        let question = format!("Type {}:", words.join(", "));
        loop {
            match self.0.ask(&question) {
                // The terminal has gone.
                None => return (Answer::Stop, "nobody: the terminal has gone".to_owned()),
                Some(typed) => {
                    if let Some(answer) = chosen(answers, &typed) {
                        return (answer, people::operator());
                    }
                }
            }
        }
    }
}

/// The answer that was typed, whole and in its own word.
fn chosen(answers: &[Answer], typed: &str) -> Option<Answer> {
    answers.iter().copied().find(|answer| answer.as_str() == typed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_word_of_the_question_is_an_answer() {
        let pause = Pause::AfterWave { wave: 0 };
        assert_eq!(chosen(pause.answers(), "go_on"), Some(Answer::GoOn));
        assert_eq!(chosen(pause.answers(), "stop"), Some(Answer::Stop));
        for typed in ["", "y", "yes", "go", "GO_ON", "undo", "retry"] {
            assert_eq!(chosen(pause.answers(), typed), None, "{typed}");
        }
    }
}
