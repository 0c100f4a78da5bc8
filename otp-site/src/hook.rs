//! The hook, a program that is given events: whether it may be run.

use otp_core::record::Language;
use otp_file::told;
use std::fmt;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// The user that the hook runs as, unless the command line names another. The packages make that user.
pub const USER: &str = "otp-notify";

/// Why a program is not started.
#[derive(Debug)]
pub enum Unfit {
    /// It does not exist, or cannot be examined.
    Unseen(io::Error),
    /// It is not a file that can be executed.
    NoProgram,
    /// It, or a directory on the way to it, is not owned by root.
    Owner {
        /// Its path.
        path: String,
        /// The user id of the owner.
        uid: u32,
    },
    /// Users other than root may write it, or a directory on the way to it.
    Writable {
        /// Its path.
        path: String,
    },
}

impl Unfit {
    /// Returns the fault in words of that language, without a full stop.
    #[must_use]
    pub fn text(&self, language: Language) -> String {
        match (self, language) {
            (Self::Unseen(error), _) => told(error, language),
            (Self::NoProgram, Language::English) => "is no program".to_owned(),
            (Self::NoProgram, Language::Korean) => "실행할 수 있는 파일이 아닙니다".to_owned(),
            (Self::Owner { path, uid }, Language::English) => {
                format!("{path} is owned by user id {uid}, not by root")
            }
            (Self::Owner { path, uid }, Language::Korean) => {
                format!("{path} 파일의 소유자가 root가 아닙니다(사용자 ID {uid})")
            }
            (Self::Writable { path }, Language::English) => {
                format!("others than root may write {path}")
            }
            (Self::Writable { path }, Language::Korean) => {
                format!("{path} 파일의 쓰기 권한이 root가 아닌 사용자에게도 있습니다")
            }
        }
    }
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text(Language::English))
    }
}

impl std::error::Error for Unfit {}

/// Checks that only root decides what runs under this path.
///
/// # Errors
/// Somebody else could decide it, or there is nothing to run.
pub fn examine(program: &Path) -> Result<(), Unfit> {
    examine_for(0, program)
}

/// Checks the same, but also allows this owner besides root.
fn examine_for(owner: u32, program: &Path) -> Result<(), Unfit> {
    let real = fs::canonicalize(program).map_err(Unfit::Unseen)?;
    let found = real.metadata().map_err(Unfit::Unseen)?;
    if !found.is_file() || found.mode() & 0o111 == 0 {
        return Err(Unfit::NoProgram);
    }
    // Along both paths: as it was named, and where the links lead.
    for path in real.ancestors().chain(program.ancestors().skip(1)) {
        let found = path.metadata().map_err(Unfit::Unseen)?;
        let path = || path.display().to_string();
        if found.uid() != 0 && found.uid() != owner {
            let uid = found.uid();
            return Err(Unfit::Owner { path: path(), uid });
        }
        if found.mode() & 0o022 != 0 {
            return Err(Unfit::Writable { path: path() });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::unistd::geteuid;
    use std::fs::Permissions;
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn only_programs_of_root_are_fit_as_hooks() {
        assert!(examine(Path::new("/usr/bin/env")).is_ok());
        let unfit = |path: &str| examine(Path::new(path)).unwrap_err();
        assert!(matches!(unfit("/no/such/program"), Unfit::Unseen(_)));
        assert!(matches!(unfit("/etc/passwd"), Unfit::NoProgram));
        assert!(matches!(unfit("/usr/bin"), Unfit::NoProgram));
        let place = tempfile::tempdir().unwrap();
        let hook = place.path().join("hook");
        fs::write(&hook, "#!/bin/sh\n").unwrap();
        fs::set_permissions(&hook, Permissions::from_mode(0o755)).unwrap();
        // Everybody may write /tmp, where this file lies.
        assert!(matches!(
            examine_for(geteuid().as_raw(), &hook),
            Err(Unfit::Writable { path }) if path == "/tmp"
        ));
        fs::set_permissions(&hook, Permissions::from_mode(0o775)).unwrap();
        assert!(matches!(
            examine_for(geteuid().as_raw(), &hook),
            Err(Unfit::Writable { path }) if path == hook.display().to_string()
        ));
        // A user's link to a program of root can lead elsewhere tomorrow.
        let link = place.path().join("link");
        symlink("/usr/bin/env", &link).unwrap();
        assert!(matches!(
            examine_for(geteuid().as_raw(), &link),
            Err(Unfit::Writable { path }) if path == "/tmp"
        ));
    }
}
