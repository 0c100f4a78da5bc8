//! The key of a backup: from a file, or made of what an administrator types.

use super::sealed_file::{Asks, Secret};
use nix::sys::stat::Mode;
use nix::sys::termios::{self, LocalFlags, SetArg};
use otp_core::messages::fleet::Unable;
use otp_core::record::Language;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use zeroize::Zeroizing;

const TERMINAL: &str = "/dev/tty";
/// Shorter ones are guessed, whatever each guess costs.
const LEAST: usize = 12;
const MOST: u64 = 1024;

/// The key for a new backup.
pub fn for_new(key_file: Option<&Path>, language: Language) -> Result<Secret, Unable> {
    if let Some(path) = key_file {
        return of_file(path);
    }
    let first = asked(match language {
        Language::English => "Passphrase for the backup: ",
        Language::Korean => "백업 암호: ",
    })?;
    if first.chars().count() < LEAST {
        let least = u32::try_from(LEAST).expect("12");
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

/// The key of a backup that asks for it.
pub fn for_old(
    asks: Asks,
    path: &Path,
    key_file: Option<&Path>,
    language: Language,
) -> Result<Secret, Unable> {
    match (asks, key_file) {
        (Asks::Key, Some(key_file)) => of_file(key_file),
        (Asks::Passphrase, None) => asked(match language {
            Language::English => "Passphrase of the backup: ",
            Language::Korean => "백업 암호: ",
        })
        .map(Secret::Passphrase),
        _ => Err(Unable::WrongKey {
            path: path.display().to_string(),
        }),
    }
}

fn of_file(path: &Path) -> Result<Secret, Unable> {
    let unusable = |reason: &str| Unable::UnusableKey {
        path: path.display().to_string(),
        reason: reason.to_owned(),
    };
    let flags = nix::fcntl::OFlag::O_NOFOLLOW | nix::fcntl::OFlag::O_NONBLOCK;
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits())
        .open(path);
    let file = file.map_err(|error| unusable(&error.to_string()))?;
    let found = file
        .metadata()
        .map_err(|error| unusable(&error.to_string()))?;
    let own = nix::unistd::geteuid().as_raw();
    if !found.is_file() || found.len() != 32 {
        return Err(unusable("is no file of 32 bytes"));
    }
    let open = Mode::S_IRWXG.bits() | Mode::S_IRWXO.bits();
    if (found.uid() != 0 && found.uid() != own) || found.mode() & open != 0 {
        return Err(unusable("others than its owner can read or write it"));
    }
    let mut key = Zeroizing::new([0; 32]);
    let mut file = file;
    let read = file.read_exact(&mut *key);
    read.map_err(|error| unusable(&error.to_string()))?;
    Ok(Secret::Key(key))
}

/// Asks at the terminal, which does not show what is typed.
fn asked(question: &str) -> Result<Zeroizing<String>, Unable> {
    let terminal = OpenOptions::new().read(true).write(true).open(TERMINAL);
    let terminal = terminal.map_err(|_| Unable::NoPassphrase)?;
    let hidden = Hidden::begin(&terminal).ok_or(Unable::NoPassphrase)?;
    let written = (&terminal).write_all(question.as_bytes());
    let mut line = Zeroizing::new(String::with_capacity(usize::try_from(MOST).expect("1,024")));
    let read = BufReader::new((&terminal).take(MOST)).read_line(&mut line);
    drop(hidden);
    (&terminal).write_all(b"\n").ok();
    let is_read = written.is_ok() && read.is_ok_and(|count| count > 0);
    let typed = Zeroizing::new(line.trim_end_matches(['\n', '\r']).to_owned());
    if !is_read || typed.is_empty() {
        return Err(Unable::NoPassphrase);
    }
    Ok(typed)
}

/// A terminal that shows nothing, until dropped.
struct Hidden<'a>(&'a File, termios::Termios);

impl<'a> Hidden<'a> {
    fn begin(terminal: &'a File) -> Option<Self> {
        let before = termios::tcgetattr(terminal).ok()?;
        let mut quiet = before.clone();
        quiet.local_flags.remove(LocalFlags::ECHO);
        termios::tcsetattr(terminal, SetArg::TCSAFLUSH, &quiet).ok()?;
        Some(Self(terminal, before))
    }
}

impl Drop for Hidden<'_> {
    fn drop(&mut self) {
        termios::tcsetattr(self.0, SetArg::TCSAFLUSH, &self.1).ok();
    }
}
