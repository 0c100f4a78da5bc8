//! The places of `pam_google_authenticator`'s files: homes, or wherever its argument `secret=` says.

use super::people::Person;
use std::path::{Path, PathBuf};

/// The file in a home that is used by default.
const USUAL: &str = "~/.google_authenticator";

/// A path of the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A pattern for each user's file: with `~` in front, `${USER}` or `${HOME}` in it, as in the module's own
    /// argument.
    OfEverybody(String),
    /// A directory whose files are named after their users.
    Directory(PathBuf),
    /// One file.
    File(PathBuf),
}

impl Place {
    /// Returns the places that paths mean; without paths, the files in the homes.
    pub fn of(paths: &[PathBuf]) -> Vec<Self> {
        if paths.is_empty() {
            return vec![Self::OfEverybody(USUAL.to_owned())];
        }
        let place = |path: &PathBuf| match path.to_str() {
            Some(text) if is_pattern(text) => Self::OfEverybody(text.to_owned()),
            _ if path.is_dir() => Self::Directory(path.clone()),
            _ => Self::File(path.clone()),
        };
        paths.iter().map(place).collect()
    }
}

fn is_pattern(text: &str) -> bool {
    text.starts_with("~/") || text.contains("${USER}") || text.contains("${HOME}")
}

/// Whether such files are in users' homes, where only the users own them.
pub fn is_in_homes(pattern: &str) -> bool {
    pattern.starts_with("~/") || pattern.contains("${HOME}")
}

/// Returns the path of one user's file.
pub fn expanded(pattern: &str, person: &Person) -> PathBuf {
    let home = person.home.to_string_lossy();
    // One pass only, so that such a word in the name of a home is not expanded again.
    let (mut path, mut rest) = match pattern.strip_prefix('~') {
        Some(rest) if rest.starts_with('/') => (home.to_string(), rest),
        _ => (String::new(), pattern),
    };
    while let Some(at) = rest.find("${") {
        path.push_str(&rest[..at]);
        rest = &rest[at..];
        let (word, with) = if rest.starts_with("${USER}") {
            ("${USER}", person.account.name.as_str())
        } else if rest.starts_with("${HOME}") {
            ("${HOME}", &*home)
        } else {
            ("${", "${")
        };
        path.push_str(with);
        rest = &rest[word.len()..];
    }
    path.push_str(rest);
    Path::new(&path).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use otp_core::{Account, UserName};

    #[test]
    fn paths_are_expanded_as_the_module_expands_them() {
        let alice = Person {
            account: Account {
                name: UserName::new("alice").unwrap(),
                uid: 1001,
            },
            gid: 1001,
            home: "/home/al".into(),
        };
        for (pattern, path) in [
            ("~/.google_authenticator", "/home/al/.google_authenticator"),
            ("${HOME}/.ga", "/home/al/.ga"),
            (
                "/var/lib/ga/${USER}/secret-${USER}",
                "/var/lib/ga/alice/secret-alice",
            ),
            ("/x/${OTHER}/~/y", "/x/${OTHER}/~/y"),
        ] {
            assert_eq!(expanded(pattern, &alice), Path::new(path), "{pattern}");
        }
    }

    #[test]
    fn a_path_is_a_pattern_a_directory_or_a_file() {
        let read = |text: &str| Place::of(&[PathBuf::from(text)]).remove(0);
        assert_eq!(
            read("/x/${USER}"),
            Place::OfEverybody("/x/${USER}".to_owned())
        );
        assert_eq!(read("~/.ga"), Place::OfEverybody("~/.ga".to_owned()));
        assert_eq!(read("/etc"), Place::Directory("/etc".into()));
        assert_eq!(read("/etc/passwd"), Place::File("/etc/passwd".into()));
        assert_eq!(Place::of(&[]), [Place::OfEverybody(USUAL.to_owned())]);
    }
}
