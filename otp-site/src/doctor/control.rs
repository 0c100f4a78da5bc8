//! The control field of a line: what libpam does with each answer of a module.

use super::answer::{Answer, COUNT};

/// What libpam does with an answer (`pam.conf(5)`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// The answer does not count.
    Ignore,
    /// The answer counts as a yes, unless something was refused before.
    Ok,
    /// As [`Action::Ok`], and the stack ends.
    Done,
    /// The answer counts as a refusal.
    Bad,
    /// As [`Action::Bad`], and the stack ends.
    Die,
    /// All earlier answers are forgotten.
    Reset,
    /// So many modules are skipped.
    Jump(u32),
}

/// The words of all actions but jumps, in the order in which libpam compares them.
const WORDS: [(&str, Action); 6] = [
    ("ignore", Action::Ignore),
    ("ok", Action::Ok),
    ("done", Action::Done),
    ("bad", Action::Bad),
    ("die", Action::Die),
    ("reset", Action::Reset),
];

/// The action for each answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Control([Action; COUNT]);

impl Control {
    /// Every answer refuses: libpam uses this for a line that it cannot read.
    #[must_use]
    pub const fn refusing() -> Self {
        Self([Action::Bad; COUNT])
    }

    /// Reads a control field as libpam does; a field with any error refuses everything.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let yes = |action, otherwise, ignored| {
            let mut control = Self([otherwise; COUNT]);
            control.set(Answer::SUCCESS, action);
            control.set(Answer::NEW_AUTHTOK_REQD, action);
            control.set(Answer::IGNORE, ignored);
            control
        };
        match text.to_ascii_lowercase().as_str() {
            "required" => yes(Action::Ok, Action::Bad, Action::Ignore),
            "requisite" => yes(Action::Ok, Action::Die, Action::Ignore),
            "optional" => yes(Action::Ok, Action::Ignore, Action::Ignore),
            "sufficient" => yes(Action::Done, Action::Ignore, Action::Ignore),
            _ => Self::by_value(text).unwrap_or_else(Self::refusing),
        }
    }

    /// Returns the action for an answer.
    #[must_use]
    pub fn action(&self, answer: Answer) -> Action {
        self.0[answer.index()]
    }

    fn set(&mut self, answer: Answer, action: Action) {
        self.0[answer.index()] = action;
    }

    /// Reads `VALUE=ACTION ...`; `None`: the text does not have this form. Answers that are not named get the action of
    /// the first `default`.
    fn by_value(text: &str) -> Option<Self> {
        let mut actions: [Option<Action>; COUNT] = [None; COUNT];
        let mut rest = skip_space(text);
        while !rest.is_empty() {
            let (answer, after) = value(rest)?;
            let after = skip_space(skip_space(after).strip_prefix('=')?);
            let (action, after) = action(after)?;
            match answer {
                Some(answer) => actions[answer.index()] = Some(action),
                // Sets only answers that have no action yet.
                None => actions
                    .iter_mut()
                    .for_each(|one| *one = one.or(Some(action))),
            }
            rest = skip_space(after);
        }
        Some(Self(actions.map(|one| one.unwrap_or(Action::Bad))))
    }
}

/// Skips the characters that C's `isspace` counts as space.
fn skip_space(text: &str) -> &str {
    text.trim_start_matches([' ', '\t', '\n', '\u{b}', '\u{c}', '\r'])
}

/// Returns the answer at the beginning of a text, and the rest; inner `None`: `default`.
fn value(text: &str) -> Option<(Option<Answer>, &str)> {
    for answer in Answer::all() {
        if let Some(rest) = text.strip_prefix(answer.word()) {
            return Some((Some(answer), rest));
        }
    }
    Some((None, text.strip_prefix("default")?))
}

fn action(text: &str) -> Option<(Action, &str)> {
    for (word, action) in WORDS {
        if let Some(rest) = text.strip_prefix(word) {
            return Some((action, rest));
        }
    }
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    // Too large a number jumps over the end of every stack, which refuses.
    let lines = digits
        .parse()
        .ok()
        .or((!digits.is_empty()).then_some(u32::MAX))?;
    (lines > 0).then_some((Action::Jump(lines), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn actions(text: &str) -> [Action; 4] {
        let control = Control::parse(text);
        [
            Answer::SUCCESS,
            Answer::NEW_AUTHTOK_REQD,
            Answer::IGNORE,
            Answer::AUTH_ERR,
        ]
        .map(|answer| control.action(answer))
    }

    #[test]
    fn a_field_is_read_as_pam_conf_5_says() {
        use Action::{Bad, Die, Done, Ignore, Jump, Ok, Reset};
        for (text, expected) in [
            ("required", [Ok, Ok, Ignore, Bad]),
            ("Requisite", [Ok, Ok, Ignore, Die]),
            ("OPTIONAL", [Ok, Ok, Ignore, Ignore]),
            ("sufficient", [Done, Done, Ignore, Ignore]),
            (
                "success=1 default=ignore",
                [Jump(1), Ignore, Ignore, Ignore],
            ),
            ("default=die success=ok", [Ok, Die, Die, Die]),
            ("success=done auth_err=reset", [Done, Bad, Bad, Reset]),
            ("success = 2  ignore=ok", [Jump(2), Bad, Ok, Bad]),
            ("success=okauth_err=2", [Ok, Bad, Bad, Jump(2)]),
            ("", [Bad; 4]),
            ("binding", [Bad; 4]),
            ("success=0", [Bad; 4]),
            ("success=ok nonsense=ok", [Bad; 4]),
            ("success=Ok", [Bad; 4]),
            ("Success=ok", [Bad; 4]),
            ("success=-1", [Bad; 4]),
            ("success", [Bad; 4]),
        ] {
            assert_eq!(actions(text), expected, "{text:?}");
        }
    }
}
