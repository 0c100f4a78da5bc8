//! The directory of the login part, which belongs to root. It holds the key, and for each user who has logged out
//! everywhere a random value that older tokens lack.

use super::Trouble;
use super::token::{KEY_BYTES, Signer, Tag};
use nix::fcntl::OFlag;
use nix::unistd::geteuid;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// The bits of a mode for group and others, and the value that they must have.
const FOR_OTHERS: u32 = 0o077;
const NOTHING: u32 = 0;

/// The directory.
pub(super) struct Kept(PathBuf);

impl Kept {
    /// Opens the directory, or makes it.
    pub(super) fn open(directory: &Path) -> Result<Self, Trouble> {
        let trouble = |error: io::Error| Trouble::new(&directory.display().to_string(), &error);
        match DirBuilder::new().mode(0o700).create(directory) {
            Ok(()) => sync(directory.parent().unwrap_or(Path::new("/"))).map_err(trouble)?,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(trouble(error)),
        }
        let found = fs::symlink_metadata(directory).map_err(trouble)?;
        if !found.is_dir()
            || found.uid() != geteuid().as_raw()
            || found.mode() & FOR_OTHERS != NOTHING
        {
            let why = "must be a directory of root's that nobody else may enter (mode 0700)";
            return Err(Trouble::new(&directory.display().to_string(), &why));
        }
        Ok(Self(directory.to_owned()))
    }

    /// Returns the key, which is made at first use. Two processes that make it at once get the same one.
    pub(super) fn signer(&self) -> Result<Signer, Trouble> {
        if let Some(key) = self.read("key")? {
            return Ok(Signer::new(key));
        }
        let key = random::<KEY_BYTES>()?;
        self.write("key", key.as_slice(), Place::OnlyIfNew)?;
        let kept = self
            .read("key")?
            .ok_or_else(|| self.trouble("key", &"it is gone again"))?;
        Ok(Signer::new(kept))
    }

    /// Returns the value that the tokens of a user carry since the last logout everywhere, if there was one.
    pub(super) fn left(&self, uid: u32) -> Result<Tag, Trouble> {
        Ok(*self.read(&left(uid))?.unwrap_or_default())
    }

    /// Ends all tokens of a user.
    pub(super) fn leave(&self, uid: u32) -> Result<(), Trouble> {
        self.write(
            &left(uid),
            random::<16>()?.as_slice(),
            Place::InPlaceOfTheOld,
        )
    }

    /// Returns a file in this directory for locks.
    pub(super) fn slots(&self) -> Result<File, Trouble> {
        let opened = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags(OFlag::O_NOFOLLOW.bits())
            .open(self.0.join("slots"));
        opened.map_err(|error| self.trouble("slots", &error))
    }

    fn read<const N: usize>(&self, name: &str) -> Result<Option<Zeroizing<[u8; N]>>, Trouble> {
        let opened = OpenOptions::new()
            .read(true)
            .custom_flags(OFlag::O_NOFOLLOW.bits())
            .open(self.0.join(name));
        let mut file = match opened {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.trouble(name, &error)),
        };
        let found = file
            .metadata()
            .map_err(|error| self.trouble(name, &error))?;
        let is_ours = found.uid() == geteuid().as_raw() && found.mode() & FOR_OTHERS == NOTHING;
        if !found.is_file() || !is_ours || found.len() != N as u64 {
            let why = format!("must be a file of root's alone (mode 0600) with {N} bytes");
            return Err(self.trouble(name, &why));
        }
        let mut bytes = Zeroizing::new([0; N]);
        let read = file.read_exact(bytes.as_mut_slice());
        read.map_err(|error| self.trouble(name, &error))?;
        Ok(Some(bytes))
    }

    /// Writes a file, durably. Readers see the old content or the new.
    fn write(&self, name: &str, bytes: &[u8], place: Place) -> Result<(), Trouble> {
        let trouble = |error: io::Error| self.trouble(name, &error);
        let new = self.0.join(format!("{name}.{}.new", std::process::id()));
        let write = || {
            // A killed process with the same number may have left this file.
            match fs::remove_file(&new) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                Ok(()) | Err(_) => {}
            }
            let mut file = OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(&new)?;
            file.write_all(bytes)?;
            file.sync_all()?;
            match place {
                Place::InPlaceOfTheOld => fs::rename(&new, self.0.join(name))?,
                Place::OnlyIfNew => {
                    match fs::hard_link(&new, self.0.join(name)) {
                        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                        linked => linked?,
                    }
                    fs::remove_file(&new)?;
                }
            }
            sync(&self.0)
        };
        write().map_err(|error| {
            fs::remove_file(&new).ok();
            trouble(error)
        })
    }

    fn trouble(&self, name: &str, why: &impl std::fmt::Display) -> Trouble {
        Trouble::new(&self.0.join(name).display().to_string(), why)
    }
}

#[derive(Clone, Copy)]
enum Place {
    InPlaceOfTheOld,
    OnlyIfNew,
}

fn left(uid: u32) -> String {
    format!("left.{uid}")
}

fn sync(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

/// Returns random bytes from the kernel.
pub(super) fn random<const N: usize>() -> Result<Zeroizing<[u8; N]>, Trouble> {
    let mut bytes = Zeroizing::new([0; N]);
    getrandom::fill(bytes.as_mut_slice())
        .map_err(|error| Trouble::new("random numbers", &error))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn directory() -> (tempfile::TempDir, PathBuf) {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("login");
        (parent, path)
    }

    #[test]
    fn the_key_is_made_once_and_belongs_to_root_alone() {
        let (_parent, path) = directory();
        let kept = Kept::open(&path).unwrap();
        let first = kept.signer().ok().unwrap().of_password(1, None);
        let again = Kept::open(&path).unwrap().signer().ok().unwrap();
        assert_eq!(again.of_password(1, None), first);
        let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o7777;
        assert_eq!((mode(&path), mode(&path.join("key"))), (0o700, 0o600));
        let names: Vec<_> = fs::read_dir(&path).unwrap().collect();
        assert_eq!(names.len(), 1, "nothing is left beside it");
        let (_parent, other) = directory();
        let other = Kept::open(&other).unwrap().signer().ok().unwrap();
        assert_ne!(
            other.of_password(1, None),
            first,
            "another machine has another"
        );
    }

    #[test]
    fn threads_that_make_the_key_at_once_get_the_same_one() {
        let (_parent, path) = directory();
        let kept = Kept::open(&path).unwrap();
        let tags: Vec<_> = std::thread::scope(|scope| {
            let tag = || kept.signer().ok().unwrap().of_password(1, None);
            // All threads have the same process id, so only one of them can make the temporary file.
            let one = scope.spawn(tag);
            vec![one.join().unwrap(), tag()]
        });
        assert_eq!(tags[0], tags[1]);
    }

    #[test]
    fn a_key_that_others_could_read_or_that_is_cut_is_refused() {
        let (_parent, path) = directory();
        let kept = Kept::open(&path).unwrap();
        kept.signer().ok().unwrap();
        let key = path.join("key");
        fs::set_permissions(&key, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(kept.signer().is_err());
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
        assert!(kept.signer().is_ok());
        fs::write(&key, [0; KEY_BYTES - 1]).unwrap();
        assert!(kept.signer().is_err());
        fs::remove_file(&key).unwrap();
        symlink("/dev/zero", &key).unwrap();
        assert!(kept.signer().is_err());
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        assert!(Kept::open(&path).is_err());
    }

    #[test]
    fn each_logout_everywhere_has_a_new_value_for_that_user_alone() {
        let (_parent, path) = directory();
        let kept = Kept::open(&path).unwrap();
        let never = kept.left(1001).unwrap();
        assert_eq!(never, Tag::default());
        kept.leave(1001).unwrap();
        let once = kept.left(1001).unwrap();
        kept.leave(1001).unwrap();
        let twice = kept.left(1001).unwrap();
        assert!(once != never && twice != once && twice != never);
        assert_eq!(kept.left(1002).unwrap(), never);
    }

    #[test]
    fn leftovers_of_a_killed_process_are_no_obstacle() {
        let (_parent, path) = directory();
        let kept = Kept::open(&path).unwrap();
        let new = path.join(format!("key.{}.new", std::process::id()));
        fs::write(&new, [0; 5]).unwrap();
        assert!(kept.signer().is_ok());
        assert!(!new.exists());
    }
}
