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
use otp_file::{Access, Fault, Opened, Rules, Unread, metadata, open_file_as_it_is, read_whole};
use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path};
use zeroize::Zeroizing;

/// The content of a file, wiped on drop.
pub type Content = Zeroizing<Vec<u8>>;

/// Why a file cannot be read, in words that never quote its content.
pub type Reason = String;

/// Whether root may trust the names in a directory: no one else can replace a file in it.
fn keeps_names(found: &Metadata, owner: u32) -> bool {
    const STICKY: u32 = 0o1000;
    let is_closed = found.mode() & 0o022 == 0 || found.mode() & STICKY != 0;
    (found.uid() == 0 || found.uid() == owner) && is_closed
}

fn in_words(why: &Unread) -> Reason {
    match why {
        Unread::Unsafe(fault) => fault.to_string(),
        Unread::Io { action, source } => format!("cannot {action}: {source}"),
    }
}

/// Reads a file that root has named and that root owns.
///
/// The directory is opened by its name. Only root may be able to replace files in it.
///
/// # Errors
/// The file does not exist, cannot be read, or could have been written by a user other than root.
pub fn read_of_root(path: &Path, limit: u64) -> Result<Content, Reason> {
    if let Some(content) = sent::content_of(path) {
        return content.map_err(str::to_owned);
    }
    let (Some(parent), Some(name)) = (
        path.parent(),
        path.file_name().and_then(|name| name.to_str()),
    ) else {
        return Err(Fault::NotAFile.to_string());
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
    let directory =
        File::from(directory.map_err(|errno| format!("cannot open: {}", errno.desc()))?);
    let found = metadata(&directory).map_err(|why| in_words(&why))?;
    if !keeps_names(&found, 0) {
        return Err("others than root may write in its directory".to_owned());
    }
    let rules = Rules {
        allowed: 0o7755,
        account: None,
        group: None,
        one_name: false,
    };
    let opened = open_file_as_it_is(&directory, name, Access::Read, rules, limit)
        .map_err(|why| in_words(&why))?;
    let opened = opened.ok_or_else(|| Errno::ENOENT.desc().to_owned())?;
    read_whole(&opened, limit).map_err(|why| in_words(&why))
}

/// Returns the user id that owns whatever has this name; a link is not followed.
///
/// # Errors
/// The name does not exist, or cannot be examined.
pub fn owner_of(path: &Path) -> Result<u32, Reason> {
    let found: FileStat = fstatat(nix::fcntl::AT_FDCWD, path, AtFlags::AT_SYMLINK_NOFOLLOW)
        .map_err(|errno| errno.desc().to_owned())?;
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
    ) -> Result<Option<Content>, Reason> {
        let is_roots_way = is_kept_by_root(path).map_err(|errno| errno.desc().to_owned())?;
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
            Some(opened) => read_whole(&opened, limit)
                .map(Some)
                .map_err(|why| in_words(&why)),
            None => Ok(None),
        }
    }

    fn rights_of(&self, person: &Person) -> Result<Rights, Reason> {
        let (uid, gid) = (Uid::from_raw(person.account.uid), Gid::from_raw(person.gid));
        let rights = Rights { own: self.own };
        // The order matters, since the capability to set ids may go with the user id.
        setfsgid(gid);
        setfsuid(uid);
        // The calls do not report success; a second call returns the previous id.
        if setfsuid(uid) == uid && setfsgid(gid) == gid {
            Ok(rights)
        } else {
            Err("this process cannot take the user's rights".to_owned())
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
) -> Result<Option<Opened>, Reason> {
    let tell = |errno: Errno| errno.desc().to_owned();
    // Look first, so that no device is opened: the opening alone could have an effect.
    match fstatat(nix::fcntl::AT_FDCWD, path, AtFlags::AT_SYMLINK_NOFOLLOW) {
        Ok(found) if is_regular(&found) => {}
        Ok(found) if is_link(&found) => return Err(Fault::SymbolicLink.to_string()),
        Ok(_) => return Err(Fault::NotAFile.to_string()),
        Err(Errno::ENOENT | Errno::ENOTDIR) => return Ok(None),
        // Users who cannot even enter their home have no file: the old module, with their rights, finds none either.
        Err(Errno::EACCES) if owner_of(&person.home) != Ok(person.account.uid) => return Ok(None),
        Err(errno) => return Err(tell(errno)),
    }
    let flags = OFlag::O_RDONLY
        | OFlag::O_NOFOLLOW
        | OFlag::O_NONBLOCK
        | OFlag::O_NOCTTY
        | OFlag::O_CLOEXEC;
    let file = match open(path, flags, Mode::empty()) {
        Ok(descriptor) => File::from(descriptor),
        Err(Errno::ENOENT) => return Ok(None),
        Err(Errno::ELOOP) => return Err(Fault::SymbolicLink.to_string()),
        Err(errno) => return Err(tell(errno)),
    };
    let found = metadata(&file).map_err(|why| in_words(&why))?;
    let mode = found.mode() & 0o7777;
    if !found.is_file() {
        Err(Fault::NotAFile.to_string())
    } else if !owners.contains(&found.uid()) {
        let (uid, name) = (found.uid(), person.account.name.as_str());
        Err(format!("is owned by user id {uid}, not by {name}"))
    } else if mode & 0o077 != 0 {
        let allowed = 0o600;
        Err(Fault::Mode { mode, allowed }.to_string())
    } else if found.len() > limit {
        Err(Fault::TooLarge { limit }.to_string())
    } else {
        Ok(Some(Opened { file, found }))
    }
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
