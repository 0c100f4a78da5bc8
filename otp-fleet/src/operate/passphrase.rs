//! The key of a backup: from a file, or made from a passphrase.

use super::sealed_file::{Asks, Secret};
use super::told::why_of;
use nix::sys::signal::SigSet;
use nix::sys::stat::Mode;
use otp_core::messages::fleet::{Unable, Why};
use otp_core::messages::reason::Wording;
use otp_core::record::Language;
use otp_enroll::terminal::{Echo, Terminal};
use std::fs::OpenOptions;
use std::io::Read;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use zeroize::Zeroizing;

/// The shortest passphrase, in characters; shorter ones can be guessed, whatever each guess costs.
const LEAST: usize = 12;
const MOST: usize = 1024;

/// Returns the key for a new backup.
pub fn for_new(key_file: Option<&Path>, language: Language) -> Result<Secret, Unable> {
    let question = match language {
        Language::English => "Passphrase for the backup: ",
        Language::Korean => "백업 암호: ",
    };
    new(key_file, question, language)
}

/// Returns the key for a new file with a sealing key.
pub fn for_key(key_file: Option<&Path>, language: Language) -> Result<Secret, Unable> {
    let question = match language {
        Language::English => "Passphrase for the file: ",
        Language::Korean => "파일 암호: ",
    };
    new(key_file, question, language)
}

fn new(key_file: Option<&Path>, question: &str, language: Language) -> Result<Secret, Unable> {
    if let Some(path) = key_file {
        return of_file(path);
    }
    let first = asked(question)?;
    if first.chars().count() < LEAST {
        let least = u32::try_from(LEAST).expect("12 fits in a u32");
        return Err(Unable::ShortPassphrase { least });
    }
    let again = asked(match language {
        Language::English => "The same again: ",
        Language::Korean => "다시 입력: ",
    })?;
    if *first != *again {
        return Err(Unable::PassphrasesDiffer);
    }
    Ok(Secret::Passphrase(first))
}

/// Returns the key of an existing backup.
pub fn for_old(
    asks: Asks,
    path: &Path,
    key_file: Option<&Path>,
    language: Language,
) -> Result<Secret, Unable> {
    let question = match language {
        Language::English => "Passphrase of the backup: ",
        Language::Korean => "백업 암호: ",
    };
    old(asks, path, key_file, question)
}

/// Returns the key of an existing file with a sealing key.
pub fn for_old_key(
    asks: Asks,
    path: &Path,
    key_file: Option<&Path>,
    language: Language,
) -> Result<Secret, Unable> {
    let question = match language {
        Language::English => "Passphrase of the file: ",
        Language::Korean => "파일 암호: ",
    };
    old(asks, path, key_file, question)
}

fn old(asks: Asks, path: &Path, key_file: Option<&Path>, question: &str) -> Result<Secret, Unable> {
    match (asks, key_file) {
        (Asks::Key, Some(key_file)) => of_file(key_file),
        (Asks::Passphrase, None) => asked(question).map(Secret::Passphrase),
        _ => Err(Unable::WrongKey {
            path: path.display().to_string(),
        }),
    }
}

fn of_file(path: &Path) -> Result<Secret, Unable> {
    let unusable = |reason: Wording| Unable::UnusableKey {
        path: path.display().to_string(),
        reason,
    };
    let flags = nix::fcntl::OFlag::O_NOFOLLOW | nix::fcntl::OFlag::O_NONBLOCK;
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits())
        .open(path);
    let file = file.map_err(|error| unusable(why_of(&error)))?;
    let found = file.metadata().map_err(|error| unusable(why_of(&error)))?;
    let own = nix::unistd::geteuid().as_raw();
    if !found.is_file() || found.len() != 32 {
        return Err(unusable(Why::NotOfKeyLength.into()));
    }
    let open = Mode::S_IRWXG.bits() | Mode::S_IRWXO.bits();
    if (found.uid() != 0 && found.uid() != own) || found.mode() & open != 0 {
        return Err(unusable(Why::OpenToOthers.into()));
    }
    let mut key = Zeroizing::new([0; 32]);
    let mut file = file;
    let read = file.read_exact(&mut *key);
    read.map_err(|error| unusable(why_of(&error)))?;
    Ok(Secret::Key(key))
}

/// Asks at the terminal, without showing the typed text. However the question ends, the terminal shows typed text
/// again afterwards.
fn asked(question: &str) -> Result<Zeroizing<String>, Unable> {
    let before = SigSet::thread_get_mask().map_err(|_| Unable::NoPassphrase)?;
    let terminal = Terminal::open().ok_or(Unable::NoPassphrase)?;
    // A person who leaves gets a message: the signal stays blocked.
    let line = terminal.ask(question, Echo::Off);
    let line = line.map_err(|_| Unable::NoPassphrase)?;
    // After the question, Ctrl-C ends the command as usual.
    before.thread_set_mask().map_err(|_| Unable::NoPassphrase)?;
    if line.is_empty() || line.len() > MOST {
        return Err(Unable::NoPassphrase);
    }
    let typed = std::str::from_utf8(&line).map_err(|_| Unable::NoPassphrase)?;
    Ok(Zeroizing::new(typed.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::assert_korean;
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn the_reason_why_a_file_is_not_a_key_is_told_in_the_language_of_the_command() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        fs::write(at("short"), [0; 31]).unwrap();
        fs::write(at("open"), [0; 32]).unwrap();
        fs::set_permissions(at("open"), Permissions::from_mode(0o640)).unwrap();
        symlink("short", at("link")).unwrap();
        for (name, english) in [
            ("none", "No such file or directory (os error 2)"),
            ("short", "is no file of 32 bytes"),
            ("open", "others than its owner can read or write it"),
            ("link", "Too many levels of symbolic links (os error 40)"),
        ] {
            let path = at(name);
            let unable = of_file(&path).err().unwrap();
            let path = path.display();
            assert_eq!(
                unable.text(Language::English),
                format!("{path}: is not a key: {english}")
            );
            assert_korean(&unable.text(Language::Korean), &[&path.to_string()]);
        }
    }
}
