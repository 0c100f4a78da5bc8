//! The lines that go into a service's file, and how they are taken out again. This works only on texts: no file is read
//! or written.
//!
//! Added lines stand below a comment that says so. If they replaced a line, the comment contains it, so that the file
//! alone shows what stood there.

use crate::stack::{MODULE, PROVES_IDENTITY, word, words};
use std::ffi::OsStr;
use std::path::Path;

/// The line that asks for a code, and checks it.
pub const CODE: &str = "auth    required    pam_otp.so";
/// The lines for a program that asks once; they replace the lines that check the password.
pub const ONE_REPLY: [&str; 3] = [
    "auth    required    pam_otp.so split",
    "auth    requisite   pam_unix.so use_first_pass",
    CODE,
];
/// The lines as README.md once had them: there, the second line asks again after a wrong password.
const ONE_REPLY_BEFORE: [&str; 3] = [
    ONE_REPLY[0],
    "auth    requisite   pam_unix.so try_first_pass",
    CODE,
];
/// The same on one line, for people.
pub const BY_HAND: &str = "auth required pam_otp.so split | auth requisite pam_unix.so use_first_pass | auth required pam_otp.so";
/// The account line of pam_otp-setup(7): `unprotect` takes it out too.
const ACCOUNT: &str = "account    required    pam_otp.so";

/// The beginning of the comment above added lines.
const MARK: &str = "# otp-admin protect: the next ";
const ONE: &str = "line";
const INSTEAD: &str = " lines, in place of: ";

/// What a line includes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intake<'a> {
    /// `common-auth`, by `@include` or `include`: the stack continues below it only if the password was right.
    Common,
    /// `common-auth` by `substack`: the stack continues below it even after a wrong password.
    CommonSubstack,
    /// `system-auth` or `password-auth`: the stack ends there if the password was right.
    System,
    /// The lines of another service.
    Service(&'a str),
}

/// Why there is no new text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misfit {
    /// There is not exactly one line beside which ours belongs.
    NoPlace,
    /// The line of that number cannot be read with certainty.
    Unreadable(usize),
    /// The line of that number is ours, but was not written by this code.
    OursOtherwise(usize),
    /// The line of that number lets users in before a code is asked for.
    LedAround(usize),
    /// It is unknown what stood where the line of that number stands.
    NothingToPutBack(usize),
}

/// A line with its number.
struct Numbered<'a> {
    number: usize,
    raw: &'a str,
    said: Option<Said<'a>>,
}

/// What libpam reads in a line.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Said<'a> {
    kind: &'a str,
    control: &'a str,
    module: &'a str,
    arguments: &'a str,
}

impl<'a> Said<'a> {
    fn of(raw: &'a str) -> Option<Self> {
        let line = raw.split_once('#').map_or(raw, |(before, _)| before);
        let line = line.trim_end_matches(['\n', ' ', '\t']);
        let (kind, rest) = word(line)?;
        let kind = kind.strip_prefix('-').unwrap_or(kind);
        let (control, rest) = word(rest)?;
        if kind.eq_ignore_ascii_case("@include") {
            let (module, arguments) = (control, rest);
            let control = "";
            return Some(Self {
                kind,
                control,
                module,
                arguments,
            });
        }
        let (module, arguments) = word(rest)?;
        Some(Self {
            kind,
            control,
            module,
            arguments,
        })
    }

    fn is_ours(&self) -> bool {
        self.file_name() == MODULE
    }

    fn file_name(&self) -> &'a str {
        let name = Path::new(self.module).file_name().and_then(OsStr::to_str);
        name.unwrap_or("")
    }

    fn is_include(&self) -> bool {
        self.control.is_empty() || matches!(self.control, "include" | "substack")
    }

    /// Whether the line helps to decide who is let in.
    fn is_auth(&self) -> bool {
        self.control.is_empty() || self.kind.eq_ignore_ascii_case("auth")
    }

    fn intake(&self) -> Option<Intake<'a>> {
        if !self.is_auth() || !self.is_include() {
            return None;
        }
        match self.module {
            "common-auth" if self.control == "substack" => Some(Intake::CommonSubstack),
            "common-auth" => Some(Intake::Common),
            "system-auth" | "password-auth" => Some(Intake::System),
            // Fedora includes this below its own lines; it lets nobody in.
            "postlogin" => None,
            other if other.starts_with("common-") => None,
            other => Some(Intake::Service(other)),
        }
    }

    /// Whether the module can end the stack with success at this line.
    fn ends(&self) -> bool {
        let control = self.control.to_ascii_lowercase();
        control == "sufficient" || actions(&control).any(|action| action == "done")
    }

    /// Returns the most lines that this line can make libpam skip.
    fn jumps(&self) -> usize {
        let numbers = actions(self.control).filter_map(|action| action.parse().ok());
        numbers.max().unwrap_or(0)
    }

    fn leads_on(&self) -> bool {
        self.ends() || self.jumps() > 0
    }
}

/// Returns the actions of a control field in brackets, for all answers of the module.
fn actions(control: &str) -> impl Iterator<Item = &str> {
    words(control).filter_map(|word| Some(word.split_once('=')?.1))
}

fn numbered(text: &str) -> Result<Vec<Numbered<'_>>, Misfit> {
    let lines = text.split_inclusive('\n').enumerate();
    lines
        .map(|(at, raw)| {
            let number = at + 1;
            // Which lines continue where differs between releases of libpam, and C reads only up to a NUL.
            let goes_on = !raw.trim_start().starts_with('#') && raw.contains('\\');
            if goes_on || raw.contains('\0') {
                return Err(Misfit::Unreadable(number));
            }
            let said = Said::of(raw);
            Ok(Numbered { number, raw, said })
        })
        .collect()
}

/// Returns the numbers of the lines by which this module asks for a code.
///
/// # Errors
/// A line cannot be read with certainty.
pub fn asking(text: &str) -> Result<Vec<usize>, Misfit> {
    let lines = numbered(text)?;
    let asks = |said: Said| said.is_ours() && said.is_auth();
    let asking = lines.iter().filter(|line| line.said.is_some_and(asks));
    Ok(asking.map(|line| line.number).collect())
}

/// Returns the modules of the authentication in a text, in order, and the files that it includes for it.
///
/// # Errors
/// A line cannot be read with certainty.
pub fn steps(text: &str) -> Result<Vec<Step<'_>>, Misfit> {
    Ok(numbered(text)?.iter().filter_map(Step::of).collect())
}

/// One line of the authentication.
pub struct Step<'a> {
    /// The number of the line, from 1.
    pub number: usize,
    /// The file that it includes; `None`: it calls a module.
    pub file: Option<&'a str>,
    /// Whether the module finds out who the user is.
    pub proves: bool,
    /// The module.
    pub module: &'a str,
    /// The words after it.
    pub arguments: &'a str,
    /// Whether it can end the stack with success.
    pub ends: bool,
    /// The most lines that it can make libpam skip.
    pub jumps: usize,
}

impl<'a> Step<'a> {
    fn of(line: &Numbered<'a>) -> Option<Self> {
        let said = line.said.filter(Said::is_auth)?;
        Some(Self {
            number: line.number,
            file: said.is_include().then_some(said.module),
            proves: !said.is_include() && PROVES_IDENTITY.contains(&said.file_name()),
            module: said.file_name(),
            arguments: said.arguments,
            ends: said.ends(),
            jumps: said.jumps(),
        })
    }
}

/// Returns what is included by the one line with which a service finds out who the user is.
///
/// # Errors
/// There is no such line, there are several, or a line cannot be read with certainty.
pub fn intake(text: &str) -> Result<Intake<'_>, Misfit> {
    place(&numbered(text)?).map(|(_, intake)| intake)
}

fn place<'a>(lines: &[Numbered<'a>]) -> Result<(usize, Intake<'a>), Misfit> {
    let of = |(at, line): (usize, &Numbered<'a>)| Some((at, line.said?.intake()?));
    let mut found = lines.iter().enumerate().filter_map(of);
    match (found.next(), found.next()) {
        (Some(one), None) => Ok(one),
        (Some(_), Some(_)) | (None, _) => Err(Misfit::NoPlace),
    }
}

/// Which lines are to be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// A separate question for the code. `skips`: a module that may let users in before it (`pam_rootok` in `su`).
    Code {
        /// That module.
        skips: Option<&'static str>,
    },
    /// Password and code in one reply.
    OneReply,
}

/// Returns the text with the lines in it.
///
/// # Errors
/// They have no certain place in it.
pub fn put_in(text: &str, wanted: Wanted) -> Result<String, Misfit> {
    let lines = numbered(text)?;
    // An account line asks for no code.
    let is_in_the_way = |line: &&Numbered| {
        line.said
            .is_some_and(|said| said.is_ours() && !same(said, ACCOUNT))
    };
    if let Some(line) = lines.iter().find(is_in_the_way) {
        return Err(Misfit::OursOtherwise(line.number));
    }
    let (at, intake) = place(&lines)?;
    let skips = match wanted {
        Wanted::Code { skips } => skips,
        Wanted::OneReply => None,
    };
    for line in &lines[..at] {
        let Some(said) = line
            .said
            .filter(|said| said.is_auth() && !said.control.is_empty())
        else {
            continue;
        };
        if said.leads_on() && Some(said.file_name()) != skips {
            return Err(Misfit::LedAround(line.number));
        }
    }
    // If one of the service's own modules finds out who the user is, it may let users in whatever stands here.
    let proves = |line: &&Numbered| {
        let said = line.said.filter(Said::is_auth);
        said.is_some_and(|said| PROVES_IDENTITY.contains(&said.file_name()))
    };
    if let Some(line) = lines.iter().find(proves) {
        return Err(Misfit::LedAround(line.number));
    }
    let line = &lines[at];
    let said = line.raw.trim_end_matches(['\n', ' ', '\t']);
    let one = format!("{MARK}{ONE}\n{CODE}\n");
    let instead = |lines: &[&str]| {
        let count = lines.len();
        format!("{MARK}{count}{INSTEAD}{said}\n{}\n", lines.join("\n"))
    };
    let new = match (wanted, intake) {
        (Wanted::OneReply, _) => instead(&ONE_REPLY),
        (Wanted::Code { .. }, Intake::Common | Intake::Service(_)) => format!("{said}\n{one}"),
        (Wanted::Code { .. }, Intake::CommonSubstack) => {
            instead(&["auth    include     common-auth", CODE])
        }
        (Wanted::Code { .. }, Intake::System) => format!("{one}{said}\n"),
    };
    let before = lines[..at].iter().map(|line| line.raw);
    let after = lines[at + 1..].iter().map(|line| line.raw);
    Ok(before.chain([new.as_str()]).chain(after).collect())
}

/// Returns the text without the lines that `protect` adds, or that pam_otp-setup(7) tells administrators to add.
/// `replaced`: the line that a kept copy has where the three lines for one reply stand without the comment.
///
/// # Errors
/// One of our lines is none of those, or nothing shows what stood there before.
pub fn take_out(text: &str, replaced: Option<&str>) -> Result<String, Misfit> {
    let lines = numbered(text)?;
    let mut kept = String::new();
    let mut at = 0;
    while let Some(line) = lines.get(at) {
        let rest = &lines[at..];
        if let Some((count, back)) = marked(rest)? {
            if let Some(back) = back {
                kept.push_str(back);
                kept.push('\n');
            }
            is_counted_by_nobody(&lines, at + 1)?;
            at += count;
            continue;
        }
        let Some(said) = line.said.filter(Said::is_ours) else {
            kept.push_str(line.raw);
            at += 1;
            continue;
        };
        if are(rest, &ONE_REPLY) || are(rest, &ONE_REPLY_BEFORE) {
            let back = replaced.filter(|line| is_sound(line));
            kept.push_str(back.ok_or(Misfit::NothingToPutBack(line.number))?);
            kept.push('\n');
            is_counted_by_nobody(&lines, at)?;
            at += ONE_REPLY.len();
        } else if same(said, CODE) || same(said, ACCOUNT) {
            is_counted_by_nobody(&lines, at)?;
            at += 1;
        } else {
            return Err(Misfit::OursOtherwise(line.number));
        }
    }
    Ok(kept)
}

/// Refuses if a line above can jump over this one: without this line, it would skip another one.
fn is_counted_by_nobody(lines: &[Numbered<'_>], at: usize) -> Result<(), Misfit> {
    let Some(ours) = lines.get(at).and_then(|line| line.said) else {
        return Ok(());
    };
    let mut between = 0;
    for said in lines[..at].iter().rev().filter_map(|line| line.said) {
        // It is not known here how many lines another file has: it may have none.
        let is_of_it = !said.is_include() && said.kind.eq_ignore_ascii_case(ours.kind);
        if is_of_it && said.jumps() > between {
            return Err(Misfit::OursOtherwise(lines[at].number));
        }
        between += usize::from(is_of_it);
    }
    Ok(())
}

/// Returns the line that stood in a text where `protect` would replace it.
#[must_use]
pub fn replaced(before: &str) -> Option<String> {
    let lines = numbered(before).ok()?;
    let (at, _) = place(&lines).ok()?;
    let said = lines[at].raw.trim_end_matches(['\n', ' ', '\t']);
    Some(said.to_owned())
}

/// For lines that begin with this module's comment, returns how many they are, including the comment, and what stood
/// there.
fn marked<'a>(lines: &[Numbered<'a>]) -> Result<Option<(usize, Option<&'a str>)>, Misfit> {
    let first = &lines[0];
    let said = first
        .raw
        .strip_prefix(MARK)
        .map(|said| said.trim_end_matches('\n'));
    let Some(said) = said else {
        return Ok(None);
    };
    let below = &lines[1..];
    // The lines below were changed: the rest of ours is examined line by line.
    let no_longer = Ok(None);
    if said == ONE {
        return if are(below, &[CODE]) {
            Ok(Some((2, None)))
        } else {
            no_longer
        };
    }
    let Some((_, back)) = said.split_once(INSTEAD) else {
        return no_longer;
    };
    let count = if are(below, &ONE_REPLY) {
        1 + ONE_REPLY.len()
    } else if are(below, &["auth include common-auth", CODE]) {
        3
    } else {
        return no_longer;
    };
    if is_sound(back) {
        Ok(Some((count, Some(back))))
    } else {
        Err(Misfit::NothingToPutBack(first.number))
    }
}

/// Whether a line includes the authentication of the system or of another service, and does nothing else.
fn is_sound(line: &str) -> bool {
    Said::of(line).and_then(|said| said.intake()).is_some()
}

fn are(lines: &[Numbered<'_>], wanted: &[&str]) -> bool {
    let is = |(line, wanted): (&Numbered, &&str)| line.said.is_some_and(|said| same(said, wanted));
    lines.len() >= wanted.len() && lines.iter().zip(wanted).all(is)
}

/// Whether a line is this one, however it is spaced.
fn same(said: Said<'_>, wanted: &str) -> bool {
    let Some(wanted) = Said::of(wanted) else {
        return false;
    };
    said.kind.eq_ignore_ascii_case(wanted.kind)
        && said.control == wanted.control
        && said.module == wanted.module
        && words(said.arguments).eq(words(wanted.arguments))
}

#[cfg(test)]
mod tests;
