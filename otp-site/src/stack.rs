//! What stands in `/etc/pam.d` around the lines of this module.
//!
//! A login that leaves an enrolment to the account phase must know that there will be one. A module that leaves a login
//! to others must know that there are others. libpam gives a module no way to ask. So the service's files are read as
//! libpam reads them (`pam.conf(5)`), and everything uncertain counts as no.

use crate::Error;
use nix::fcntl::OFlag;
use otp_core::login::AccountLine;
use otp_core::messages::reason::Deed;
use otp_core::messages::reason::Unfit;
use otp_core::record::EnrollPolicy;
use otp_file::Unparsed;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Where Linux-PAM looks for a service, in this order.
pub(crate) const DIRECTORIES: [&str; 2] = ["/etc/pam.d", "/usr/lib/pam.d"];

/// The service whose lines count if a service has none.
pub(crate) const OTHER: &str = "other";

pub(crate) const MODULE: &str = "pam_otp.so";
/// Modules that say yes only to users who have proven something. Other modules can say yes without having asked anybody
/// (`pam_faillock`, `pam_securetty`, `pam_permit`), so a module that is not in this list does not count.
pub(crate) const PROVES_IDENTITY: [&str; 20] = [
    "pam_unix.so",
    "pam_unix2.so",
    "pam_tcb.so",
    "pam_sss.so",
    "pam_sss_gss.so",
    "pam_ldap.so",
    "pam_krb5.so",
    "pam_winbind.so",
    "pam_radius_auth.so",
    "pam_tacplus.so",
    "pam_kanidm.so",
    "pam_himmelblau.so",
    "pam_authd.so",
    "pam_systemd_home.so",
    "pam_u2f.so",
    "pam_yubico.so",
    "pam_fprintd.so",
    "pam_pkcs11.so",
    "pam_p11.so",
    "pam_ssh_agent_auth.so",
];

/// Services whose programs keep nothing of what they show: not in a log, a journal or on standard error, at any level
/// of detail. An enrolment shows the key, the URI and all recovery codes.
/// `tests/behaviour/enrolments/test_login_enrolment_services.py` proves this for each. `cockpit-session`, for example,
/// copies all of it into the journal. The column `enrols` of `conf/programs.toml` says the same.
pub const ENROLLING: [&str; 6] = ["doas", "greetd", "login", "sshd", "su", "su-l"];

/// The portal's service. The portal is ours: it hands what a login shows to the user's browser, and writes none of it. Its
/// logins set up authenticators only if the policy names it.
pub const PORTAL: &str = "otp-portal";

/// Services whose programs put all that they show on one line. Line ends and runs of spaces are lost, and every
/// character that is not ASCII becomes a question mark, except in questions. `cockpit-session` 287 does so.
const JOINING: [&str; 1] = ["cockpit"];

const LIMIT: u64 = 64 * 1024;
/// The depth of includes that libpam follows.
const DEEPEST: usize = 16;
/// More files than any service includes, each counted as often as it is included.
const MOST_FILES: u32 = 500;

/// A service that has one of our lines.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a kind of line that is there or not"
)]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// Its name.
    pub name: String,
    /// Whether it asks for a code.
    pub asks: bool,
    /// How surely logins reach the account line.
    pub account_line: AccountLine,
    /// Whether `nullok` lets users in who have no authenticator: no line of ours is without it.
    pub excuses: bool,
    /// Whether an account line of ours has `nullok`: it sets up no authenticator.
    pub account_excuses: bool,
    /// Whether a line that asks for a code has `nullok`, but an account line does not.
    pub forgets_nullok: bool,
    /// Whether a `password` line is ours: it answers `PAM_IGNORE` and changes nothing.
    pub has_password_line: bool,
    /// Whether a `session` line is ours: it does nothing.
    pub has_session_line: bool,
    /// Whether another module finds out who the user is.
    pub proves_identity: bool,
}

/// Whether a login to this service may set up an authenticator. `policy`: the one for this service. An administrator
/// who names the service there takes responsibility for what its program keeps.
#[must_use]
pub fn may_enrol_in(service: &str, policy: EnrollPolicy) -> bool {
    policy.is_for_service || ENROLLING.contains(&service)
}

/// Whether the program of a service puts all that it shows on one line, and shows only its questions unchanged.
#[must_use]
pub fn joins_messages(service: &str) -> bool {
    JOINING.contains(&service)
}

/// The files of all services.
pub struct Stacks {
    directories: Vec<PathBuf>,
}

impl Default for Stacks {
    fn default() -> Self {
        Self::in_directories(DIRECTORIES.map(PathBuf::from))
    }
}

impl Stacks {
    /// Returns the files in these directories; if a service is in several, the first counts.
    #[must_use]
    pub fn in_directories(directories: impl IntoIterator<Item = PathBuf>) -> Self {
        Self {
            directories: directories.into_iter().collect(),
        }
    }

    /// Says whether every login to a service reaches the account line of this module.
    ///
    /// # Errors
    /// A file cannot be read, or includes nest without end.
    pub fn account_line(&self, service: &str) -> Result<AccountLine, Error> {
        Ok(self.walk(service, "account")?.found())
    }

    /// Whether a service has another module that finds out who the user is.
    ///
    /// # Errors
    /// As for [`Stacks::account_line`].
    pub fn proves_identity(&self, service: &str) -> Result<bool, Error> {
        Ok(self.walk(service, "auth")?.proves_identity)
    }

    /// Whether a service has our line for codes or our account line.
    ///
    /// # Errors
    /// As for [`Stacks::account_line`].
    pub fn has_line(&self, service: &str) -> Result<bool, Error> {
        let walk = |kind| self.walk(service, kind);
        Ok(walk("auth")?.ours.is_some() || walk("account")?.ours.is_some())
    }

    /// Returns the services of `/etc/pam.d` that have one of our lines, sorted.
    ///
    /// # Errors
    /// As for [`Stacks::account_line`].
    pub fn services(&self) -> Result<Vec<Service>, Error> {
        let mut services = Vec::new();
        let Some(directory) = self.directories.first() else {
            return Ok(services);
        };
        let shown = directory.display().to_string();
        let failed = |error| Error::io(&shown, Deed::List, error);
        for entry in std::fs::read_dir(directory).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            if is_no_service(&name) || !entry.path().is_file() {
                continue;
            }
            let auth = self.walk(&name, "auth")?;
            let asks = auth.ours.is_some();
            let account = self.walk(&name, "account")?;
            let account_line = account.found();
            let has_password_line = self.walk(&name, "password")?.ours.is_some();
            let has_session_line = self.walk(&name, "session")?.ours.is_some();
            if asks || account_line != AccountLine::Missing || has_password_line || has_session_line
            {
                services.push(Service {
                    name,
                    asks,
                    account_line,
                    excuses: auth.nullok && !auth.demands && !account.demands,
                    account_excuses: account.nullok,
                    forgets_nullok: auth.nullok && account.demands,
                    has_password_line,
                    has_session_line,
                    proves_identity: auth.proves_identity,
                });
            }
        }
        services.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(services)
    }

    fn walk(&self, service: &str, kind: &str) -> Result<Walk, Error> {
        let mut walk = Walk::default();
        let mut left = MOST_FILES;
        let has_lines = self.follow(service, kind, (0, &mut left), &mut walk)?;
        if !has_lines {
            self.follow(OTHER, kind, (0, &mut left), &mut walk)?;
        }
        Ok(walk)
    }

    /// Walks over the lines of one file and of the files that it includes; returns whether there were any.
    fn follow(
        &self,
        service: &str,
        kind: &str,
        (depth, left): (usize, &mut u32),
        walk: &mut Walk,
    ) -> Result<bool, Error> {
        let Some((path, text)) = self.read(service)? else {
            // Other builds of libpam look in more places.
            walk.doubtful |= depth > 0;
            return Ok(false);
        };
        let too_much = |reason| Err(Error::unparsed(&path, Unparsed::whole(reason)));
        if depth > DEEPEST {
            return too_much(Unfit::IncludesTooDeep);
        }
        *left = match left.checked_sub(1) {
            Some(left) => left,
            None => return too_much(Unfit::IncludesTooManyFiles),
        };
        // Which lines continue where has changed between releases of libpam, and C reads only up to a NUL.
        walk.doubtful |= text.contains(['\\', '\0']);
        let mut has_lines = false;
        for line in joined(&text) {
            match Line::parse(&line) {
                Some(Line::IncludeAll(file)) => {
                    has_lines |= self.follow(file, kind, (depth + 1, left), walk)?;
                }
                Some(Line::Module {
                    kind: of,
                    control,
                    module,
                    arguments,
                }) if of.eq_ignore_ascii_case(kind) => {
                    has_lines = true;
                    match control {
                        "include" => {
                            self.follow(module, kind, (depth + 1, left), walk)?;
                        }
                        "substack" => {
                            let mut inner = Walk::default();
                            self.follow(module, kind, (depth + 1, left), &mut inner)?;
                            walk.pass_substack(&inner);
                        }
                        _ => walk.pass(control, module, arguments),
                    }
                }
                Some(Line::Module { .. }) | None => {}
            }
        }
        Ok(has_lines)
    }

    /// Returns the path and text of a service's file; `None`: there is none.
    fn read(&self, service: &str) -> Result<Option<(String, String)>, Error> {
        let candidates: Vec<PathBuf> = if service.starts_with('/') {
            vec![PathBuf::from(service)]
        } else {
            let in_directory = |directory: &PathBuf| directory.join(service);
            self.directories.iter().map(in_directory).collect()
        };
        for path in candidates {
            let shown = path.display().to_string();
            match read_text(&path) {
                Ok(text) => return Ok(Some((shown, text))),
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(Error::io(&shown, Deed::Read, error)),
            }
        }
        Ok(None)
    }
}

/// Whether a name is that of a leftover of a package or an editor, or of a file that services only include:
/// `common-auth` of Debian, `system-auth` and `password-auth` of Fedora and similar distributions.
pub(crate) fn is_no_service(name: &str) -> bool {
    name.contains(".dpkg-")
        || name.ends_with('~')
        || name.starts_with("common-")
        || name.starts_with("system-")
        || name.ends_with("-auth")
}

pub(crate) fn read_text(path: &Path) -> std::io::Result<String> {
    read_up_to(path, LIMIT)
}

/// Reads the text of a file of at most this many bytes. Never waits for a fifo, which may never be written to.
pub(crate) fn read_up_to(path: &Path, limit: u64) -> std::io::Result<String> {
    let flags = (OFlag::O_NONBLOCK | OFlag::O_NOCTTY).bits();
    let file = File::options().read(true).custom_flags(flags).open(path)?;
    if file.metadata()?.file_type().is_fifo() {
        return Err(std::io::Error::other(Unfit::Fifo));
    }
    let mut text = Vec::new();
    file.take(limit + 1).read_to_end(&mut text)?;
    if text.len() as u64 > limit {
        return Err(ErrorKind::FileTooLarge.into());
    }
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// The findings on the way through a stack.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a kind of line that was met or not"
)]
#[derive(Default)]
struct Walk {
    /// A line that can end the stack, or jump, before ours.
    leads_around: bool,
    /// A line that can undo a refusal, or that not every release of libpam reads in the same way.
    doubtful: bool,
    /// Whether a refusal of our first line counts; `None`: none of our lines was met.
    ours: Option<bool>,
    /// A module that finds out who the user is.
    proves_identity: bool,
    /// One of our lines with `nullok`.
    nullok: bool,
    /// One of our lines without `nullok`.
    demands: bool,
}

impl Walk {
    fn pass(&mut self, control: &str, module: &str, arguments: &str) {
        let name = Path::new(module).file_name().and_then(OsStr::to_str);
        let is_ours = name == Some(MODULE);
        let control = Control::parse(control);
        self.doubtful |= control.forgets;
        self.proves_identity |= name.is_some_and(|name| PROVES_IDENTITY.contains(&name));
        if is_ours {
            let nullok = words(arguments).any(|one| one == "nullok");
            self.nullok |= nullok;
            self.demands |= !nullok;
        }
        if self.ours.is_some() {
            return;
        }
        if is_ours {
            self.ours = Some(control.refuses && !self.leads_around);
        } else {
            self.leads_around |= control.leads_on;
        }
    }

    /// Adds a substack. The end of a substack does not end the stack around it.
    fn pass_substack(&mut self, inner: &Self) {
        self.doubtful |= inner.doubtful;
        self.proves_identity |= inner.proves_identity;
        self.nullok |= inner.nullok;
        self.demands |= inner.demands;
        if self.ours.is_none() {
            self.ours = inner.ours.map(|counts| counts && !self.leads_around);
        }
    }

    const fn found(&self) -> AccountLine {
        match self.ours {
            None => AccountLine::Missing,
            Some(true) if !self.doubtful => AccountLine::Sure,
            Some(_) => AccountLine::LedAround,
        }
    }
}

/// What the control field of a line can do.
struct Control {
    /// End the stack with success, or skip lines.
    leads_on: bool,
    /// Undo earlier refusals.
    forgets: bool,
    /// Turn a refusal of the module into one of the stack.
    refuses: bool,
}

impl Control {
    fn parse(text: &str) -> Self {
        let simple = |leads_on, refuses| Self {
            leads_on,
            forgets: false,
            refuses,
        };
        match text.to_ascii_lowercase().as_str() {
            "required" | "requisite" => return simple(false, true),
            "optional" => return simple(false, false),
            "sufficient" => return simple(true, false),
            _ => {}
        }
        let actions: Option<Vec<(&str, Action)>> = words(text).map(Action::parse).collect();
        // A field that this code does not read as libpam does can mean anything.
        let Some(actions) = actions else {
            return Self {
                leads_on: true,
                forgets: true,
                refuses: false,
            };
        };
        let some = |wanted: Action| actions.iter().any(|(_, action)| *action == wanted);
        let ours = |value: &str| matches!(value, "success" | "new_authtok_reqd" | "ignore");
        Self {
            leads_on: some(Action::LeadsOn),
            forgets: some(Action::Forgets),
            refuses: actions.contains(&("default", Action::Refuses))
                && actions
                    .iter()
                    .all(|(value, action)| ours(value) || *action == Action::Refuses),
        }
    }
}

/// What libpam does with one answer of a module, according to a control field.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Action {
    /// `bad`, `die`
    Refuses,
    /// `ok`, `ignore`
    GoesOn,
    /// `done`, or a number of lines to jump over
    LeadsOn,
    /// `reset`
    Forgets,
}

impl Action {
    /// Reads `VALUE=ACTION`; `None`: the text does not have this form.
    fn parse(text: &str) -> Option<(&str, Self)> {
        let (value, action) = text.split_once('=')?;
        let action = match action.to_ascii_lowercase().as_str() {
            "bad" | "die" => Self::Refuses,
            "ok" | "ignore" => Self::GoesOn,
            "done" => Self::LeadsOn,
            "reset" => Self::Forgets,
            number if !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()) => {
                Self::LeadsOn
            }
            _ => return None,
        };
        let is_word = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
        (!value.is_empty() && value.bytes().all(is_word)).then_some((value, action))
    }
}

/// One line that means something.
#[derive(Debug, PartialEq, Eq)]
enum Line<'a> {
    /// `@include FILE`
    IncludeAll(&'a str),
    /// `TYPE CONTROL MODULE ...`
    Module {
        kind: &'a str,
        control: &'a str,
        module: &'a str,
        arguments: &'a str,
    },
}

impl<'a> Line<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let (kind, rest) = word(line)?;
        // libpam accepts it in any case.
        if kind.eq_ignore_ascii_case("@include") {
            return Some(Self::IncludeAll(word(rest)?.0));
        }
        let (control, rest) = word(rest)?;
        let (module, arguments) = word(rest)?;
        Some(Self::Module {
            // With a dash, a missing module is not logged.
            kind: kind.strip_prefix('-').unwrap_or(kind),
            control,
            module,
            arguments,
        })
    }
}

/// What separates words for libpam, apart from the end of a line; nothing else does, not even a carriage return.
const BLANKS: [char; 2] = [' ', '\t'];

pub(crate) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(BLANKS).filter(|word| !word.is_empty())
}

/// Returns the next word, and the rest of the text. Text in brackets is one word. It ends at the first closing bracket
/// without a backslash before it, or at the end of the text.
pub(crate) fn word(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start_matches(BLANKS);
    let Some(inside) = text.strip_prefix('[') else {
        let end = text.find(BLANKS).unwrap_or(text.len());
        return (end > 0).then(|| text.split_at(end));
    };
    let closes = inside
        .match_indices(']')
        .map(|(at, _)| at)
        .find(|&at| !inside[..at].ends_with('\\'));
    let word = &inside[..closes.unwrap_or(inside.len())];
    Some((word, &inside[closes.map_or(inside.len(), |at| at + 1)..]))
}

/// Returns the lines without comments. A line that ends in a backslash continues in the next line that is neither empty
/// nor a comment. A comment after the backslash ends the line.
fn joined(text: &str) -> Vec<String> {
    let numbered = numbered(text).into_iter();
    numbered.map(|(_, line)| line).collect()
}

/// Returns the same lines, each with the number of the line in which it begins.
pub(crate) fn numbered(text: &str) -> Vec<(usize, String)> {
    let mut lines = Vec::new();
    let mut begun = String::new();
    let mut first = None;
    for (at, line) in text.split('\n').enumerate() {
        let line = line.trim_start_matches(BLANKS);
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (before, continues) = match line.split_once('#') {
            Some((before, _)) => (before, None),
            None => (line, line.trim_end_matches(BLANKS).strip_suffix('\\')),
        };
        let begins = *first.get_or_insert(at + 1);
        if let Some(start) = continues {
            begun.push_str(start);
            begun.push(' ');
        } else {
            begun.push_str(before);
            lines.push((begins, std::mem::take(&mut begun)));
            first = None;
        }
    }
    lines.push((first.unwrap_or(1), begun));
    lines
}

#[cfg(test)]
mod tests;
