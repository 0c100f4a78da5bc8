//! What `otp-admin protect` and `unprotect` would change for a service, and why they leave it alone.
//!
//! Planning alone: files are read, and nothing is written. What is not understood is a [`Refusal`] that says what to add by
//! hand.

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

/// Where a service's own file is, and where that of its package may be.
const OWN: &str = "/etc/pam.d";
const VENDORS: &str = "/usr/lib/pam.d";

/// The first line of a file that was made here.
const MADE: &str = "# otp-admin protect: this file\n";
/// The same of a copy; the path of the original follows.
const COPIED: &str = "# otp-admin protect: a copy of ";

/// As deep as includes are followed.
const DEEPEST: u8 = 16;

/// What becomes of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// Which.
    pub path: String,
    /// Its text now; `None`: it is not there.
    pub before: Option<String>,
    /// Its text then; `None`: it goes.
    pub after: Option<String>,
}

impl Edit {
    /// The difference, as `diff -u` writes it.
    #[must_use]
    pub fn difference(&self) -> String {
        unified(&self.path, self.before.as_deref(), self.after.as_deref())
    }
}

/// What is to be changed, in the order in which it is to be put in place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// The files; none where the service is as it was to be.
    pub edits: Vec<Edit>,
    /// What an administrator should know about it.
    pub notes: Vec<Note>,
}

/// Why there is no plan.
#[derive(Debug)]
pub enum Stop {
    /// It is not to be done.
    Refused(Refusal),
    /// A file could not be read, or is not one to be trusted.
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

/// The refusal that goes with what does not fit.
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
