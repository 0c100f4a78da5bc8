//! Puts a change in place under guard, and asks whether it stays.

use super::guard::{Guard, Outcome};
use super::kept::{self, Change, Kept};
use super::{is_unchanged, make, reloaded, sshd, tell};
use crate::failure::Failure;
use crate::failure::system;
use crate::site::Site;
use crate::terminal::{Echo, Left, Terminal};
use otp_core::layout::wrap;
use otp_core::messages::enrol::is_word;
use otp_core::messages::protect::{KEEP, Note, Refusal};
use otp_site::protect::{DROP_IN, Edit, Program};

/// Puts the change in place, under guard, and asks whether it stays.
pub fn put_in_place(
    site: &Site,
    kept: &Kept,
    change: &Change,
    edits: &[Edit],
    terminal: &Terminal,
    seconds: u64,
) -> Result<(), Failure> {
    terminal.still_here()?;
    for edit in edits {
        is_unchanged(edit)?;
    }
    kept.begin(change)?;
    let mut guard = match Guard::start(seconds) {
        Ok(guard) => guard,
        Err(refusal) => {
            // Nothing has changed yet, so there is nothing to undo.
            kept.keep();
            return Err(refusal.into());
        }
    };
    let asked = confirm(site, &mut guard, change, edits, terminal, seconds);
    match asked {
        Ok(true) if kept.keep() => {
            guard.dismiss();
            Ok(())
        }
        other => {
            let is_late = matches!(&other, Ok(true)) || matches!(&other, Err(Stopped::InTime));
            let outcome = guard.undo(change);
            if outcome == Outcome::Undone {
                kept.forget_copies(change);
            }
            Err(match (outcome, other) {
                (Outcome::Failed, _) => {
                    let reason = kept::DIRECTORY.to_owned().into();
                    Refusal::NotUndone { reason }.into()
                }
                (Outcome::Undone, Err(Stopped::By(failure))) => failure,
                (Outcome::Undone, _) if is_late => Refusal::UndoneInTime.into(),
                (Outcome::Undone, _) => Refusal::Undone.into(),
            })
        }
    }
}

/// Why the change was not confirmed.
enum Stopped {
    /// A file could not be put in place, or sshd does not accept it.
    By(Failure),
    /// The person or the terminal has left.
    Left,
    /// The guard has already begun to undo.
    InTime,
}

impl<F: Into<Failure>> From<F> for Stopped {
    fn from(failure: F) -> Self {
        Self::By(failure.into())
    }
}

/// Puts the files in place, and asks; returns whether the word was typed.
fn confirm(
    site: &Site,
    guard: &mut Guard,
    change: &Change,
    edits: &[Edit],
    terminal: &Terminal,
    seconds: u64,
) -> Result<bool, Stopped> {
    let is_sshd = change.service == Program::Sshd.name();
    for edit in edits {
        if guard.is_over() {
            return Err(Stopped::InTime);
        }
        make(edit)?;
        // From here on sshd asks only PAM, although PAM does not ask for a code yet.
        if is_sshd && edit.path == DROP_IN {
            sshd::check()?;
            tell(site, &[reloaded()])?;
        }
    }
    guard.begin();
    let line = guard.line().map_err(|error| Refusal::NoGuard {
        reason: system(&error),
    })?;
    terminal.ask_on_behalf_of(line);
    let say = |text: &str| {
        let (columns, _) = terminal.size();
        terminal.show(&format!("{}\n", wrap(text, columns)))
    };
    let left = |left: Left| match left {
        Left::Person => Stopped::Left,
        Left::OtherSide => Stopped::InTime,
    };
    say(&Note::InPlace { seconds }.text(site.language)).map_err(left)?;
    let question = Note::KeepQuestion.text(site.language);
    let typed = terminal.ask(&question, Echo::On).map_err(left)?;
    Ok(is_word(&typed, &KEEP))
}
