//! Files that a command names, if they are on another machine: that of a fleet's administrator, who has sent them
//! along.

use super::import::read_of_root;
use super::route::language;
use crate::cli::{Admin, AdminCommand, ImportCommand};
use crate::failure::Failure;
use crate::failure::system;
use otp_core::messages::fleet::Unable;
use otp_core::messages::reason::{Unfit, Wording};
use otp_core::messages::report::Unasked;
use otp_core::messages::trouble::Trouble;
use otp_core::record::Language;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::OnceLock;
use zeroize::Zeroizing;

/// The largest size of one file, in bytes. A verifier accepts no more than this for all files of a session.
pub const LIMIT: u64 = otp_import::LIMIT;

/// Standard input, as `--users -` names it.
pub const STANDARD_INPUT: &str = "-";

/// Files by the paths that the administrator named. They may hold keys, and are wiped on drop.
#[derive(Default)]
pub struct Sent(BTreeMap<PathBuf, Zeroizing<Vec<u8>>>);

impl Sent {
    /// Adds a file.
    pub fn add(&mut self, path: PathBuf, content: Zeroizing<Vec<u8>>) {
        self.0.insert(path, content);
    }

    /// Returns the content that was sent for a path; `None`: nothing was sent.
    #[must_use]
    pub fn content(&self, path: &Path) -> Option<&[u8]> {
        self.0.get(path).map(|content| content.as_slice())
    }

    /// Returns all files.
    pub fn iter(&self) -> impl Iterator<Item = (&Path, &[u8])> {
        let all = self.0.iter();
        all.map(|(path, content)| (path.as_path(), content.as_slice()))
    }
}

/// Reads the files that a command names, to send them along: the files of an import must be root's; a list of users
/// may be any file.
///
/// # Errors
/// A file cannot be read, or is too large. This was reported; the error is the exit status.
pub fn gather(asked: &Admin) -> Result<Sent, ExitCode> {
    read_named(&asked.command).map_err(|failure| failure.report("otp-admin", language(asked)))
}

fn read_named(command: &AdminCommand) -> Result<Sent, Failure> {
    let mut sent = Sent::default();
    let mut of_root = |path: &Path| {
        let content = read_of_root(path, LIMIT).map_err(|reason| Trouble::NotReadable {
            path: path.display().to_string().escape_debug().to_string(),
            line: None,
            reason,
        })?;
        sent.add(path.to_owned(), content);
        Ok::<(), Failure>(())
    };
    match command {
        AdminCommand::Import {
            command: ImportCommand::GoogleAuthenticator { .. },
        } => return Err(Unable::OfUsersFiles.into()),
        AdminCommand::Import {
            command: ImportCommand::Oath { path, .. } | ImportCommand::Uris { path, .. },
        } => of_root(path)?,
        AdminCommand::Import {
            command: ImportCommand::Pskc { path, key_file, .. },
        } => {
            of_root(path)?;
            if let Some(key_file) = key_file {
                of_root(key_file)?;
            }
        }
        AdminCommand::Report {
            users: Some(path), ..
        } => {
            let unread = |error: io::Error| Unasked::NotRead {
                path: path.display().to_string(),
                reason: system(&error),
            };
            let content = whole(path).map_err(unread)?;
            sent.add(path.clone(), content);
        }
        _ => {}
    }
    Ok(sent)
}

fn whole(path: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut content = Zeroizing::new(Vec::new());
    let mut take = |source: &mut dyn Read| source.take(LIMIT + 1).read_to_end(&mut content);
    let read = if path == Path::new(STANDARD_INPUT) {
        take(&mut io::stdin().lock())?
    } else {
        take(&mut File::open(path)?)?
    };
    if u64::try_from(read).is_ok_and(|read| read <= LIMIT) {
        Ok(content)
    } else {
        Err(io::Error::other(too_large()))
    }
}

fn too_large() -> Wording {
    Wording::of(|language| match language {
        Language::English => format!("larger than {LIMIT} bytes"),
        Language::Korean => format!("{LIMIT}바이트보다 큽니다"),
    })
}

static SENT: OnceLock<Sent> = OnceLock::new();

/// From now on, arguments name only these files, and no file of this machine.
pub fn take_for_this_process(sent: Sent) {
    SENT.get_or_init(|| sent);
}

/// Returns the content sent for a path, or why there is none; `None`: files are those of this machine.
pub fn content_of(path: &Path) -> Option<Result<Zeroizing<Vec<u8>>, Unfit>> {
    let sent = SENT.get()?;
    let content = sent.0.get(path).cloned();
    Some(content.ok_or(Unfit::NotSent))
}

/// Whether files are those of another machine.
pub fn is_in_force() -> bool {
    SENT.get().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::tests::assert_is_told;

    #[test]
    fn a_file_that_is_too_large_is_told_in_every_language() {
        assert_is_told(&too_large(), "larger than 67108864 bytes");
    }
}
