//! The key that seals the secrets of users. `otp-admin fleet init` makes it; `carry-key` and `take-key` bring it to
//! the other verifiers, in a file that is encrypted as a backup is. The key is never in the database.

use super::sealed_file::{self, Closed, Opening, Sealing};
use super::told::{tell, why_of};
use super::{Asker, passphrase};
use otp_core::event::Severity;
use otp_core::messages::fleet::{Told, Unable, Why};
use otp_core::messages::reason::Wording;
use otp_core::messages::seal::Unsealed;
use otp_enroll::admin::HostKey;
use otp_site::policy;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use zeroize::Zeroizing;

/// The bytes before the key in the file: a backup with the same passphrase is not taken for a key, and a key not for
/// a backup.
const HEAD: &[u8] = b"pam_otp-sealing-key 1\n";

/// The longest text of keys, in bytes.
const LONGEST: usize = 4096;

/// The result of an init for the sealing key, which it reports.
pub enum Begun {
    /// The init made the key.
    Made(String, HostKey),
    /// The key was there: perhaps an interrupted init made it without reporting it.
    There(String, HostKey),
    /// No key is wanted, or it is in its credential until the next boot.
    AsItWas,
    /// The policy names no key.
    NotSealed,
    /// The fleet already exists, and this host has no key.
    Elsewhere(HostKey),
}

/// Returns the place of this host's key, before anything is changed for it; `None`: the policy names none.
pub fn place(asker: &Asker) -> Result<Option<HostKey>, Unable> {
    let host = of_host(asker)?;
    match host.as_ref().map(HostKey::read) {
        None | Some(Ok(_) | Err(Unsealed::KeyThere { .. })) => Ok(host),
        Some(Err(unsealed)) => Err(no(&unsealed)),
    }
}

/// Makes the key of a fleet that begins now; if the fleet `was_begun` before, other verifiers may already have the
/// key.
pub fn begin(asker: &Asker, host: Option<HostKey>, was_begun: bool) -> Result<Begun, Unable> {
    let Some(host) = host else {
        return Ok(Begun::NotSealed);
    };
    match host.read() {
        Ok(None) if was_begun => Ok(Begun::Elsewhere(host)),
        Ok(None) => {
            let key = host.make().map_err(|unsealed| no(&unsealed))?;
            asker.record("seal-key", Severity::Notice, host.file());
            Ok(Begun::Made(key, host))
        }
        Ok(Some((key, _))) => Ok(Begun::There(key, host)),
        Err(Unsealed::KeyThere { .. }) => Ok(Begun::AsItWas),
        Err(unsealed) => Err(no(&unsealed)),
    }
}

impl Begun {
    /// Reports the result.
    pub fn tell(&self, asker: &Asker) -> Result<(), Unable> {
        match self {
            Self::Made(key, host) => {
                let file = host.file();
                tell(asker, Told::KeyMade { key, file })?;
                tell(asker, Told::CarryKey)
            }
            Self::There(key, host) => {
                let file = host.file();
                tell(asker, Told::KeyTaken { key, file })?;
                tell(asker, Told::CarryKey)
            }
            Self::AsItWas => Ok(()),
            Self::NotSealed => tell(asker, Told::NotSealed),
            Self::Elsewhere(host) => {
                let file = host.file();
                tell(asker, Told::KeyElsewhere { file })
            }
        }
    }
}

/// Writes the key of this host to a new file, encrypted.
pub fn carry(asker: &Asker, path: &Path, key_file: Option<&Path>) -> Result<(), Unable> {
    let host = of_host(asker)?.ok_or(Unable::NoSeal)?;
    let found = host.read().map_err(|unsealed| no(&unsealed))?;
    let (key, text) = found.ok_or_else(|| Unable::NoSealingKey {
        reason: Why::FileMissing {
            file: host.file().to_owned(),
        }
        .into(),
    })?;
    let secret = passphrase::for_key(key_file, asker.language)?;
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path);
    let written = file.and_then(|file| {
        let write = || {
            let mut sealing = Sealing::begin(file, &secret)?;
            sealing.write(HEAD)?;
            sealing.write(text.as_bytes())?;
            sealing.end()?.sync_all()
        };
        write().inspect_err(|_| {
            fs::remove_file(path).ok();
        })
    });
    let path = path.display().to_string();
    written.map_err(|error: io::Error| Unable::NotWritten {
        path: path.clone(),
        reason: why_of(&error),
    })?;
    asker.record("carry-key", Severity::Warning, &path);
    let (path, key) = (&*path, &*key);
    tell(asker, Told::KeyCarried { path, key })
}

/// Installs the key from such a file on this host.
pub fn take(asker: &Asker, path: &Path, key_file: Option<&Path>) -> Result<(), Unable> {
    let host = of_host(asker)?.ok_or(Unable::NoSeal)?;
    let refused = |closed| super::restore::refused(path, closed);
    let asks = File::open(path)
        .map_err(Closed::Io)
        .and_then(|mut file| sealed_file::asks(&mut file));
    let not_ours = || Unable::NotASealingKey {
        path: path.display().to_string(),
    };
    let asks = asks.map_err(|closed| match closed {
        Closed::NotOurs => not_ours(),
        closed => refused(closed),
    })?;
    let secret = passphrase::for_old_key(asks, path, key_file, asker.language)?;
    let text = File::open(path)
        .map_err(Closed::Io)
        .and_then(|file| Opening::begin(BufReader::new(file), &secret))
        .and_then(|mut opening| whole(&mut opening));
    let text = text.map_err(refused)?;
    let text = text.strip_prefix(HEAD).ok_or_else(not_ours)?;
    match host.read().map_err(|unsealed| no(&unsealed))? {
        Some((_, there)) if there.as_bytes() != text => {
            let file = host.file().to_owned();
            return Err(Unable::AnotherSealingKey { file });
        }
        Some((key, _)) => {
            let (key, file) = (&*key, host.file());
            return tell(asker, Told::KeyTaken { key, file });
        }
        None => {}
    }
    let key = host.take(text).map_err(|unsealed| no(&unsealed))?;
    asker.record("take-key", Severity::Warning, host.file());
    let (key, file) = (&*key, host.file());
    tell(asker, Told::KeyTaken { key, file })
}

/// Reads the whole content of a file, if it is short and complete.
fn whole(opening: &mut Opening<BufReader<File>>) -> Result<Zeroizing<Vec<u8>>, Closed> {
    let mut text = Zeroizing::new(Vec::with_capacity(LONGEST));
    let mut byte = Zeroizing::new([0]);
    while !opening.is_over()? {
        if text.len() == LONGEST {
            return Err(Closed::Damaged);
        }
        opening.read(&mut *byte)?;
        text.push(byte[0]);
    }
    Ok(text)
}

fn of_host(asker: &Asker) -> Result<Option<HostKey>, Unable> {
    let path = &asker.host.policy;
    let policies = policy::load(path).map_err(|error| Unable::UnusablePolicy {
        path: path.display().to_string(),
        reason: Wording::of(|language| error.text(language)),
    })?;
    Ok(HostKey::at(&policies.for_account().seal.key))
}

fn no(unsealed: &Unsealed) -> Unable {
    Unable::NoSealingKey {
        reason: Wording::of(|language| unsealed.text(language)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::assert_korean;
    use otp_core::record::Language;
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;

    fn write(path: &Path, content: impl AsRef<[u8]>) {
        fs::write(path, content).unwrap();
        fs::set_permissions(path, Permissions::from_mode(0o600)).unwrap();
    }

    #[test]
    fn a_sealing_key_that_cannot_be_carried_is_reported_in_the_language_of_the_command() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        let shown = |name: &str| at(name).display().to_string();
        let asker = Asker::in_directory(directory.path());
        let fails = |english: String, names: &[&str]| {
            let unable = carry(&asker, &at("there"), Some(&at("by"))).unwrap_err();
            assert_eq!(unable.text(Language::English), english);
            assert_korean(&unable.text(Language::Korean), names);
        };
        write(&at("policy"), "[seal]\ncolour = 1\n");
        let policy = shown("policy");
        fails(
            format!("{policy}: cannot be used: {policy}, line 2: unknown key; known here are key"),
            &[&policy, "key"],
        );
        let seal = shown("seal");
        write(&at("policy"), format!("[seal]\nkey = \"{seal}\"\n"));
        fails(
            format!("the sealing key of the fleet: {seal} is missing"),
            &[&seal],
        );
        write(&at("seal"), "no key\n");
        fails(
            format!(
                "the sealing key of the fleet: the key file: {seal}, line 1: must be a key: 64 lower-case hexadecimal digits"
            ),
            &[&seal],
        );
        write(&at("seal"), format!("{}\n", "0123456789abcdef".repeat(4)));
        write(&at("by"), [7; 32]);
        write(&at("there"), "");
        let there = shown("there");
        fails(
            format!("{there}: cannot be written: File exists (os error 17)"),
            &[&there],
        );
    }
}
