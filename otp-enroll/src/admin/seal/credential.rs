//! The systemd credential from which the key file is made at boot, encrypted by the machine's TPM or by its own key.

use crate::failure::{Failure, ended};
use otp_core::messages::reason::{Unfit, Wording};
use otp_core::messages::seal::Unsealed;
use otp_store::sealed::{KeyFile, Keys};
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::process::{Command, Stdio};
use zeroize::Zeroizing;

/// The path from which the unit of the package reads it.
pub const USUAL_CREDENTIAL: &str = "/etc/credstore.encrypted/pam_otp.seal";

/// The name that is encrypted with it, so that no other credential can replace it.
const NAME: &str = "--name=pam_otp.seal";

/// The place where keys outlast the machine's memory.
pub struct Kept<'a> {
    file: &'a KeyFile,
    pub credential: &'a Path,
}

impl<'a> Kept<'a> {
    pub const fn of(file: &'a KeyFile, credential: &'a Path) -> Self {
        Self { file, credential }
    }

    /// Whether there is a credential from which the file would be made.
    pub fn is_there(&self) -> Result<bool, Failure> {
        Ok(self.is_needed()? && self.credential.exists())
    }

    /// Stores the keys as a credential if the file alone would be lost at the next boot: whole or not at all, and
    /// durably.
    pub fn keep(&self, keys: &Keys) -> Result<(), Failure> {
        if !self.is_needed()? {
            return Ok(());
        }
        self.encrypt(keys).map_err(|reason| {
            let reason = Wording::of(|language| {
                let reason = otp_file::told(&reason, language);
                format!("{}: {reason}", self.credential.display())
            });
            Unsealed::NoCredential { reason }.into()
        })
    }

    fn is_needed(&self) -> Result<bool, Failure> {
        self.file.is_in_memory().map_err(|error| {
            let reason = Wording::of(|language| error.text(language));
            Unsealed::File { reason }.into()
        })
    }

    fn encrypt(&self, keys: &Keys) -> io::Result<()> {
        let directory = self.credential.parent().unwrap_or(Path::new("/"));
        if !directory.exists() {
            fs::DirBuilder::new().mode(0o700).create(directory)?;
        }
        let mut beside = self.credential.as_os_str().to_owned();
        beside.push(".new");
        let beside = Path::new(&beside);
        let text = keys.reveal();
        let made = run("encrypt", &[Path::new("-"), beside], text.as_bytes()).and_then(|_| {
            // A credential that cannot be decrypted here and now could not be at the next boot.
            let read = run("decrypt", &[beside, Path::new("-")], b"")?;
            if *read != text.as_bytes() {
                return Err(io::Error::other(Unfit::NotDecrypted));
            }
            File::open(beside)?.sync_all()?;
            fs::rename(beside, self.credential)
        });
        if made.is_err() {
            fs::remove_file(beside).ok();
        }
        made?;
        File::open(directory)?.sync_all()
    }
}

/// Runs systemd-creds. The key goes only through pipes.
fn run(verb: &str, paths: &[&Path], input: &[u8]) -> io::Result<Zeroizing<Vec<u8>>> {
    output_of("systemd-creds", verb, paths, input)
}

fn output_of(
    program: &str,
    verb: &str,
    paths: &[&Path],
    input: &[u8],
) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut child = Command::new(program)
        .args([verb, NAME])
        .args(paths)
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| {
            let said = |language| format!("systemd-creds: {}", otp_file::told(&error, language));
            io::Error::other(Wording::of(said))
        })?;
    if let Some(mut stdin) = child.stdin.take() {
        // If the program ended early, its exit status says why.
        stdin.write_all(input).ok();
    }
    let output = child.wait_with_output()?;
    let read = Zeroizing::new(output.stdout);
    if output.status.success() {
        return Ok(read);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let said = said.lines().next_back().unwrap_or_default();
    let said: String = said.chars().filter(|c| !c.is_control()).collect();
    let status = ended(output.status);
    Err(io::Error::other(Wording::of(|language| {
        format!("systemd-creds {verb}: {}: {said}", status.text(language))
    })))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::system;
    use crate::failure::tests::assert_is_told;

    fn failed(program: &str) -> Wording {
        system(&output_of(program, "encrypt", &[], b"").unwrap_err())
    }

    #[test]
    fn a_credential_that_is_not_made_is_told_in_every_language() {
        let missing = "systemd-creds: No such file or directory (os error 2)";
        assert_is_told(&failed("/nonexistent/systemd-creds"), missing);
        assert_is_told(&failed("false"), "systemd-creds encrypt: exit status: 1: ");
    }
}
