//! Reads other programs' files: a user's file with that user's rights, other files by the rules for what root may
//! trust.
//!
//! Nothing is written (but a file's access time may change), and no user's link is followed as root.

use super::people::Person;
use crate::admin::sent;
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, open, openat};
use nix::sys::stat::{FileStat, Mode, SFlag, fstatat};
use nix::unistd::{Gid, Uid, getegid, geteuid, setfsgid, setfsuid};
use otp_core::messages::reason::{Deed, Unfit, Wording};
use otp_core::record::Language;
use otp_file::{Access, Fault, Opened, Rules, Unread, metadata, open_file_as_it_is, read_whole};
use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path};
use zeroize::Zeroizing;

/// The content of a file, wiped on drop.
pub type Content = Zeroizing<Vec<u8>>;

/// Whether root may trust the names in a directory: no one else can replace a file in it.
fn keeps_names(found: &Metadata, owner: u32) -> bool {
    const STICKY: u32 = 0o1000;
    let is_closed = found.mode() & 0o022 == 0 || found.mode() & STICKY != 0;
    (found.uid() == 0 || found.uid() == owner) && is_closed
}

/// Says why a file cannot be read, in words that never quote its content.
fn unread(why: impl Into<Unread>) -> Wording {
    let why = why.into();
    Wording::of(|language| why.text(language))
}

/// Says what the operating system said; in English without its number.
fn said(errno: Errno) -> Wording {
    let error = errno.into();
    Wording::of(|language| match language {
        Language::English => errno.desc().to_owned(),
        Language::Korean => otp_file::told(&error, language),
    })
}

/// Reads a file that root has named and that root owns.
///
/// The directory is opened by its name. Only root may be able to replace files in it.
///
/// # Errors
/// The file does not exist, cannot be read, or could have been written by a user other than root.
pub fn read_of_root(path: &Path, limit: u64) -> Result<Content, Wording> {
    if let Some(content) = sent::content_of(path) {
        return content.map_err(Wording::from);
    }
    let (Some(parent), Some(name)) = (
        path.parent(),
        path.file_name().and_then(|name| name.to_str()),
    ) else {
        return Err(unread(Fault::NotAFile));
    };
    let parent = if parent.as_os_str().is_empty() {
        Path::new(".")
    } else {
        parent
    };
    let directory = open(
        parent,
        OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC,
        Mode::empty(),
    );
    let directory = File::from(directory.map_err(|errno| {
        let reason = said(errno);
        let opening =
            |language| format!("{}: {}", Deed::Open.failed(language), reason.text(language));
        Wording::of(opening)
    })?);
    let found = metadata(&directory).map_err(unread)?;
    if !keeps_names(&found, 0) {
        return Err(Unfit::OpenDirectory.into());
    }
    let rules = Rules {
        allowed: 0o7755,
        account: None,
        group: None,
        one_name: false,
    };
    let opened =
        open_file_as_it_is(&directory, name, Access::Read, rules, limit).map_err(unread)?;
    let opened = opened.ok_or_else(|| said(Errno::ENOENT))?;
    read_whole(&opened, limit).map_err(unread)
}

/// Returns the user id that owns whatever has this name; a link is not followed.
///
/// # Errors
/// The name does not exist, or cannot be examined.
pub fn owner_of(path: &Path) -> Result<u32, Wording> {
    let found: FileStat =
        fstatat(nix::fcntl::AT_FDCWD, path, AtFlags::AT_SYMLINK_NOFOLLOW).map_err(said)?;
    Ok(found.st_uid)
}

/// Reads users' files in a thread that has, for files, no more rights than the user.
///
/// The thread has no supplementary groups, and its file system ids are those of the user while it opens files. With
/// an id other than root's, the kernel drops the capabilities that bypass permissions. Both apply to this thread
/// only, so the rest of the process loses and gains no right.
pub struct WithRightsOf {
    /// The ids with which this thread opens other files.
    own: (Uid, Gid),
}

impl WithRightsOf {
    /// Starts, in a thread that does nothing else: the groups do not come back.
    ///
    /// # Errors
    /// This process may not change its rights.
    pub fn begin() -> io::Result<Self> {
        rustix::thread::set_thread_groups(&[])?;
        Ok(Self {
            own: (geteuid(), getegid()),
        })
    }

    /// Reads the file of a user; `None`: there is none.
    ///
    /// The user must own the file. If `may_be_roots` and root owns all directories on the way, root may own the file.
    /// Otherwise the way may contain links, since the user's rights only reach what the user can read anyway. The
    /// file itself must not be a link.
    ///
    /// # Errors
    /// The user cannot read the file, or it is not a regular file, has another owner, or gives rights to others.
    pub fn read(
        &self,
        person: &Person,
        path: &Path,
        may_be_roots: bool,
        limit: u64,
    ) -> Result<Option<Content>, Wording> {
        let is_roots_way = is_kept_by_root(path).map_err(said)?;
        let opened = if is_roots_way {
            let owners = [
                person.account.uid,
                if may_be_roots { 0 } else { person.account.uid },
            ];
            open_to_read(path, person, &owners, limit)
        } else {
            let rights = self.rights_of(person)?;
            let opened = open_to_read(path, person, &[person.account.uid], limit);
            drop(rights);
            opened
        };
        match opened? {
            Some(opened) => read_whole(&opened, limit).map(Some).map_err(unread),
            None => Ok(None),
        }
    }

    fn rights_of(&self, person: &Person) -> Result<Rights, Wording> {
        let (uid, gid) = (Uid::from_raw(person.account.uid), Gid::from_raw(person.gid));
        let rights = Rights { own: self.own };
        // The order matters, since the capability to set ids may go with the user id.
        setfsgid(gid);
        setfsuid(uid);
        // The calls do not report success; a second call returns the previous id.
        if setfsuid(uid) == uid && setfsgid(gid) == gid {
            Ok(rights)
        } else {
            Err(Unfit::NoRightsOfUser.into())
        }
    }
}

/// The file system ids of a user, until this is dropped.
struct Rights {
    own: (Uid, Gid),
}

impl Drop for Rights {
    fn drop(&mut self) {
        setfsgid(self.own.1);
        setfsuid(self.own.0);
    }
}

/// Whether only root can replace anything on the way to a file: root owns all its directories, and none is a link.
fn is_kept_by_root(path: &Path) -> Result<bool, Errno> {
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let Some(parent) = path.parent().filter(|parent| parent.is_absolute()) else {
        return Ok(false);
    };
    let mut directory = File::from(open("/", flags, Mode::empty())?);
    for component in parent.components() {
        let name = match component {
            Component::RootDir => continue,
            Component::Normal(name) => name,
            Component::CurDir | Component::ParentDir | Component::Prefix(_) => return Ok(false),
        };
        directory = match openat(&directory, name, flags, Mode::empty()) {
            Ok(descriptor) => File::from(descriptor),
            // The name is a link, does not exist, or only the user may enter.
            Err(Errno::ENOTDIR | Errno::ELOOP | Errno::ENOENT | Errno::EACCES) => return Ok(false),
            Err(errno) => return Err(errno),
        };
        let is_roots = metadata(&directory).is_ok_and(|found| keeps_names(&found, 0));
        if !is_roots {
            return Ok(false);
        }
    }
    Ok(true)
}

fn open_to_read(
    path: &Path,
    person: &Person,
    owners: &[u32],
    limit: u64,
) -> Result<Option<Opened>, Wording> {
    // Look first, so that no device is opened: the opening alone could have an effect.
    match fstatat(nix::fcntl::AT_FDCWD, path, AtFlags::AT_SYMLINK_NOFOLLOW) {
        Ok(found) if is_regular(&found) => {}
        Ok(found) if is_link(&found) => return Err(unread(Fault::SymbolicLink)),
        Ok(_) => return Err(unread(Fault::NotAFile)),
        Err(Errno::ENOENT | Errno::ENOTDIR) => return Ok(None),
        // Users who cannot even enter their home have no file: the old module, with their rights, finds none either.
        Err(Errno::EACCES) if owner_of(&person.home) != Ok(person.account.uid) => return Ok(None),
        Err(errno) => return Err(said(errno)),
    }
    let flags = OFlag::O_RDONLY
        | OFlag::O_NOFOLLOW
        | OFlag::O_NONBLOCK
        | OFlag::O_NOCTTY
        | OFlag::O_CLOEXEC;
    let file = match open(path, flags, Mode::empty()) {
        Ok(descriptor) => File::from(descriptor),
        Err(Errno::ENOENT) => return Ok(None),
        Err(Errno::ELOOP) => return Err(unread(Fault::SymbolicLink)),
        Err(errno) => return Err(said(errno)),
    };
    let found = metadata(&file).map_err(unread)?;
    let mode = found.mode() & 0o7777;
    if !found.is_file() {
        Err(unread(Fault::NotAFile))
    } else if !owners.contains(&found.uid()) {
        Err(of_another(found.uid(), person.account.name.as_str()))
    } else if mode & 0o077 != 0 {
        let allowed = 0o600;
        Err(unread(Fault::Mode { mode, allowed }))
    } else if found.len() > limit {
        Err(unread(Fault::TooLarge { limit }))
    } else {
        Ok(Some(Opened { file, found }))
    }
}

/// Says that a file does not belong to the user whose it should be.
fn of_another(uid: u32, name: &str) -> Wording {
    Wording::of(|language| match language {
        Language::English => format!("is owned by user id {uid}, not by {name}"),
        Language::Korean => format!("소유자가 {name} 계정이 아닙니다(사용자 ID {uid})"),
    })
}

fn is_regular(found: &FileStat) -> bool {
    kind_of(found) == SFlag::S_IFREG
}

fn is_link(found: &FileStat) -> bool {
    kind_of(found) == SFlag::S_IFLNK
}

fn kind_of(found: &FileStat) -> SFlag {
    SFlag::from_bits_truncate(found.st_mode) & SFlag::S_IFMT
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::tests::assert_is_told;
    use otp_core::{Account, UserName};
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::path::PathBuf;

    fn reason<T>(read: Result<T, Wording>) -> Wording {
        match read {
            Err(reason) => reason,
            Ok(_) => panic!("it is read"),
        }
    }

    #[test]
    fn each_reason_why_a_file_of_root_is_not_read_is_told_in_every_language() {
        let directory = tempfile::tempdir().unwrap();
        fs::set_permissions(directory.path(), Permissions::from_mode(0o777)).unwrap();
        let open_to_all = directory.path().join("x");
        for (path, limit, english) in [
            (
                Path::new("/nonexistent/x"),
                1,
                "cannot open: No such file or directory",
            ),
            (Path::new("/"), 1, "is not a regular file"),
            (
                &open_to_all,
                1,
                "others than root may write in its directory",
            ),
            (
                Path::new("/etc/nonexistent"),
                1,
                "No such file or directory",
            ),
            (Path::new("/etc/passwd"), 1, "is larger than 1 bytes"),
            (Path::new("/proc/mounts"), 1, "is a symbolic link"),
        ] {
            assert_is_told(&reason(read_of_root(path, limit)), english);
        }
        let missing = owner_of(Path::new("/nonexistent/x"));
        assert_is_told(&reason(missing), "No such file or directory");
    }

    #[test]
    fn each_reason_why_a_file_of_a_user_is_not_read_is_told_in_every_language() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        let person = Person {
            account: Account {
                name: UserName::new("alice").unwrap(),
                uid: geteuid().as_raw(),
            },
            gid: getegid().as_raw(),
            home: PathBuf::from("/nonexistent"),
        };
        let file = |name: &str, mode: u32| {
            fs::write(at(name), "JBSWY3DPEHPK3PXP").unwrap();
            fs::set_permissions(at(name), Permissions::from_mode(mode)).unwrap();
            at(name)
        };
        symlink("x", at("link")).unwrap();
        fs::create_dir(at("directory")).unwrap();
        let own = [person.account.uid];
        let read = |path: &Path, owners: &[u32]| open_to_read(path, &person, owners, 8);
        for (path, english) in [
            (at("link"), "is a symbolic link"),
            (at("directory"), "is not a regular file"),
            (
                file("open", 0o644),
                "has mode 0644, at most 0600 is allowed",
            ),
            (file("large", 0o600), "is larger than 8 bytes"),
            (at(&"x".repeat(300)), "File name too long"),
        ] {
            let told = reason(read(&path, &own));
            if english == "File name too long" {
                // The system's rare errors have no Korean text.
                assert_eq!(told.text(Language::English), english);
            } else {
                assert_is_told(&told, english);
            }
        }
        let another = format!("is owned by user id {}, not by alice", own[0]);
        assert_is_told(&reason(read(&at("large"), &[])), &another);
    }
}
