//! The users of a machine, and which of them can become root, according to its files.

use super::files::Files;
use std::collections::BTreeSet;

/// The user ids that Linux gives to people.
const PEOPLE: std::ops::RangeInclusive<u32> = 1000..=60_000;
/// Groups whose members sudo lets become root, as distributions configure it.
const ADMINISTRATORS: [&str; 3] = ["sudo", "wheel", "admin"];

/// A user in `/etc/passwd`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// The name.
    pub name: String,
    /// The user id.
    pub uid: u32,
    /// The number of the primary group.
    pub gid: u32,
    /// Whether a shell runs after a login.
    pub has_shell: bool,
    /// Whether there is a password to log in with.
    pub has_password: bool,
}

/// All users and groups.
#[derive(Clone, Debug, Default)]
pub struct People {
    /// All users, in the order of the file.
    pub all: Vec<Person>,
    groups: Vec<(String, u32, Vec<String>)>,
    /// Whether other services than the files know users too, so that users who are not found here may exist.
    pub knows_more: bool,
}

impl People {
    /// Reads the files.
    #[must_use]
    pub fn read(files: &Files) -> Self {
        let text = |path| files.text(path).unwrap_or_default();
        let shadow = text("/etc/shadow");
        let with_password: BTreeSet<&str> = shadow
            .lines()
            .filter_map(|line| {
                let mut fields = line.split(':');
                let (name, hash) = (fields.next()?, fields.next()?);
                (!hash.starts_with(['!', '*'])).then_some(name)
            })
            .collect();
        let person = |line: &str| {
            let fields: Vec<&str> = line.split(':').collect();
            let [name, _, uid, gid, _, _, shell, ..] = fields[..] else {
                return None;
            };
            Some(Person {
                has_password: with_password.contains(name),
                name: name.to_owned(),
                uid: uid.parse().ok()?,
                gid: gid.parse().ok()?,
                has_shell: !shell.ends_with("/nologin") && !shell.ends_with("/false"),
            })
        };
        let group = |line: &str| {
            let fields: Vec<&str> = line.split(':').collect();
            let [name, _, gid, members, ..] = fields[..] else {
                return None;
            };
            let members = members.split(',').filter(|one| !one.is_empty());
            let members = members.map(str::to_owned).collect();
            Some((name.to_owned(), gid.parse().ok()?, members))
        };
        let sources = text("/etc/nsswitch.conf");
        let knows_more = sources.lines().any(|line| {
            let Some((kind, sources)) = line.split_once(':') else {
                return false;
            };
            let plain = ["files", "compat", "systemd", "altfiles"];
            matches!(kind.trim(), "passwd" | "group")
                && sources
                    .split_whitespace()
                    .any(|one| !one.starts_with('[') && !plain.contains(&one))
        });
        Self {
            all: text("/etc/passwd").lines().filter_map(person).collect(),
            groups: text("/etc/group").lines().filter_map(group).collect(),
            knows_more,
        }
    }

    /// Returns the users who log in: root, and people with a shell.
    pub fn who_log_in(&self) -> impl Iterator<Item = &Person> {
        self.all
            .iter()
            .filter(|one| one.has_shell && (one.uid == 0 || PEOPLE.contains(&one.uid)))
    }

    /// Returns the user of that name.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<&Person> {
        self.all.iter().find(|one| one.name == name)
    }

    /// Whether there is a group of that name or number.
    #[must_use]
    pub fn has_group(&self, group: &str) -> bool {
        self.groups
            .iter()
            .any(|(name, gid, _)| is(group, name, *gid))
    }

    /// Returns the members of a group, including those whose primary group it is.
    #[must_use]
    pub fn members(&self, group: &str) -> BTreeSet<&str> {
        let mut members = BTreeSet::new();
        for (name, gid, listed) in &self.groups {
            if is(group, name, *gid) {
                members.extend(listed.iter().map(String::as_str));
                let primary = self.all.iter().filter(|one| one.gid == *gid);
                members.extend(primary.map(|one| one.name.as_str()));
            }
        }
        members
    }

    /// Returns the users whom sudo lets become root; `None`: its rules say more than is understood here.
    #[must_use]
    pub fn sudoers(&self, files: &Files) -> Option<BTreeSet<&str>> {
        let mut found = BTreeSet::new();
        let text = files.text("/etc/sudoers")?;
        for line in text.lines() {
            let line = line.trim();
            let is_plain = line.is_empty()
                || line.starts_with("Defaults")
                || (line.starts_with('#') && !line.starts_with("#include"));
            if is_plain {
                continue;
            }
            if line.starts_with("@include") || line.starts_with("#include") {
                // Rules in other files may let anybody become root.
                if includes_rules(files, line) {
                    return None;
                }
                continue;
            }
            // Somebody who need not prove anything becomes root.
            if line.contains("NOPASSWD") {
                return None;
            }
            let who = line.split_whitespace().next()?;
            match who.strip_prefix('%') {
                Some(group) if ADMINISTRATORS.contains(&group) => {
                    found.extend(self.members(group));
                }
                None if self.named(who).is_some() => {
                    found.insert(self.named(who)?.name.as_str());
                }
                _ => return None,
            }
        }
        Some(found)
    }
}

/// Whether the files that a line of sudoers includes have any rule.
fn includes_rules(files: &Files, line: &str) -> bool {
    let Some(directory) = line.split_whitespace().nth(1) else {
        return true;
    };
    if !line.contains("includedir") {
        return true;
    }
    let place = files.place(std::path::Path::new(directory));
    let Ok(entries) = std::fs::read_dir(place) else {
        return false;
    };
    let mut entries = entries.flatten().filter_map(|entry| {
        let name = entry.file_name().into_string().ok()?;
        // sudo skips names with a dot, or with a tilde at the end.
        (!name.contains('.') && !name.ends_with('~')).then(|| {
            let path = std::path::Path::new(directory).join(name);
            files.text(&path.to_string_lossy()).unwrap_or_default()
        })
    });
    entries.any(|text| {
        text.lines().any(|line| {
            let line = line.trim();
            !line.is_empty() && !line.starts_with('#') && !line.starts_with("Defaults")
        })
    })
}

/// Whether a group in the policy, by name or number, is this one.
fn is(wanted: &str, name: &str, gid: u32) -> bool {
    wanted == name || wanted.parse() == Ok(gid)
}
