//! One user's directory: each part is a file, opened and checked step by step, and written so that no crash leaves half
//! of it.

use crate::error::At;
use crate::keeper::{Bytes, Look, Part};
use crate::sealed::Seal;
use crate::text::state;
use crate::{Error, Location};
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, openat, renameat};
use nix::sys::stat::{FileStat, Mode, fchmod, fstatat};
use nix::unistd::{Gid, Uid, UnlinkatFlags, fchown, geteuid, unlinkat};
use otp_core::messages::reason::Deed;
use otp_file::{Access, Opened, Rules, metadata, open_file, open_file_as_it_is, read_whole};
use std::fs::{File, Metadata};
use std::io::Write;
use std::os::unix::fs::MetadataExt;

pub(super) const USER_DIRECTORY_MODE: u32 = 0o2770;

/// The parts of a record, in the order in which they are removed: without its credential a user is "not enrolled", but
/// a credential without state is damage.
pub(super) const RECORD: [Part; 3] = [Part::Credential, Part::State, Part::Trust];

/// Everything that is stored about a user.
pub(super) const ALL: [Part; 5] = [
    RECORD[0],
    RECORD[1],
    RECORD[2],
    Part::FirstLogin,
    Part::Mail,
];

/// The action that failed when a file already has its new content.
const SYNC_DIRECTORY: Deed = Deed::SyncDirectory;

/// The file of a part.
struct PartFile {
    name: &'static str,
    temporary: &'static str,
    mode: u32,
    limit: u64,
    access: Access,
    /// Whether the helper also makes this file, with the user as owner, so that root takes it over.
    helpers: bool,
}

const fn file_of(part: Part) -> PartFile {
    match part {
        Part::Credential => PartFile {
            name: "credential.toml",
            temporary: ".credential.toml.new",
            mode: 0o640,
            limit: crate::text::credential::LIMIT,
            access: Access::Read,
            helpers: true,
        },
        Part::State => PartFile {
            name: "state",
            temporary: ".state.new",
            mode: 0o660,
            limit: state::SIZE as u64,
            access: Access::ReadAndWrite,
            helpers: true,
        },
        Part::Trust => PartFile {
            name: "trust",
            temporary: ".trust.new",
            mode: 0o600,
            limit: crate::text::trust::LIMIT,
            access: Access::Read,
            helpers: false,
        },
        // The helper's group reads; only root writes.
        Part::FirstLogin => PartFile {
            name: "first-login",
            temporary: ".first-login.new",
            mode: 0o640,
            limit: crate::text::first_login::LIMIT,
            access: Access::Read,
            helpers: false,
        },
        Part::Mail => PartFile {
            name: "mail",
            temporary: ".mail.new",
            mode: 0o660,
            limit: crate::text::mail::LIMIT,
            access: Access::Read,
            helpers: true,
        },
    }
}

/// The name of the file that shows who has enrolled.
pub(super) const CREDENTIAL: &str = file_of(Part::Credential).name;

/// An opened directory of a user. It is not locked; [`Locked`](super::Locked) locks it.
pub struct UserDirectory {
    directory: File,
    path: String,
    group: u32,
    owner: Option<u32>,
    seal: Seal,
    /// The file of the state, if it was read: the next state is written over it.
    pub(super) state: Option<File>,
}

impl UserDirectory {
    pub(super) const fn new(
        directory: File,
        path: String,
        group: u32,
        owner: Option<u32>,
        seal: Seal,
    ) -> Self {
        Self {
            directory,
            path,
            group,
            owner,
            seal,
            state: None,
        }
    }

    pub(super) const fn directory(&self) -> &File {
        &self.directory
    }

    /// The location of the directory, for errors.
    pub(super) fn whole(&self) -> Location {
        Location::of(self.path.clone())
    }

    /// Notes that the directory has another name now.
    pub(super) fn is_called(&mut self, path: String) {
        self.path = path;
    }

    fn place_of(&self, part: Part, name: &str) -> Location {
        Location::of_part(part, format!("{}/{name}", self.path))
    }

    fn rules(&self, part: &PartFile) -> Rules {
        Rules {
            allowed: part.mode,
            account: self.owner.filter(|_| part.helpers),
            group: Some(self.group),
            one_name: true,
        }
    }

    fn open(&self, part: &PartFile, name: &str) -> Result<Option<Opened>, otp_file::Unread> {
        let rules = self.rules(part);
        open_file(&self.directory, name, part.access, rules, part.limit)
    }

    fn read(&mut self, part: Part, temporary: bool) -> Result<Option<Bytes>, Error> {
        let of = file_of(part);
        let name = if temporary { of.temporary } else { of.name };
        let place = || self.place_of(part, name);
        let Some(opened) = self.open(&of, name).at(place)? else {
            return Ok(None);
        };
        if of.helpers {
            adopt(&opened.file, &opened.found);
        }
        let bytes = read_whole(&opened, of.limit).at(place)?;
        if part == Part::State {
            self.state = Some(opened.file);
        }
        Ok(Some(bytes))
    }

    /// Reads the credential and the owner of its file, for a record whose owner is not known. Must not be believed
    /// before [`UserDirectory::check_owner`].
    pub(super) fn read_credential_of_anyone(&self) -> Result<Option<(Opened, Bytes)>, Error> {
        let of = file_of(Part::Credential);
        let place = || self.place(Part::Credential);
        let flags = AtFlags::AT_SYMLINK_NOFOLLOW;
        let uid = match fstatat(&self.directory, of.name, flags) {
            Ok(FileStat { st_uid, .. }) => st_uid,
            Err(Errno::ENOENT) => return Ok(None),
            Err(errno) => return Err(Error::io(place(), Deed::Examine, errno)),
        };
        let rules = Rules {
            account: Some(uid),
            ..self.rules(&of)
        };
        let opened = open_file_as_it_is(&self.directory, of.name, of.access, rules, of.limit);
        let Some(opened) = opened.at(place)? else {
            return Ok(None);
        };
        let bytes = read_whole(&opened, of.limit).at(place)?;
        Ok(Some((opened, bytes)))
    }

    /// Checks that the credential can be that user's: only root and that user may own it.
    pub(super) fn check_owner(&self, credential: &Opened, uid: u32) -> Result<(), Error> {
        let rules = Rules {
            account: Some(uid),
            ..self.rules(&file_of(Part::Credential))
        };
        let checked = rules.check(&credential.found);
        checked.at(|| self.place(Part::Credential))
    }

    /// Treats the directory as that user's, if it can be.
    pub(super) fn belongs_to(&mut self, uid: u32) -> Result<(), Error> {
        let rules = Rules {
            allowed: USER_DIRECTORY_MODE,
            account: Some(uid),
            group: Some(self.group),
            one_name: true,
        };
        let found = metadata(&self.directory).at(|| self.whole())?;
        rules.check(&found).at(|| self.whole())?;
        adopt(&self.directory, &found);
        self.owner = Some(uid);
        Ok(())
    }

    /// Removes parts, and files that were to become them.
    pub(super) fn remove_files(&self, parts: &[Part]) -> Result<(), Error> {
        let whole = parts.iter().map(|&part| (part, file_of(part).name));
        let temporary = parts.iter().map(|&part| (part, file_of(part).temporary));
        for (part, name) in whole.chain(temporary) {
            self.unlink(name)
                .map_err(|errno| Error::io(self.place_of(part, name), Deed::Remove, errno))?;
        }
        Ok(())
    }

    /// Removes a part durably, if it is there: a part that a power cut brought back would count again.
    pub(super) fn remove_file(&self, part: Part) -> Result<(), Error> {
        let was_there = self
            .unlink(file_of(part).name)
            .map_err(|errno| Error::io(self.place(part), Deed::Remove, errno))?;
        if was_there { self.sync() } else { Ok(()) }
    }

    /// Removes a name; returns whether it was there.
    fn unlink(&self, name: &str) -> Result<bool, Errno> {
        match unlinkat(&self.directory, name, UnlinkatFlags::NoRemoveDir) {
            Ok(()) => Ok(true),
            Err(Errno::ENOENT) => Ok(false),
            Err(errno) => Err(errno),
        }
    }

    /// Writes a whole part: first beside it, then by a rename, each step durable before the next.
    pub(super) fn write(&self, part: Part, bytes: &[u8]) -> Result<(), Error> {
        self.write_beside(part, bytes)?;
        self.put_in_place(part)?;
        self.sync().map_err(|error| match error {
            Error::Io { source, .. } if part == Part::Credential => Error::NotDurable {
                place: self.whole(),
                source,
            },
            other => other,
        })
    }

    /// Gives the file that was written beside a part the part's name.
    pub(super) fn put_in_place(&self, part: Part) -> Result<(), Error> {
        let PartFile {
            name, temporary, ..
        } = file_of(part);
        renameat(&self.directory, temporary, &self.directory, name).map_err(|errno| {
            self.unlink(temporary).ok();
            Error::io(self.place(part), Deed::Write, errno)
        })
    }

    pub(super) fn sync(&self) -> Result<(), Error> {
        self.directory
            .sync_all()
            .map_err(|error| Error::io(self.whole(), SYNC_DIRECTORY, error))
    }

    /// Writes a whole part under its temporary name. Its content is durable, but not yet that name.
    pub(super) fn write_beside(&self, part: Part, bytes: &[u8]) -> Result<(), Error> {
        let PartFile {
            temporary, mode, ..
        } = file_of(part);
        let place = || self.place(part);
        // Left behind by a crash; no other process can be writing it, since we hold the lock.
        self.unlink(temporary)
            .map_err(|errno| Error::io(place(), Deed::Replace, errno))?;
        let failed = |error: std::io::Error| {
            // The error of the write is reported; the next try removes the leftover.
            self.unlink(temporary).ok();
            Error::io(place(), Deed::Write, error)
        };
        let flags =
            OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let created = openat(
            &self.directory,
            temporary,
            flags,
            Mode::from_bits_truncate(0o600),
        );
        let mut file = File::from(created.map_err(|errno| Error::io(place(), Deed::Write, errno))?);
        fchown(&file, None, Some(Gid::from_raw(self.group)))
            .and_then(|()| fchmod(&file, Mode::from_bits_truncate(mode)))
            .map_err(std::io::Error::from)
            .and_then(|()| file.write_all(bytes))
            .and_then(|()| file.sync_all())
            .map_err(failed)
    }
}

impl Look for UserDirectory {
    fn place(&self, part: Part) -> Location {
        self.place_of(part, file_of(part).name)
    }

    fn seal(&self) -> &Seal {
        &self.seal
    }

    fn has(&self, part: Part) -> Result<bool, Error> {
        let of = file_of(part);
        let opened = self.open(&of, of.name).at(|| self.place(part))?;
        Ok(opened.is_some())
    }

    fn get(&mut self, part: Part) -> Result<Option<Bytes>, Error> {
        self.read(part, false)
    }

    fn rehearsed(&mut self, part: Part) -> Result<Option<Bytes>, Error> {
        self.read(part, true)
    }

    fn fulfil(&mut self, part: Part) -> Result<(), Error> {
        self.put_in_place(part)?;
        self.sync()
    }
}

/// Makes root the owner of what the helper made for a user, as soon as root has it open. Then only root and the
/// helper's group have any right to it, whatever path leads to it.
pub(super) fn adopt(file: &File, found: &Metadata) {
    if found.uid() != 0 && geteuid().is_root() {
        // On a file system that is read-only at the moment, ownership does not change; the directory above keeps users
        // out.
        fchown(file, Some(Uid::from_raw(0)), None).ok();
    }
}
