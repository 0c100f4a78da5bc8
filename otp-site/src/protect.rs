//! What `otp-admin protect` and `unprotect` would change for a service, and why they refuse.
//!
//! This only plans: files are read, and nothing is written. If something is not understood, a [`Refusal`] says what to
//! add by hand.

mod diff;
mod lines;
mod machine;
mod program;
mod putting_in;
mod sshd;
mod taking_out;

use crate::Error;
use lines::{Misfit, Wanted};
use otp_core::messages::protect::{Note, Refusal};

pub use diff::unified;
pub use machine::Machine;
pub use program::{Asks, Program, RunsAs};
pub use sshd::{DROP_IN, Setting, WANTED};

/// The directory of a service's own file, and that of its package's file.
const OWN: &str = "/etc/pam.d";
const VENDORS: &str = "/usr/lib/pam.d";

/// The first line of a file that was made here.
const MADE: &str = "# otp-admin protect: this file\n";
/// The first line of a copy; the path of the original follows.
const COPIED: &str = "# otp-admin protect: a copy of ";

/// The depth of includes that is followed.
const DEEPEST: u8 = 16;

/// The change to one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// Which.
    pub path: String,
    /// Its present text; `None`: it does not exist.
    pub before: Option<String>,
    /// Its new text; `None`: it is removed.
    pub after: Option<String>,
}

impl Edit {
    /// Returns the difference, as `diff -u` writes it.
    #[must_use]
    pub fn difference(&self) -> String {
        unified(&self.path, self.before.as_deref(), self.after.as_deref())
    }
}

/// The changes, in the order in which the files must be put in place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// The files; none if the service is already as wanted.
    pub edits: Vec<Edit>,
    /// What an administrator should know about the change.
    pub notes: Vec<Note>,
}

/// Why there is no plan.
#[derive(Debug)]
pub enum Stop {
    /// The change is refused.
    Refused(Refusal),
    /// A file could not be read, or cannot be trusted.
    Site(Error),
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Site(error)
    }
}

/// Returns the refusal for a text that does not fit.
fn refusal(misfit: Misfit, path: &str, wanted: Wanted) -> Refusal {
    let path = path.to_owned();
    let lines = match wanted {
        Wanted::Code { .. } => lines::CODE,
        Wanted::OneReply => lines::BY_HAND,
    };
    match misfit {
        Misfit::NoPlace => Refusal::NoPlace { path, lines },
        Misfit::Unreadable(line) => Refusal::Unreadable { path, line, lines },
        Misfit::OursOtherwise(line) => Refusal::OursOtherwise { path, line },
        Misfit::LedAround(line) => Refusal::LedAround { path, line },
        Misfit::NothingToPutBack(line) => Refusal::NothingToPutBack { path, line },
    }
}

#[cfg(test)]
mod tests;
