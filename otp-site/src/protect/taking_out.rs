//! The plan that makes a program stop asking for a code.

use super::lines::{self, Intake, Misfit, Wanted};
use super::{
    COPIED, DEEPEST, DROP_IN, Edit, MADE, Machine, OWN, Plan, Program, Stop, VENDORS, refusal, sshd,
};
use crate::stack::read_text;
use otp_core::messages::protect::{Note, Refusal};

/// The files that every service includes to find out who the user is, by distribution.
const SYSTEMS_OWN: [&str; 3] = ["common-auth", "system-auth", "password-auth"];

impl Machine {
    /// Plans to make a program stop asking for a code. `kept`: returns the copy of a file from before it was protected.
    ///
    /// # Errors
    /// See [`Stop`].
    pub fn unprotect(
        &self,
        program: Program,
        kept: impl Fn(&str) -> Option<String>,
    ) -> Result<Plan, Stop> {
        let mut plan = Plan::default();
        for name in program.services() {
            let path = format!("{OWN}/{name}");
            let Some(text) = self.read(&path)? else {
                continue;
            };
            let wanted = Wanted::Code { skips: None };
            let misfit = |misfit| refusal(misfit, &path, wanted);
            if lines::asking(&text).map_err(misfit)?.is_empty() {
                // If a service loses its lines, so does an alias that includes it.
                let of_ours = |other: &str| program.services().contains(&other);
                let from_ours =
                    matches!(lines::intake(&text), Ok(Intake::Service(other)) if of_ours(other));
                if !from_ours {
                    self.refuse_covered(name, &text)?;
                }
                continue;
            }
            let after = self
                .without_ours(name, &text, kept(&path).as_deref())
                .map_err(|stop| match stop {
                    Out::Misfit(other) => misfit(other).into(),
                    Out::NobodyChecks => {
                        let service = (*name).to_owned();
                        Stop::from(Refusal::NobodyChecks { service })
                    }
                    Out::Stop(stop) => stop,
                })?;
            let before = Some(text);
            plan.edits.push(Edit {
                path,
                before,
                after,
            });
        }
        if program == Program::Sshd
            && let Some(text) = self.read(DROP_IN)?
        {
            let path = DROP_IN.to_owned();
            if text == sshd::text() {
                plan.edits.push(Edit {
                    path,
                    before: Some(text),
                    after: None,
                });
            } else if !plan.edits.is_empty() {
                plan.notes.push(Note::DropInStays { path });
            }
        }
        Ok(plan)
    }

    fn without_ours(
        &self,
        name: &str,
        text: &str,
        kept: Option<&str>,
    ) -> Result<Option<String>, Out> {
        if text.starts_with(MADE) {
            // Only as a whole: a line that somebody has added may depend on the others.
            return match self.whole_file() {
                Ok(made) if made == text => Ok(None),
                Ok(_) => Err(Out::Misfit(Misfit::NothingToPutBack(1))),
                Err(stop) => Err(Out::Stop(stop)),
            };
        }
        let replaced = kept.and_then(lines::replaced);
        let rest = lines::take_out(text, replaced.as_deref()).map_err(Out::Misfit)?;
        let rest = match rest
            .strip_prefix(COPIED)
            .and_then(|rest| rest.split_once('\n'))
        {
            Some((from, rest)) => {
                let vendors = self.place(from);
                let is_vendors = from == format!("{VENDORS}/{name}")
                    && read_text(&vendors).is_ok_and(|text| text == rest);
                if is_vendors {
                    return Ok(None);
                }
                rest.to_owned()
            }
            None => rest,
        };
        match self.finds_out_who(&rest, 0) {
            Ok(true) => Ok(Some(rest)),
            Ok(false) => Err(Out::NobodyChecks),
            Err(stop) => Err(Out::Stop(stop)),
        }
    }

    /// Whether a text, with everything it includes, has a line that checks the user's password or another proof. The
    /// system's own files for this count as one, whatever they contain.
    fn finds_out_who(&self, text: &str, depth: u8) -> Result<bool, Stop> {
        let unreadable = |misfit| refusal(misfit, OWN, Wanted::Code { skips: None });
        for step in lines::steps(text).map_err(unreadable)? {
            if step.proves || step.file.is_some_and(|file| SYSTEMS_OWN.contains(&file)) {
                return Ok(true);
            }
            if let Some(file) = step.file
                && depth < DEEPEST
                && let Some((_, text)) = self.included(file)?
                && self.finds_out_who(&text, depth + 1)?
            {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// Why nothing can be taken out.
enum Out {
    Misfit(Misfit),
    NobodyChecks,
    Stop(Stop),
}
