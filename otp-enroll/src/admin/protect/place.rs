//! Puts a file in place as a whole: readers see the old text or the new one, even after a power cut.

use crate::failure::system;
use otp_core::messages::trouble::Trouble;
use rustix::fs::{XattrFlags, fgetxattr, flistxattr, fsetxattr};
use rustix::io::Errno;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

/// The name of a file that is not complete yet. No program asks PAM for a service of that name, and sshd reads only
/// `*.conf`. The lock ensures that there is only one.
const ON_ITS_WAY: &str = ".pam_otp-protect.new";

/// Replaces a file's text, with the owner, mode, access list and label of the old file; `None`: removes the file.
pub fn put(path: &Path, text: Option<&str>) -> Result<(), Trouble> {
    let done = match text {
        Some(text) => replace(path, text),
        None => remove(path),
    };
    done.map_err(|error| Trouble::FileNotWritten {
        path: path.display().to_string(),
        reason: system(&error),
    })
}

/// Returns the text of a file; `None`: the file does not exist.
pub fn text(path: &Path) -> io::Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Removes an incomplete file that a killed run has left for a path.
pub fn tidy(path: &Path) {
    fs::remove_file(on_its_way(path)).ok();
}

fn on_its_way(path: &Path) -> PathBuf {
    path.with_file_name(ON_ITS_WAY)
}

fn replace(path: &Path, text: &str) -> io::Result<()> {
    let temporary = on_its_way(path);
    tidy(path);
    // No other user may read the file before it has the rights of the old one.
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&temporary)?;
    let written = file
        .write_all(text.as_bytes())
        .and_then(|()| dress(&file, path))
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        tidy(path);
    }
    written?;
    sync_directory(path)
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    sync_directory(path)
}

fn sync_directory(path: &Path) -> io::Result<()> {
    let parent = path.parent().unwrap_or(Path::new("/"));
    File::open(parent)?.sync_all()
}

/// Gives a new file the attributes of the old one, or the usual ones.
fn dress(file: &File, path: &Path) -> io::Result<()> {
    let old = match File::open(path) {
        Ok(old) => old,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return file.set_permissions(Permissions::from_mode(0o644));
        }
        Err(error) => return Err(error),
    };
    let found = old.metadata()?;
    fchown(file, Some(found.uid()), Some(found.gid()))?;
    file.set_permissions(Permissions::from_mode(found.mode() & 0o7777))?;
    copy_attributes(&old, file)
}

/// Copies extended attributes, among them the label of `SELinux` and the access control list.
pub fn copy_attributes(old: &File, new: &File) -> io::Result<()> {
    let mut names = vec![0; 64 * 1024];
    let length = match flistxattr(old, &mut names) {
        Ok(length) => length,
        Err(Errno::OPNOTSUPP) => return Ok(()),
        Err(errno) => return Err(errno.into()),
    };
    for name in names[..length].split(|&byte| byte == 0) {
        if name.is_empty() {
            continue;
        }
        let mut value = vec![0; 64 * 1024];
        let length = fgetxattr(old, name, &mut value)?;
        fsetxattr(new, name, &value[..length], XattrFlags::empty())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_as_a_whole_and_keeps_its_mode() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("sshd");
        put(&path, Some("new\n")).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o644);
        fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        let before = fs::metadata(&path).unwrap();
        // A leftover of a killed run does no harm.
        fs::write(on_its_way(&path), "half").unwrap();
        put(&path, Some("newer\n")).unwrap();
        let after = fs::metadata(&path).unwrap();
        assert_eq!(text(&path).unwrap().as_deref(), Some("newer\n"));
        assert_eq!((after.mode(), after.uid()), (before.mode(), before.uid()));
        assert_ne!(after.ino(), before.ino());
        put(&path, None).unwrap();
        put(&path, None).unwrap();
        assert_eq!(text(&path).unwrap(), None);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_file_that_cannot_be_written_is_reported_and_leaves_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("gone").join("sshd");
        let failed = put(&path, Some("new\n"));
        assert!(matches!(failed, Err(Trouble::FileNotWritten { .. })));
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    }
}
