//! Which services the name service asks, and which of them list all their users.

use std::fs;

const FILE: &str = "/etc/nsswitch.conf";

/// Services that always list everything they know. Directories may not: SSSD lists only if it is told to, and others
/// stop at a limit of the server.
const LIST_EVERYBODY: [&str; 5] = ["files", "systemd", "altfiles", "extrausers", "db"];

/// Whether a service lists everything it knows.
pub(super) fn lists_everybody(service: &str) -> bool {
    LIST_EVERYBODY.contains(&service)
}

/// The services that are asked for one kind of entry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Services {
    /// Services that list everything they know, and that are asked before all others.
    pub(super) listing: Vec<String>,
    /// The other services.
    pub(super) others: Vec<String>,
}

impl Services {
    /// Returns the services for users.
    pub(super) fn for_users() -> Self {
        Self::of(&text(), &["passwd"])
    }

    /// Returns the services for the groups of a user.
    pub(super) fn for_groups() -> Self {
        Self::of(&text(), &["initgroups", "group"])
    }

    /// Reads the first of these databases that has a line; without a line, glibc uses `files`.
    fn of(text: &str, databases: &[&str]) -> Self {
        let line = |database: &&str| {
            text.lines().find_map(|line| {
                let line = line.split('#').next().unwrap_or(line);
                let (name, services) = line.split_once(':')?;
                (name.trim() == *database).then_some(services)
            })
        };
        let services = databases.iter().find_map(line).unwrap_or("files");
        let mut found = Self::default();
        let mut is_plain = true;
        for word in Words(services) {
            if word.starts_with('[') {
                // With this action, the next service is still asked.
                is_plain &= word.eq_ignore_ascii_case("[success=merge]");
                continue;
            }
            is_plain &= lists_everybody(word);
            let kind = if is_plain {
                &mut found.listing
            } else {
                &mut found.others
            };
            if !kind.iter().any(|known| known == word) {
                kind.push(word.to_owned());
            }
        }
        found
    }
}

fn text() -> String {
    fs::read_to_string(FILE).unwrap_or_default()
}

/// Words; text in brackets is one word, even with a space in it.
struct Words<'a>(&'a str);

impl<'a> Iterator for Words<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let rest = self.0.trim_start();
        if rest.is_empty() {
            return None;
        }
        let ends = if rest.starts_with('[') {
            rest.find(']').map_or(rest.len(), |at| at + 1)
        } else {
            rest.find(|letter: char| letter.is_whitespace() || letter == '[')
                .unwrap_or(rest.len())
        };
        let (word, rest) = rest.split_at(ends);
        self.0 = rest;
        Some(word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn services(text: &str, databases: &[&str]) -> (String, String) {
        let found = Services::of(text, databases);
        (found.listing.join(" "), found.others.join(" "))
    }

    #[test]
    fn services_that_list_all_users_are_distinguished_from_those_that_may_not() {
        for (line, listing, others) in [
            ("files systemd", "files systemd", ""),
            ("files sss", "files", "sss"),
            // A later service is not asked about a name that an earlier one has.
            ("sss files systemd", "", "sss files systemd"),
            ("files [NOTFOUND=return] systemd", "files", "systemd"),
            ("files[SUCCESS=merge]systemd", "files systemd", ""),
            ("files [ success = continue ] systemd", "files", "systemd"),
            ("files files # sss", "files", ""),
            ("compat", "", "compat"),
            ("", "", ""),
        ] {
            let found = services(&format!("# x\npasswd: {line}\n"), &["passwd"]);
            assert_eq!(found, (listing.to_owned(), others.to_owned()), "{line}");
        }
    }

    #[test]
    fn the_initgroups_line_decides_about_the_groups_of_a_user_if_there_is_one() {
        let both = ["initgroups", "group"];
        assert_eq!(services("group: files\ninitgroups: sss\n", &both).1, "sss");
        assert_eq!(services("group: files sss\n", &both).1, "sss");
        assert_eq!(services("hosts: dns\n", &both).0, "files");
    }
}
