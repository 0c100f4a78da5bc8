//! One user's directory: open safely, lock, read, commit durably.

use crate::error::At;
use crate::marks::Outside;
use crate::state_file::{self, Newest};
use crate::undisturbed::{Undisturbed, can_be_reached_by_a_user};
use crate::{Error, access_list, credential_file, first_login, trust_file};
use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, open, openat, renameat};
use nix::sys::stat::{Mode, fchmod, fstatat, mkdirat};
use nix::unistd::{Gid, Uid, UnlinkatFlags, fchown, geteuid, mkdir, unlinkat};
use otp_core::{Account, Credential, State, UserName};
use otp_file::{
    Access, Fault, Rules, metadata, open_directory, open_directory_of_anyone, open_file, read_whole,
};
use std::fs::{File, TryLockError};
use std::io::Write;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Where the records are kept unless the command line or a module argument says otherwise.
pub const DEFAULT_DIRECTORY: &str = "/var/lib/pam_otp";

/// How long a login waits for other logins of the same user.
pub const LOCK_DEADLINE: Duration = Duration::from_secs(10);

/// How long a command of root waits: longer than the longest that a lock can be held by somebody who tries to.
pub const ROOTS_LOCK_DEADLINE: Duration = Duration::from_secs(60);

/// How often a lock is tried by a process that a user can stop, at first; the longer it has waited the more often.
const PAUSE: Duration = Duration::from_millis(8);

/// How often by one that nobody but root can: it comes before all of those, however many they are.
const SHORT_PAUSE: Duration = Duration::from_micros(250);

const USER_DIRECTORY_MODE: u32 = 0o2770;
const CREDENTIAL_MODE: u32 = 0o640;
const STATE_MODE: u32 = 0o660;

/// Who can prove what, and what came of it, in the order in which it is removed.
const RECORD: [&str; 3] = [credential_file::NAME, state_file::NAME, trust_file::NAME];

/// All that is kept about a user.
const FILES: [&str; 4] = [RECORD[0], RECORD[1], RECORD[2], first_login::NAME];

/// All users' records.
pub struct Store {
    directory: File,
    path: String,
    group: u32,
}

/// A user's directory, held against every other process until dropped.
pub struct Locked {
    directory: File,
    undisturbed: Option<Undisturbed>,
    path: String,
    group: u32,
    owner: Option<u32>,
}

/// What is kept about one user, as read under the lock.
pub struct Record {
    /// Who can prove what.
    pub credential: Credential,
    /// What happened so far.
    pub state: State,
    file: File,
    newest: Newest,
}

impl Store {
    /// Opens the directory of all records.
    ///
    /// # Errors
    /// It is missing, or empty on a machine where people have enrolled (that must not look like "nobody is enrolled"), owned
    /// by somebody else, or open to others than root and its group.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let shown = path.display().to_string();
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let directory = match open(path, flags, Mode::empty()) {
            Ok(descriptor) => File::from(descriptor),
            Err(Errno::ENOENT) => {
                let what = "the directory of all records is missing; is its file system mounted, is pam_otp installed?";
                return Err(Error::Missing { path: shown, what });
            }
            Err(Errno::ENOTDIR) => {
                return Err(Error::Unsafe {
                    path: shown,
                    fault: Fault::NotADirectory,
                });
            }
            Err(errno) => return Err(Error::io(&shown, "open", errno)),
        };
        let found = metadata(&directory).at(&shown)?;
        // What the helper makes for a user belongs to that user: nobody else than its group may even pass through here.
        Rules {
            allowed: USER_DIRECTORY_MODE,
            account: None,
            group: None,
            one_name: true,
        }
        .check(&found)
        .at(&shown)?;
        access_list::check(&directory, &shown, found.gid())?;
        let store = Self {
            directory,
            path: shown,
            group: found.gid(),
        };
        if let Some(outside) = Outside::of(path) {
            outside.settle(&store, geteuid().is_root())?;
        }
        Ok(store)
    }

    pub(crate) const fn directory(&self) -> &File {
        &self.directory
    }

    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    pub(crate) const fn group(&self) -> u32 {
        self.group
    }

    /// Opens the directory of all records, and makes it first where there is none.
    ///
    /// For enrolling only, and only for [`DEFAULT_DIRECTORY`]: whoever reads must be told that it is missing. It is
    /// root's alone, until the package that has a group for it says otherwise. One level; nothing is followed.
    ///
    /// # Errors
    /// As for [`Store::open`], or it cannot be made.
    pub fn open_or_create(path: &Path) -> Result<Self, Error> {
        let shown = path.display().to_string();
        match mkdir(path, Mode::from_bits_truncate(0o700)) {
            Ok(()) => {
                let parent = path.parent().unwrap_or(Path::new("/"));
                File::open(parent)
                    .and_then(|parent| parent.sync_all())
                    .map_err(|error| Error::io(&shown, "create", error))?;
            }
            Err(Errno::EEXIST) => {}
            Err(errno) => return Err(Error::io(&shown, "create", errno)),
        }
        Self::open(path)
    }

    /// The names of all users with a directory here, sorted.
    ///
    /// # Errors
    /// The directory cannot be read, or holds a name that no user can have.
    pub fn users(&self) -> Result<Vec<UserName>, Error> {
        let failed = |errno: Errno| Error::io(&self.path, "list", errno);
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let mut directory =
            Dir::openat(&self.directory, ".", flags, Mode::empty()).map_err(failed)?;
        let mut names = Vec::new();
        for entry in directory.iter() {
            let entry = entry.map_err(failed)?;
            let bytes = entry.file_name().to_bytes();
            if bytes.starts_with(b".") || bytes == b"lost+found" {
                continue;
            }
            let reason = "holds an entry whose name is not UTF-8";
            let name =
                std::str::from_utf8(bytes).map_err(|_| Error::content(&self.path, None, reason))?;
            names.push(UserName::new(name)?);
        }
        names.sort();
        Ok(names)
    }

    /// Whether the user has a credential, without locking or reading it.
    ///
    /// For what must be known before anybody is asked; the attempt itself looks again, under the lock.
    ///
    /// # Errors
    /// The directory or the file cannot be trusted or opened.
    pub fn is_enrolled(&self, account: &Account) -> Result<bool, Error> {
        match self.look_into(account)? {
            Some(directory) => directory.has_credential(),
            None => Ok(false),
        }
    }

    /// A user's directory without a lock: for a look at one file. `None`: there is none.
    pub(crate) fn look_into(&self, account: &Account) -> Result<Option<Locked>, Error> {
        let directory = self.user_directory(account)?;
        Ok(directory.map(|directory| self.held(directory, account)))
    }

    /// Locks a user's directory; `None`: there is none, so the user is not enrolled.
    ///
    /// # Errors
    /// It cannot be trusted or opened, or another process held it for all of `deadline`.
    pub fn lock(&self, account: &Account, deadline: Duration) -> Result<Option<Locked>, Error> {
        let open = || self.look_into(account);
        lock_what_opens(&self.directory, &account.name, deadline, open)
    }

    /// Locks a user's directory, making it first where there is none.
    ///
    /// # Errors
    /// As for [`Store::lock`], or it cannot be made.
    pub fn lock_or_create(&self, account: &Account, deadline: Duration) -> Result<Locked, Error> {
        loop {
            if let Some(locked) = self.lock(account, deadline)? {
                // Also where it is not new: a crash may have left it half made.
                self.give_to_group(&locked)?;
                return Ok(locked);
            }
            match mkdirat(
                &self.directory,
                account.name.as_str(),
                Mode::from_bits_truncate(0o700),
            ) {
                Ok(()) => self
                    .directory
                    .sync_all()
                    .map_err(|error| Error::io(&self.path, "sync", error))?,
                Err(Errno::EEXIST) => {}
                Err(errno) => return Err(Error::io(&self.path_of(&account.name), "create", errno)),
            }
        }
    }

    /// The group of the store, and the set-group-id bit that hands it on to new files.
    fn give_to_group(&self, locked: &Locked) -> Result<(), Error> {
        let directory = &locked.directory;
        let found = metadata(directory).at(&locked.path)?;
        // What root has made, the helper cannot change, and need not.
        if found.gid() == self.group && found.mode() & 0o7777 == USER_DIRECTORY_MODE {
            return Ok(());
        }
        fchown(directory, None, Some(Gid::from_raw(self.group)))
            .and_then(|()| fchmod(directory, Mode::from_bits_truncate(USER_DIRECTORY_MODE)))
            .map_err(|errno| Error::io(&locked.path, "set the group of", errno))
    }

    fn user_directory(&self, account: &Account) -> Result<Option<File>, Error> {
        let rules = Rules {
            allowed: USER_DIRECTORY_MODE,
            account: Some(account.uid),
            group: Some(self.group),
            one_name: true,
        };
        let name = &account.name;
        let opened =
            open_directory(&self.directory, name.as_str(), rules).at(&self.path_of(name))?;
        Ok(opened.inspect(adopt))
    }

    fn held(&self, directory: File, account: &Account) -> Locked {
        Locked {
            directory,
            undisturbed: None,
            path: self.path_of(&account.name),
            group: self.group,
            owner: Some(account.uid),
        }
    }

    fn path_of(&self, name: &UserName) -> String {
        format!("{}/{}", self.path, name.as_str())
    }

    /// Removes everything that is kept about a user, whatever state it is in; `false`: there was nothing.
    ///
    /// Asks nothing of the files' owner, mode or content: this is how an administrator gets rid of damaged ones.
    ///
    /// # Errors
    /// Something else is in the directory, or it cannot be removed.
    pub fn erase(&self, name: &UserName, deadline: Duration) -> Result<bool, Error> {
        let Some(locked) = self.lock_by_name(name, deadline)? else {
            return Ok(false);
        };
        self.remove(&locked, name, &FILES)?;
        Ok(true)
    }

    /// Locks what is kept under a name, whoever may have it. Not to be believed before [`Locked::belongs_to`].
    pub(crate) fn lock_by_name(
        &self,
        name: &UserName,
        deadline: Duration,
    ) -> Result<Option<Locked>, Error> {
        let path = self.path_of(name);
        let open = || {
            let directory = open_directory_of_anyone(&self.directory, name.as_str()).at(&path)?;
            Ok(directory.map(|directory| Locked {
                directory,
                undisturbed: None,
                path: path.clone(),
                group: self.group,
                owner: None,
            }))
        };
        lock_what_opens(&self.directory, name, deadline, open)
    }

    /// Gives a user's directory another name, over an empty one that has it.
    pub(crate) fn rename(
        &self,
        locked: &mut Locked,
        from: &UserName,
        to: &UserName,
    ) -> Result<(), Error> {
        renameat(&self.directory, from.as_str(), &self.directory, to.as_str())
            .map_err(|errno| Error::io(&self.path_of(to), "rename the record to", errno))?;
        locked.path = self.path_of(to);
        self.directory
            .sync_all()
            .map_err(|error| Error::io(&self.path, "sync", error))
    }

    /// Removes the record of a user whose directory is locked already. When the grace began stays: none begins anew.
    ///
    /// # Errors
    /// As for [`Store::erase`].
    pub(crate) fn erase_record(&self, locked: &Locked, name: &UserName) -> Result<(), Error> {
        self.remove(locked, name, &RECORD)
    }

    /// Removes files, and the directory where nothing of ours is left in it.
    fn remove(&self, locked: &Locked, name: &UserName, files: &[&str]) -> Result<(), Error> {
        locked.remove_files(files)?;
        match unlinkat(&self.directory, name.as_str(), UnlinkatFlags::RemoveDir) {
            Ok(()) => {}
            Err(Errno::ENOTEMPTY | Errno::EEXIST) if files.len() < FILES.len() => {}
            Err(errno) => return Err(Error::io(&locked.path, "remove", errno)),
        }
        self.directory
            .sync_all()
            .map_err(|error| Error::io(&self.path, "sync", error))
    }
}

impl Drop for Locked {
    /// Before signals come through again; and not just by closing the descriptor, since a child that
    /// the program forks meanwhile has a copy of it, and would have the lock with it.
    fn drop(&mut self) {
        self.directory.unlock().ok();
    }
}

impl Locked {
    /// Polls, because a blocking lock has no deadline without a signal or a thread, and a module may use neither.
    fn wait_for_lock(&mut self, start: Instant, deadline: Duration) -> Result<(), Error> {
        loop {
            let undisturbed = Undisturbed::begin()
                .map_err(|error| Error::io(&self.path, "limit the lock of", error))?;
            let waited = start.elapsed();
            match self.directory.try_lock() {
                Ok(()) => {
                    self.undisturbed = Some(undisturbed);
                    return Ok(());
                }
                Err(TryLockError::WouldBlock) if waited < deadline => {
                    drop(undisturbed);
                    sleep(pause(waited));
                }
                Err(TryLockError::WouldBlock) => {
                    return Err(Error::Busy {
                        path: self.path.clone(),
                        seconds: deadline.as_secs(),
                    });
                }
                Err(TryLockError::Error(error)) => {
                    return Err(Error::io(&self.path, "lock", error));
                }
            }
        }
    }

    /// Whether this directory still is the one of that name.
    fn is_what_is_called(&self, parent: &File, name: &UserName) -> Result<bool, Error> {
        let identity = |directory: &File| {
            metadata(directory)
                .at(&self.path)
                .map(|found| (found.dev(), found.ino()))
        };
        let Some(called) = open_directory_of_anyone(parent, name.as_str()).at(&self.path)? else {
            return Ok(false);
        };
        Ok(identity(&called)? == identity(&self.directory)?)
    }

    /// Lets go of the lock, and keeps signals waiting for as long as the caller wants.
    pub(crate) fn let_go(mut self) -> Option<Undisturbed> {
        let undisturbed = self.undisturbed.take();
        drop(self);
        undisturbed.map(Undisturbed::unlimited)
    }

    pub(crate) fn path_of(&self, file: &str) -> String {
        format!("{}/{file}", self.path)
    }

    pub(crate) fn rules(&self, allowed: u32) -> Rules {
        Rules {
            allowed,
            account: self.owner,
            group: Some(self.group),
            one_name: true,
        }
    }

    /// For a file that the helper never makes.
    pub(crate) fn rules_for_roots_own(&self, allowed: u32) -> Rules {
        Rules {
            account: None,
            ..self.rules(allowed)
        }
    }

    pub(crate) const fn directory(&self) -> &File {
        &self.directory
    }

    pub(crate) fn has_credential(&self) -> Result<bool, Error> {
        Ok(self.open_credential()?.is_some())
    }

    /// Removes files, and what was to become them.
    fn remove_files(&self, files: &[&str]) -> Result<(), Error> {
        // The credential goes first: without it the user is "not enrolled"; a credential without state is damage.
        let whole = files.iter().map(|&file| file.to_owned());
        for file in whole.chain(files.iter().map(|file| temporary_name(file))) {
            match unlinkat(&self.directory, file.as_str(), UnlinkatFlags::NoRemoveDir) {
                Ok(()) | Err(Errno::ENOENT) => {}
                Err(errno) => return Err(Error::io(&self.path_of(&file), "remove", errno)),
            }
        }
        Ok(())
    }

    /// Removes all that is kept here.
    pub(crate) fn remove_all(&self) -> Result<(), Error> {
        self.remove_files(&FILES)
    }

    /// The user whom the credential here names; `None`: there is no credential.
    ///
    /// # Errors
    /// It cannot be trusted, whoever that user is: nobody else than root and that user may own it.
    pub(crate) fn owner_on_record(&self) -> Result<Option<Account>, Error> {
        let path = self.path_of(credential_file::NAME);
        let flags = AtFlags::AT_SYMLINK_NOFOLLOW;
        let uid = match fstatat(&self.directory, credential_file::NAME, flags) {
            Ok(found) => found.st_uid,
            Err(Errno::ENOENT) => return Ok(None),
            Err(errno) => return Err(Error::io(&path, "examine", errno)),
        };
        let rules = Rules {
            account: Some(uid),
            ..self.rules(CREDENTIAL_MODE)
        };
        let (directory, name) = (&self.directory, credential_file::NAME);
        let limit = credential_file::LIMIT;
        let Some(file) = open_file(directory, name, Access::Read, rules, limit).at(&path)? else {
            return Ok(None);
        };
        let credential = credential_file::parse(&read_whole(&file, limit).at(&path)?).at(&path)?;
        let rules = Rules {
            account: Some(credential.uid()),
            ..rules
        };
        rules.check(&metadata(&file).at(&path)?).at(&path)?;
        Ok(Some(Account {
            name: UserName::new(credential.user())?,
            uid: credential.uid(),
        }))
    }

    /// Takes what is here for that user's from now on, if it can be.
    pub(crate) fn belongs_to(&mut self, uid: u32) -> Result<(), Error> {
        let rules = Rules {
            account: Some(uid),
            ..self.rules(USER_DIRECTORY_MODE)
        };
        rules
            .check(&metadata(&self.directory).at(&self.path)?)
            .at(&self.path)?;
        adopt(&self.directory);
        self.owner = Some(uid);
        Ok(())
    }

    fn open_credential(&self) -> Result<Option<File>, Error> {
        let path = self.path_of(credential_file::NAME);
        let rules = self.rules(CREDENTIAL_MODE);
        open_file(
            &self.directory,
            credential_file::NAME,
            Access::Read,
            rules,
            credential_file::LIMIT,
        )
        .at(&path)
    }

    /// Reads the record of `account`; `None`: there is no credential, so the account is not enrolled.
    ///
    /// # Errors
    /// Anything else than a complete, fitting pair of files that is the account's own.
    pub fn read(&self, account: &Account) -> Result<Option<Record>, Error> {
        let path = self.path_of(credential_file::NAME);
        let Some(file) = self.open_credential()? else {
            return Ok(None);
        };
        adopt(&file);
        let credential =
            credential_file::parse(&read_whole(&file, credential_file::LIMIT).at(&path)?)
                .at(&path)?;
        if credential.user() != account.name.as_str() {
            let recorded = credential.user().escape_debug().to_string();
            return Err(Error::AnotherUsers { path, recorded });
        }
        if credential.uid() != account.uid {
            let user = account.name.as_str().to_owned();
            return Err(Error::NotTheirs {
                path,
                user,
                recorded: credential.uid(),
                actual: account.uid,
            });
        }
        let path = self.path_of(state_file::NAME);
        let limit = state_file::SIZE as u64;
        let rules = self.rules(STATE_MODE);
        let Some(file) = open_file(
            &self.directory,
            state_file::NAME,
            Access::ReadAndWrite,
            rules,
            limit,
        )
        .at(&path)?
        else {
            return Err(Error::Missing {
                path,
                what: "the state is missing beside a credential",
            });
        };
        adopt(&file);
        let newest = Newest::of(&read_whole(&file, limit).at(&path)?).at(&path)?;
        if !newest.state.covers(&credential) {
            return Err(Error::content(
                &path,
                None,
                "does not belong to the credential beside it",
            ));
        }
        Ok(Some(Record {
            credential,
            state: newest.state.clone(),
            file,
            newest,
        }))
    }

    /// Makes `next` the state for every process of this machine, as long as it runs: one write in place.
    ///
    /// # Errors
    /// As for [`Locked::commit`].
    pub(crate) fn note(&self, record: &Record, next: &State) -> Result<(), Error> {
        let path = self.path_of(state_file::NAME);
        let written = record
            .newest
            .successor(next)
            .ok_or_else(|| Error::content(&path, None, "the next state does not fit a record"))?;
        record
            .file
            .write_all_at(&written.bytes, written.offset)
            .map_err(|error| Error::io(&path, "write", error))
    }

    /// Makes `next` the state, durably: one write in place, over what was noted, and one fdatasync.
    ///
    /// # Errors
    /// It could not be written. What was there before then still counts, or what was to be written does; never
    /// anything else.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "a record is good for one commit: the next must be read again"
    )]
    pub fn commit(&self, record: Record, next: &State) -> Result<(), Error> {
        self.note(&record, next)?;
        record
            .file
            .sync_data()
            .map_err(|error| Error::io(&self.path_of(state_file::NAME), "sync", error))
    }

    /// Puts `credential` in the place of whatever was there, with a state that covers it.
    ///
    /// The state goes first and still covers the credential that it replaces, so a crash in between leaves the old
    /// record working. `account` may have had no record, or a damaged one.
    ///
    /// # Errors
    /// Something could not be written; then the old record still counts. But for [`Error::NotDurable`]: the new one
    /// counts, unless the power fails now.
    pub fn replace(
        &self,
        account: &Account,
        credential: &Credential,
        state: &State,
    ) -> Result<(), Error> {
        let combined = match self.read(account) {
            Ok(Some(old)) => state.joined_with(&old.state.reduced_to(&old.credential)),
            // What cannot be read for a reason that may pass, or by this version, is not to be thrown away.
            Err(error @ (Error::Io { .. } | Error::Newer { .. })) => return Err(error),
            Ok(None) | Err(_) => state.clone(),
        };
        let path = self.path_of(state_file::NAME);
        let bytes = state_file::whole(&combined)
            .ok_or_else(|| Error::content(&path, None, "the next state does not fit a record"))?;
        // Trust was earned by what goes now.
        self.forget_trust()?;
        self.put(state_file::NAME, STATE_MODE, &bytes)?;
        self.put_credential(credential)
    }

    /// Puts a credential beside the state that covers it.
    pub(crate) fn put_credential(&self, credential: &Credential) -> Result<(), Error> {
        self.put(
            credential_file::NAME,
            CREDENTIAL_MODE,
            credential_file::reveal(credential).as_bytes(),
        )
        .map_err(|error| match error {
            Error::Io {
                action: SYNC_DIRECTORY,
                path,
                source,
            } => Error::NotDurable { path, source },
            other => other,
        })
    }

    /// Writes a whole file: beside it, then rename, each step durable before the next.
    pub(crate) fn put(&self, name: &str, mode: u32, bytes: &[u8]) -> Result<(), Error> {
        self.write_beside(name, mode, bytes)?;
        self.put_in_place(name)?;
        self.sync_directory()
    }

    /// Gives what was written beside a file the file's name.
    pub(crate) fn put_in_place(&self, name: &str) -> Result<(), Error> {
        let temporary = temporary_name(name);
        renameat(&self.directory, temporary.as_str(), &self.directory, name).map_err(|errno| {
            unlinkat(
                &self.directory,
                temporary.as_str(),
                UnlinkatFlags::NoRemoveDir,
            )
            .ok();
            Error::io(&self.path_of(name), "write", errno)
        })
    }

    pub(crate) fn sync_directory(&self) -> Result<(), Error> {
        self.directory
            .sync_all()
            .map_err(|error| Error::io(&self.path, SYNC_DIRECTORY, error))
    }

    /// Writes a whole file under its temporary name, durably but for that name.
    pub(crate) fn write_beside(&self, name: &str, mode: u32, bytes: &[u8]) -> Result<(), Error> {
        let path = self.path_of(name);
        let temporary = temporary_name(name);
        // Left behind by a crash; nobody else can be writing it, since we hold the lock.
        match unlinkat(
            &self.directory,
            temporary.as_str(),
            UnlinkatFlags::NoRemoveDir,
        ) {
            Ok(()) | Err(Errno::ENOENT) => {}
            Err(errno) => return Err(Error::io(&path, "replace", errno)),
        }
        let failed = |error: std::io::Error| {
            // The error of the write is the one to tell; a leftover is removed at the next try.
            unlinkat(
                &self.directory,
                temporary.as_str(),
                UnlinkatFlags::NoRemoveDir,
            )
            .ok();
            Error::io(&path, "write", error)
        };
        let flags =
            OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let created = openat(
            &self.directory,
            temporary.as_str(),
            flags,
            Mode::from_bits_truncate(0o600),
        );
        let mut file = File::from(created.map_err(|errno| Error::io(&path, "write", errno))?);
        fchown(&file, None, Some(Gid::from_raw(self.group)))
            .and_then(|()| fchmod(&file, Mode::from_bits_truncate(mode)))
            .map_err(std::io::Error::from)
            .and_then(|()| file.write_all(bytes))
            .and_then(|()| file.sync_all())
            .map_err(failed)
    }
}

/// What failed when a file has its new content already.
const SYNC_DIRECTORY: &str = "sync the directory";

/// What the helper made for a user is root's from the first time that root has it open, so that nobody but root and the
/// helper's group has any right to it, whatever way to it there may be.
fn adopt(file: &File) {
    if geteuid().is_root() && file.metadata().is_ok_and(|found| found.uid() != 0) {
        // On a file system that is read-only just now it stays whose it is; the directory above keeps them out.
        fchown(file, Some(Uid::from_raw(0)), None).ok();
    }
}

/// Locks what `open` opens; `None`: there is nothing.
fn lock_what_opens(
    parent: &File,
    name: &UserName,
    deadline: Duration,
    open: impl Fn() -> Result<Option<Locked>, Error>,
) -> Result<Option<Locked>, Error> {
    let start = Instant::now();
    loop {
        let Some(mut locked) = open()? else {
            return Ok(None);
        };
        locked.wait_for_lock(start, deadline)?;
        // Another process may have removed the directory before it let go, or given it another name; then its successor is
        // the one to lock.
        if locked.is_what_is_called(parent, name)? {
            return Ok(Some(locked));
        }
    }
}

/// How long to wait before the lock is tried again after having waited so long.
fn pause(waited: Duration) -> Duration {
    if can_be_reached_by_a_user() {
        PAUSE.mul_f64(1.0 / (1.0 + waited.as_secs_f64() * 4.0))
    } else {
        SHORT_PAUSE
    }
}

/// Beside the file that it becomes.
pub(crate) fn temporary_name(name: &str) -> String {
    format!(".{name}.new")
}

#[cfg(test)]
mod tests;
