//! What `otp-admin protect` and `unprotect` would change for a service, and why they leave it alone.
//!
//! Planning alone: files are read, and nothing is written. What is not understood is a [`Refusal`] that says what to add by
//! hand.

mod diff;
mod lines;
mod program;
mod sshd;

use crate::Error;
use crate::stack::read_text;
use lines::{Intake, Misfit, ONE_REPLY, Wanted};
use nix::unistd::geteuid;
use otp_core::messages::protect::{Note, Refusal};
use otp_file::Fault;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

pub use diff::unified;
pub use program::{Asks, Program, RunsAs};
pub use sshd::{DROP_IN, Setting, WANTED};

/// Where a service's own file is, and where that of its package may be.
const OWN: &str = "/etc/pam.d";
const VENDORS: &str = "/usr/lib/pam.d";

/// The first line of a file that was made here.
const MADE: &str = "# otp-admin protect: this file\n";
/// The same of a copy; the path of the original follows.
const COPIED: &str = "# otp-admin protect: a copy of ";

/// Modules that the lines for one reply may leave out: they let nobody in by themselves, and keep nobody out whom those
/// lines let in.
const LEFT_OUT: [&str; 9] = [
    "pam_unix.so",
    "pam_deny.so",
    "pam_permit.so",
    "pam_cap.so",
    "pam_env.so",
    "pam_faildelay.so",
    "pam_group.so",
    "pam_nologin.so",
    "pam_otp.so",
];

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

/// The files of this machine, or of another root directory.
pub struct Machine {
    root: PathBuf,
}

impl Default for Machine {
    fn default() -> Self {
        Self::below(Path::new("/"))
    }
}

/// A service's file.
struct Service {
    /// Where it is, or would be.
    path: String,
    /// Its own text.
    own: Option<String>,
    /// That of its package, where there is no own.
    vendors: Option<String>,
}

impl Machine {
    /// The machine whose root directory that is.
    #[must_use]
    pub fn below(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
        }
    }

    /// A path of it as this process opens it.
    #[must_use]
    pub fn place(&self, path: &str) -> PathBuf {
        self.root.join(path.trim_start_matches('/'))
    }

    /// A file that decides about logins; `None`: there is none.
    fn read(&self, path: &str) -> Result<Option<String>, Stop> {
        let place = self.place(path);
        let found = match std::fs::symlink_metadata(&place) {
            Ok(found) => found,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::io(path, "read", error).into()),
        };
        let path = || path.to_owned();
        if found.is_symlink() {
            return Err(Refusal::Link { path: path() }.into());
        }
        let mode = found.mode() & 0o7777;
        let fault = if found.uid() != 0 && found.uid() != geteuid().as_raw() {
            Some(Fault::Owner { uid: found.uid() })
        } else if mode & 0o022 != 0 {
            let allowed = 0o755;
            Some(Fault::Mode { mode, allowed })
        } else {
            None
        };
        if let Some(fault) = fault {
            return Err(Error::Unsafe {
                path: path(),
                fault,
            }
            .into());
        }
        self.text_at(&place, &path())
    }

    fn text_at(&self, place: &Path, shown: &str) -> Result<Option<String>, Stop> {
        match read_text(place) {
            // What is not text would not be put back as it was.
            Ok(text) if text.contains(char::REPLACEMENT_CHARACTER) => {
                let path = shown.to_owned();
                let (line, lines) = (1, lines::CODE);
                Err(Refusal::Unreadable { path, line, lines }.into())
            }
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::io(shown, "read", error).into()),
        }
    }

    fn service(&self, name: &str) -> Result<Service, Stop> {
        let path = format!("{OWN}/{name}");
        let own = self.read(&path)?;
        let vendors = match own {
            Some(_) => None,
            None => self.included(name)?.map(|(_, text)| text),
        };
        Ok(Service { path, own, vendors })
    }

    /// A file that others take in, and where it is: those may be links, as authselect makes them.
    fn included(&self, name: &str) -> Result<Option<(String, String)>, Stop> {
        let paths = if name.starts_with('/') {
            vec![name.to_owned()]
        } else {
            vec![format!("{OWN}/{name}"), format!("{VENDORS}/{name}")]
        };
        for path in paths {
            if let Some(text) = self.text_at(&self.place(&path), &path)? {
                return Ok(Some((path, text)));
            }
        }
        Ok(None)
    }

    /// Plans to have a program ask for a code. `sshd_is_set`: what sshd has in force asks PAM already.
    ///
    /// # Errors
    /// See [`Stop`].
    pub fn protect(&self, program: Program, sshd_is_set: bool) -> Result<Plan, Stop> {
        let mut plan = Plan::default();
        for (at, name) in program.services().iter().enumerate() {
            self.protect_service(program, (name, at == 0), &mut plan)?;
        }
        if program == Program::Sshd && !sshd_is_set {
            let edit = self.drop_in()?;
            // Before the line: with the line alone, a password that sshd was sent at once would be a wrong code.
            plan.edits.splice(0..0, edit);
        }
        if plan.edits.is_empty() {
            plan.notes.clear();
            return Ok(plan);
        }
        if program == Program::Sshd {
            plan.notes.push(Note::KeysAlone);
        }
        let service = program.name().to_owned();
        if program.asks_root() {
            let service = service.clone();
            plan.notes.push(Note::RootNeedsOne { service });
        }
        if program.brings_no_file() {
            plan.notes.push(Note::NameTheService { service });
        }
        Ok(plan)
    }

    fn protect_service(
        &self,
        program: Program,
        (name, is_first): (&str, bool),
        plan: &mut Plan,
    ) -> Result<(), Stop> {
        let service = self.service(name)?;
        let path = service.path;
        let Some(text) = service.own.as_ref().or(service.vendors.as_ref()) else {
            if is_first && program.brings_no_file() {
                let after = Some(self.whole_file()?);
                let before = None;
                plan.edits.push(Edit {
                    path,
                    before,
                    after,
                });
                return Ok(());
            }
            return if is_first {
                Err(Refusal::NoFile { path }.into())
            } else {
                Ok(())
            };
        };
        let wanted = match program.asks() {
            Asks::Each => Wanted::Code {
                skips: (program == Program::Su).then_some("pam_rootok.so"),
            },
            Asks::Once => Wanted::OneReply,
        };
        let misfit = |misfit| refusal(misfit, &path, wanted);
        let asking = lines::asking(text).map_err(misfit)?;
        if let Some(&line) = asking.first() {
            // What is there is what this writes, or README.md; with anything else nobody knows what is meant.
            return match lines::take_out(text, Some("@include common-auth")) {
                Ok(_) if asking.len() == wanted.count() => Ok(()),
                Ok(_) => Err(misfit(Misfit::OursOtherwise(line)).into()),
                Err(other) => Err(misfit(other).into()),
            };
        }
        let new = lines::put_in(text, wanted).map_err(misfit)?;
        let intake = lines::intake(text).map_err(misfit)?;
        match (wanted, intake) {
            (Wanted::Code { .. }, Intake::Service(other)) => {
                if !is_first && program.services().contains(&other) {
                    return Ok(());
                }
                let (service, other) = (name.to_owned(), other.to_owned());
                return Err(Refusal::TakenFrom { service, other }.into());
            }
            (Wanted::Code { .. }, Intake::Common | Intake::CommonSubstack) => {
                self.refuse_covered(name, text)?;
                self.refuse_led_around("common-auth")?;
            }
            (Wanted::Code { .. }, Intake::System) => self.refuse_covered(name, text)?,
            (Wanted::OneReply, _) => self.refuse_other_modules(text, &path, 0)?,
        }
        let after = match &service.vendors {
            Some(_) => {
                let from = format!("{VENDORS}/{name}");
                let copied = format!("{COPIED}{from}\n{new}");
                let to = path.clone();
                plan.notes.push(Note::VendorCopied { from, to });
                copied
            }
            None => new,
        };
        plan.edits.push(Edit {
            path,
            before: service.own,
            after: Some(after),
        });
        Ok(())
    }

    /// Refuses where what a text takes in asks for a code already.
    fn refuse_covered(&self, service: &str, text: &str) -> Result<(), Stop> {
        if let Some(path) = self.asked_in(text, 0)? {
            let service = service.to_owned();
            return Err(Refusal::CoveredBy { service, path }.into());
        }
        Ok(())
    }

    /// The file, among those that a text takes in, that asks for a code.
    fn asked_in(&self, text: &str, depth: u8) -> Result<Option<String>, Stop> {
        let unreadable = |misfit| refusal(misfit, OWN, Wanted::Code { skips: None });
        for step in lines::steps(text).map_err(unreadable)? {
            let Some(file) = step.file else { continue };
            let Some((path, text)) = self.included(file)? else {
                continue;
            };
            let asks = lines::steps(&text).map_err(unreadable)?;
            if asks.iter().any(|one| one.module == "pam_otp.so") {
                return Ok(Some(path));
            }
            if depth < DEEPEST
                && let Some(path) = self.asked_in(&text, depth + 1)?
            {
                return Ok(Some(path));
            }
        }
        Ok(None)
    }

    /// Refuses where a line of a file that is taken in can get past what stands below it.
    fn refuse_led_around(&self, file: &str) -> Result<(), Stop> {
        let Some((path, text)) = self.included(file)? else {
            return Err(Refusal::UnknownDistribution.into());
        };
        let wanted = Wanted::Code { skips: None };
        let steps = lines::steps(&text).map_err(|misfit| refusal(misfit, &path, wanted))?;
        for (at, step) in steps.iter().enumerate() {
            // How many modules another file has is not looked at: a jump over that is not understood.
            let over_a_file = step.jumps > 0 && steps[at..].iter().any(|one| one.file.is_some());
            if step.ends || over_a_file || at + 1 + step.jumps > steps.len() {
                let (path, line) = (path.clone(), step.number);
                return Err(Refusal::LedAround { path, line }.into());
            }
            if let Some(file) = step.file {
                self.refuse_led_around(file)?;
            }
        }
        Ok(())
    }

    /// Refuses where what a text takes in finds out who it is by more than the password of the machine, or keeps somebody
    /// out.
    fn refuse_other_modules(&self, text: &str, path: &str, depth: u8) -> Result<(), Stop> {
        let wanted = Wanted::OneReply;
        let steps = lines::steps(text).map_err(|misfit| refusal(misfit, path, wanted))?;
        for step in steps {
            if let Some(file) = step.file {
                let Some((path, text)) = self.included(file)? else {
                    continue;
                };
                if depth < DEEPEST {
                    self.refuse_other_modules(&text, &path, depth + 1)?;
                }
                continue;
            }
            // The profile's own jump over our line.
            let is_the_profiles =
                step.module == "pam_succeed_if.so" && step.arguments.contains("otp-enroll");
            // What stands in the service's own file stays.
            if depth > 0 && !LEFT_OUT.contains(&step.module) && !is_the_profiles {
                let (path, module) = (path.to_owned(), step.module.to_owned());
                return Err(Refusal::OtherModules { path, module }.into());
            }
        }
        Ok(())
    }

    /// A file for a service whose package brings none.
    fn whole_file(&self) -> Result<String, Stop> {
        let there = |name: &str| -> Result<bool, Stop> { Ok(self.included(name)?.is_some()) };
        let (auth, account) = if there("common-auth")? {
            ("@include common-auth\n", "@include common-account\n")
        } else if there("system-auth")? {
            (
                "auth include system-auth\n",
                "account    include     system-auth\n",
            )
        } else {
            return Err(Refusal::UnknownDistribution.into());
        };
        self.refuse_other_modules(auth, OWN, 0)?;
        Ok(format!("{MADE}{}\n{account}", ONE_REPLY.join("\n")))
    }

    /// The file for sshd; `None`: it is there and says what is wanted.
    fn drop_in(&self) -> Result<Option<Edit>, Stop> {
        let path = DROP_IN.to_owned();
        match self.read(DROP_IN)? {
            None => Ok(Some(Edit {
                path,
                before: None,
                after: Some(sshd::text()),
            })),
            Some(text) if sshd::says_all(&text) => Ok(None),
            Some(_) => Err(Refusal::DropInThere { path }.into()),
        }
    }

    /// Plans to have a program ask for no code. `kept`: the copy of a file as it was before it was protected.
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
                // An alias of a service that loses its lines loses them with it.
                let of_ours = |other: &str| program.services().contains(&other);
                let from_ours =
                    matches!(lines::intake(&text), Ok(Intake::Service(other)) if of_ours(other));
                if !from_ours {
                    self.refuse_covered(name, &text)?;
                }
                continue;
            }
            let after =
                self.without_ours(name, &text, &kept(&path))
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
        kept: &Option<String>,
    ) -> Result<Option<String>, Out> {
        if text.starts_with(MADE) {
            // Only as a whole: what somebody has added may count on what stands there.
            return match self.whole_file() {
                Ok(made) if made == text => Ok(None),
                Ok(_) => Err(Out::Misfit(Misfit::NothingToPutBack(1))),
                Err(stop) => Err(Out::Stop(stop)),
            };
        }
        let replaced = kept.as_deref().and_then(lines::replaced);
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
        if lines::finds_out_who(&rest) {
            Ok(Some(rest))
        } else {
            Err(Out::NobodyChecks)
        }
    }
}

/// Why nothing can be taken out.
enum Out {
    Misfit(Misfit),
    NobodyChecks,
    Stop(Stop),
}

impl Wanted {
    /// How many lines ask.
    const fn count(self) -> usize {
        match self {
            Self::Code { .. } => 1,
            Self::OneReply => 2,
        }
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
