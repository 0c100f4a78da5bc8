//! The modules that libpam calls for one phase of a service, in order, with all includes resolved.

use super::control::Control;
use super::files::{Files, Text};
use crate::Error;
use crate::stack::{MODULE, OTHER, numbered, word, words};
use otp_core::messages::reason::Unfit;
use otp_file::Unparsed;
use std::ffi::OsStr;
use std::path::Path;

/// The depth of includes that libpam follows.
const DEEPEST: u8 = 16;
/// More files than any service includes, each counted as often as it is included.
const MOST_FILES: u32 = 500;
/// More lines than any service has, each counted as often as it is included.
const MOST: usize = 2000;

/// The four things that PAM can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// To find out who logs in.
    Auth,
    /// To decide whether the account may log in.
    Account,
    /// To set a new password.
    Password,
    /// To begin or end a session.
    Session,
}

impl Phase {
    /// Returns the word of the phase in PAM's files.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::Account => "account",
            Self::Password => "password",
            Self::Session => "session",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Auth, Self::Account, Self::Password, Self::Session]
            .into_iter()
            .find(|one| text.eq_ignore_ascii_case(one.word()))
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}:{}", self.file, self.line)
    }
}

/// The place of a line.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    /// The path of the file, as the machine sees it.
    pub file: String,
    /// The number of the line, from 1.
    pub line: usize,
}

/// What libpam does at a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call {
    /// It calls a module.
    Module {
        /// The path as it is written.
        path: String,
        /// The words after it.
        arguments: Vec<String>,
    },
    /// A substack begins with the next step; no module is called.
    Substack,
    /// It cannot read the line, and treats it as a module that refuses.
    Nothing,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// How many substacks contain it.
    pub level: u8,
    /// What libpam does there.
    pub call: Call,
    /// What libpam does with the answer.
    pub control: Control,
    /// The control field as it is written.
    pub written: String,
    /// Whether the line begins with a dash: then a missing module is not logged.
    pub is_optional: bool,
    /// Whether the module exists on the machine.
    pub is_there: bool,
    /// The place of its line.
    pub place: Place,
}

impl Step {
    /// Returns the file name of the module; empty if none is called.
    #[must_use]
    pub fn module(&self) -> &str {
        match &self.call {
            Call::Module { path, .. } => Path::new(path)
                .file_name()
                .and_then(OsStr::to_str)
                .unwrap_or_default(),
            Call::Substack | Call::Nothing => "",
        }
    }

    /// Returns the words after the module.
    #[must_use]
    pub fn arguments(&self) -> &[String] {
        match &self.call {
            Call::Module { arguments, .. } => arguments,
            Call::Substack | Call::Nothing => &[],
        }
    }

    /// Whether the module is ours.
    #[must_use]
    pub fn is_ours(&self) -> bool {
        self.module() == MODULE
    }

    /// Whether this word is among the arguments.
    #[must_use]
    pub fn says(&self, argument: &str) -> bool {
        self.arguments().iter().any(|one| one == argument)
    }

    /// Whether this is the first of our two lines that split one reply; it judges nothing.
    #[must_use]
    pub fn splits(&self) -> bool {
        self.is_ours() && self.says("split")
    }
}

/// All steps of a phase.
#[derive(Clone, Debug, Default)]
pub struct Chain {
    /// The steps in order.
    pub steps: Vec<Step>,
    /// A file has something that other releases of libpam read differently.
    pub is_doubtful: bool,
    /// Included files that do not exist, so that libpam refuses.
    pub missing: Vec<(Place, String)>,
    /// libpam gives up before it reaches any step.
    pub aborts: bool,
    /// The service has no lines of its own, so those of `other` count.
    pub is_of_other: bool,
    /// How many files were included.
    files: u32,
}

impl Chain {
    /// Reads the steps of a phase of a service.
    ///
    /// # Errors
    /// A file cannot be read, or includes nest without end.
    pub fn read(files: &Files, service: &str, phase: Phase) -> Result<Self, Error> {
        let mut chain = Self::default();
        if files.has_directory() {
            if let Some(text) = files.of(service)? {
                chain.take_in(files, &text, phase, (None, 0, 0))?;
            }
            // libpam always reads the lines of `other`.
            let mut other = Self::default();
            if let Some(text) = files.of(OTHER)? {
                other.take_in(files, &text, phase, (None, 0, 0))?;
            }
            if chain.steps.is_empty() {
                other.is_of_other = true;
                other.aborts |= chain.aborts;
                other.missing.append(&mut chain.missing);
                return Ok(other);
            }
            if other.aborts {
                chain.aborts = true;
                chain.missing.append(&mut other.missing);
            }
        } else {
            let text = files.single()?;
            chain.take_in(files, &of_service(&text, service), phase, (None, 0, 0))?;
            if chain.steps.is_empty() {
                chain.is_of_other = true;
                chain.take_in(files, &of_service(&text, OTHER), phase, (None, 0, 0))?;
            }
        }
        Ok(chain)
    }

    /// Adds the lines of one file. `requested`: the phase of the line that includes it, unless it is the service's own
    /// file.
    fn take_in(
        &mut self,
        files: &Files,
        text: &Text,
        phase: Phase,
        (requested, level, depth): (Option<Phase>, u8, u8),
    ) -> Result<(), Error> {
        let too_much = |reason| Err(Error::unparsed(&text.path, Unparsed::whole(reason)));
        if depth > DEEPEST {
            return too_much(Unfit::IncludesTooDeep);
        }
        self.files += 1;
        if self.files > MOST_FILES {
            return too_much(Unfit::IncludesTooManyFiles);
        }
        // Which lines continue where has changed between releases of libpam, and C reads only up to a NUL.
        self.is_doubtful |= text.text.contains(['\\', '\0']);
        for (line, words_of_it) in numbered(&text.text) {
            if self.steps.len() > MOST {
                return too_much(Unfit::IncludesTooManyLines);
            }
            let place = Place {
                file: text.path.clone(),
                line,
            };
            let Some((kind, rest)) = word(&words_of_it) else {
                continue;
            };
            if kind.eq_ignore_ascii_case("@include") {
                let name = word(rest).map_or("", |(name, _)| name);
                self.include_all(files, (name, place), phase, (requested, level, depth))?;
                continue;
            }
            let (kind, is_optional) = match kind.strip_prefix('-') {
                Some(kind) => (kind, true),
                None => (kind, false),
            };
            let known = Phase::parse(kind);
            // A word that is not a phase is treated as the most sensitive one.
            if known.or(requested).unwrap_or(Phase::Auth) != phase {
                continue;
            }
            let control = word(rest);
            let included = control.and_then(|(control, rest)| {
                let is_substack = control.eq_ignore_ascii_case("substack");
                (is_substack || control.eq_ignore_ascii_case("include"))
                    .then(|| (is_substack, word(rest).map_or("", |(name, _)| name)))
            });
            if let Some((is_substack, name)) = included {
                if is_substack {
                    self.steps.push(Step {
                        level,
                        call: Call::Substack,
                        control: Control::refusing(),
                        written: "substack".to_owned(),
                        is_optional: false,
                        is_there: true,
                        place: place.clone(),
                    });
                }
                let inner = level + u8::from(is_substack);
                let from = (Some(phase), inner, depth);
                self.include(files, (name, place, level), phase, from)?;
                continue;
            }
            let (control, rest) = control.unwrap_or_default();
            let call = match word(rest) {
                Some((module, rest)) if known.is_some() => Call::Module {
                    path: module.to_owned(),
                    arguments: arguments(rest),
                },
                _ => Call::Nothing,
            };
            let is_there = match &call {
                Call::Module { path, .. } => files.has_module(path),
                Call::Substack | Call::Nothing => true,
            };
            self.steps.push(Step {
                level,
                is_there,
                call,
                control: Control::parse(control),
                written: control.to_owned(),
                is_optional,
                place,
            });
        }
        Ok(())
    }

    /// Adds a file as `@include` does.
    fn include_all(
        &mut self,
        files: &Files,
        (name, place): (&str, Place),
        phase: Phase,
        from: (Option<Phase>, u8, u8),
    ) -> Result<(), Error> {
        if !name.is_empty()
            && let Some(text) = files.of(name)?
        {
            let (requested, level, depth) = from;
            return self.take_in(files, &text, phase, (requested, level, depth + 1));
        }
        self.missing.push((place.clone(), name.to_owned()));
        let (requested, level, _) = from;
        if requested.is_none() {
            // libpam gives up the whole service.
            self.aborts = true;
            return Ok(());
        }
        // In a file that a line of one phase includes, libpam refuses with the control field that it read last.
        self.is_doubtful = true;
        self.refuse(level, place);
        Ok(())
    }

    /// Adds a file as `include` and `substack` do. `outer`: the level of the line itself, which refuses if there is no
    /// such file.
    fn include(
        &mut self,
        files: &Files,
        (name, place, outer): (&str, Place, u8),
        phase: Phase,
        (requested, level, depth): (Option<Phase>, u8, u8),
    ) -> Result<(), Error> {
        let found = if name.is_empty() || level >= DEEPEST {
            None
        } else {
            files.of(name)?
        };
        if let Some(text) = found {
            return self.take_in(files, &text, phase, (requested, level, depth + 1));
        }
        self.missing.push((place.clone(), name.to_owned()));
        self.refuse(outer, place);
        Ok(())
    }

    /// Adds a step that refuses, for a file that does not exist.
    fn refuse(&mut self, level: u8, place: Place) {
        self.steps.push(Step {
            level,
            call: Call::Nothing,
            control: Control::refusing(),
            written: "include".to_owned(),
            is_optional: false,
            is_there: true,
            place,
        });
    }

    /// Whether any step is ours.
    #[must_use]
    pub fn has_ours(&self) -> bool {
        self.steps.iter().any(Step::is_ours)
    }
}

/// Splits arguments; text in brackets is one argument.
fn arguments(text: &str) -> Vec<String> {
    if !text.contains('[') {
        return words(text).map(str::to_owned).collect();
    }
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((one, after)) = word(rest) {
        found.push(one.to_owned());
        rest = after;
    }
    found
}

/// Returns the lines of `pam.conf` for a service, without its name. Other lines become empty, so that the line numbers
/// stay.
fn of_service(text: &Text, service: &str) -> Text {
    let line = |line: &str| match word(line) {
        Some((name, rest)) if name.eq_ignore_ascii_case(service) => rest.to_owned(),
        _ => String::new(),
    };
    let lines: Vec<String> = text.text.split('\n').map(line).collect();
    Text {
        path: text.path.clone(),
        text: lines.join("\n"),
    }
}
