//! Who there is on a machine, and who can become root, as its files say.

use super::files::Files;
use std::collections::BTreeSet;

/// The first number of people's own user ids on Linux, and the last.
const PEOPLE: std::ops::RangeInclusive<u32> = 1000..=60_000;
/// Groups whose members sudo lets become root, as distributions have it.
const ADMINISTRATORS: [&str; 3] = ["sudo", "wheel", "admin"];

/// Somebody in `/etc/passwd`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// The name.
    pub name: String,
    /// The user id.
    pub uid: u32,
    /// The primary group.
    pub gid: u32,
    /// Whether a shell is run after a login.
    pub has_shell: bool,
    /// Whether there is a password to log in by.
    pub has_password: bool,
}

/// Everybody, and the groups.
#[derive(Clone, Debug, Default)]
pub struct People {
    /// In the order of the file.
    pub all: Vec<Person>,
    groups: Vec<(String, u32, Vec<String>)>,
    /// Others than the files know people as well, so what is not found here may be there.
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

    /// Those who log in: root, and people with a shell.
    pub fn who_log_in(&self) -> impl Iterator<Item = &Person> {
        self.all
            .iter()
            .filter(|one| one.has_shell && (one.uid == 0 || PEOPLE.contains(&one.uid)))
    }

    /// Somebody by the name.
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

    /// The members of a group, those whose primary group it is included.
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

    /// Those whom sudo lets become root; `None`: its rules say more than is understood here.
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
                // Whatever stands in other files may let anybody in.
                if includes_rules(files, line) {
                    return None;
                }
                continue;
            }
            // Whoever need not prove anything gets in.
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

/// Whether the files that a line of sudoers takes in have any rule.
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
        // sudo leaves out names with a dot, or a tilde at the end.
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

/// Whether a group of the policy, by name or number, is this one.
fn is(wanted: &str, name: &str, gid: u32) -> bool {
    wanted == name || wanted.parse() == Ok(gid)
}
