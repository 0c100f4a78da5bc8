//! PAM's files below a root directory, found as libpam finds them.

use crate::Error;
use crate::stack::{DIRECTORIES, OTHER, is_no_service, read_text, read_up_to};
use otp_core::messages::reason::Deed;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// The file that counts if there is no directory of services.
const SINGLE: &str = "/etc/pam.conf";

/// Where libpam looks for modules without a path, depending on distribution and machine.
const MODULES: [&str; 4] = ["/lib", "/lib64", "/usr/lib", "/usr/lib64"];

/// More than any file except PAM's has: thousands of users take a megabyte.
const MOST_TEXT: u64 = 16 * 1024 * 1024;

/// As many links as Linux follows.
const MOST_LINKS: usize = 40;

/// The places of PAM's files.
#[derive(Clone, Debug)]
pub struct Files {
    root: PathBuf,
    directories: Vec<PathBuf>,
    /// The directories of modules; empty: it is unknown which modules exist.
    modules: Vec<PathBuf>,
}

/// One file of a service.
#[derive(Clone, Debug)]
pub(super) struct Text {
    /// Its path as the machine sees it, without the root.
    pub(super) path: String,
    pub(super) text: String,
}

impl Files {
    /// Returns the files of the machine with that root directory.
    #[must_use]
    pub fn below(root: &Path) -> Self {
        let mut files = Self {
            root: root.to_owned(),
            directories: DIRECTORIES.map(PathBuf::from).to_vec(),
            modules: Vec::new(),
        };
        files.modules = files.directories_of_modules();
        files
    }

    /// Returns the files in one directory, as `pam_start_confdir` of libpam finds them.
    #[must_use]
    pub fn in_directory(directory: &Path) -> Self {
        Self {
            root: PathBuf::from("/"),
            directories: vec![directory.to_owned()],
            modules: Vec::new(),
        }
    }

    /// Finds `security` in each directory of libraries and in its directories for kinds of machines
    /// (`x86_64-linux-gnu`).
    fn directories_of_modules(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        for directory in MODULES {
            let place = self.place(Path::new(directory));
            let below = std::fs::read_dir(&place).into_iter().flatten().flatten();
            let below = below.map(|entry| entry.path());
            let candidates = std::iter::once(place.clone()).chain(below);
            found.extend(
                candidates
                    .map(|one| one.join("security"))
                    .filter(|one| one.is_dir()),
            );
        }
        found
    }

    /// Whether a module exists; true if this cannot be known.
    #[must_use]
    pub fn has_module(&self, path: &str) -> bool {
        if self.modules.is_empty() || path.contains('$') {
            return true;
        }
        if path.starts_with('/') {
            return self.place(Path::new(path)).exists();
        }
        self.modules.iter().any(|one| one.join(path).exists())
    }

    /// Returns a path of the machine as this process opens it: links of another system lead to places within it.
    #[must_use]
    pub fn place(&self, path: &Path) -> PathBuf {
        if self.are_here() {
            return Path::new("/").join(path);
        }
        let parts = |path: &Path| -> Vec<OsString> {
            let parts = path.components().map(|one| one.as_os_str().to_owned());
            parts.rev().collect()
        };
        let mut place = self.root.clone();
        let mut left = parts(path);
        let mut links = 0;
        while let Some(part) = left.pop() {
            if part == "/" {
                place.clone_from(&self.root);
            } else if part == ".." {
                if place != self.root {
                    place.pop();
                }
            } else {
                let next = place.join(&part);
                match std::fs::read_link(&next) {
                    // A link in an endless chain stays as it is, and cannot be opened.
                    Ok(target) if links < MOST_LINKS => {
                        links += 1;
                        left.extend(parts(&target));
                    }
                    _ => place = next,
                }
            }
        }
        place
    }

    /// Whether these are the files of the machine that this runs on.
    #[must_use]
    pub fn are_here(&self) -> bool {
        self.root == Path::new("/")
    }

    /// Returns the text of a file of the machine; `None`: it does not exist, or cannot be read.
    #[must_use]
    pub fn text(&self, path: &str) -> Option<String> {
        read_up_to(&self.place(Path::new(path)), MOST_TEXT).ok()
    }

    /// Whether a directory of services exists; otherwise `pam.conf` counts.
    #[must_use]
    pub fn has_directory(&self) -> bool {
        self.directories.iter().any(|one| self.place(one).is_dir())
    }

    /// Returns the services that have their own file, sorted.
    ///
    /// # Errors
    /// A directory cannot be listed.
    pub fn services(&self) -> Result<Vec<String>, Error> {
        let mut names = BTreeSet::new();
        for directory in &self.directories {
            let place = self.place(directory);
            let shown = directory.display().to_string();
            let entries = match std::fs::read_dir(&place) {
                Ok(entries) => entries,
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                Err(error) => return Err(Error::io(&shown, Deed::List, error)),
            };
            for entry in entries {
                let entry = entry.map_err(|error| Error::io(&shown, Deed::List, error))?;
                if let Ok(name) = entry.file_name().into_string()
                    && !is_no_service(&name)
                    && name != OTHER
                    && self.place(&directory.join(&name)).is_file()
                {
                    names.insert(name);
                }
            }
        }
        if !self.has_directory() {
            for line in self.single()?.text.lines() {
                let name = line.split_whitespace().next().unwrap_or_default();
                if !name.is_empty() && !name.starts_with('#') && name != OTHER {
                    names.insert(name.to_ascii_lowercase());
                }
            }
        }
        Ok(names.into_iter().collect())
    }

    /// Returns every file of a service, beginning with the one that counts.
    pub(super) fn all_of(&self, service: &str) -> Result<Vec<Text>, Error> {
        let candidates: Vec<PathBuf> = if service.starts_with('/') {
            vec![PathBuf::from(service)]
        } else {
            let in_directory = |directory: &PathBuf| directory.join(service);
            self.directories.iter().map(in_directory).collect()
        };
        let mut found = Vec::new();
        for path in candidates {
            let shown = path.display().to_string();
            match read_text(&self.place(&path)) {
                Ok(text) => found.push(Text { path: shown, text }),
                Err(error) if is_absent(error.kind()) => {}
                Err(error) => return Err(Error::io(&shown, Deed::Read, error)),
            }
        }
        Ok(found)
    }

    /// Returns the file that counts.
    pub(super) fn of(&self, service: &str) -> Result<Option<Text>, Error> {
        Ok(self.all_of(service)?.into_iter().next())
    }

    /// Returns `pam.conf`; empty if it does not exist.
    pub(super) fn single(&self) -> Result<Text, Error> {
        let path = SINGLE.to_owned();
        match read_text(&self.place(Path::new(SINGLE))) {
            Ok(text) => Ok(Text { path, text }),
            Err(error) if is_absent(error.kind()) => Ok(Text {
                path,
                text: String::new(),
            }),
            Err(error) => Err(Error::io(&path, Deed::Read, error)),
        }
    }
}

fn is_absent(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::NotFound | ErrorKind::NotADirectory)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;
    use tempfile::TempDir;

    #[test]
    fn links_of_another_system_lead_to_places_within_it() {
        let root = TempDir::new().unwrap();
        let at = |path: &str| root.path().join(path);
        fs::create_dir_all(at("etc/pam.d")).unwrap();
        fs::create_dir_all(at("etc/authselect")).unwrap();
        fs::write(
            at("etc/authselect/system-auth"),
            "auth required pam_deny.so\n",
        )
        .unwrap();
        symlink("/etc/authselect/system-auth", at("etc/pam.d/one")).unwrap();
        symlink("../authselect/system-auth", at("etc/pam.d/two")).unwrap();
        symlink(
            "../../../../etc/authselect/system-auth",
            at("etc/pam.d/three"),
        )
        .unwrap();
        symlink("/etc/pam.d", at("etc/linked")).unwrap();
        symlink("endless", at("etc/pam.d/endless")).unwrap();
        let files = Files::below(root.path());
        for path in [
            "/etc/pam.d/one",
            "/etc/pam.d/two",
            "/etc/pam.d/three",
            "/etc/linked/one",
        ] {
            assert_eq!(
                files.place(Path::new(path)),
                at("etc/authselect/system-auth"),
                "{path}"
            );
        }
        assert_eq!(files.services().unwrap(), ["one", "three", "two"]);
        assert!(files.of("one").unwrap().is_some());
        assert!(files.all_of("endless").is_err());
    }
}
