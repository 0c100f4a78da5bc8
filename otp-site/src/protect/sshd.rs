//! What sshd's configuration needs besides the line in PAM's file.

/// The file that `protect` makes. sshd reads files in the order of their names, and uses the first value of each
/// keyword.
pub const DROP_IN: &str = "/etc/ssh/sshd_config.d/10-pam_otp.conf";

/// A setting that must be in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The keyword, in its usual spelling.
    pub keyword: &'static str,
    /// Its value.
    pub value: &'static str,
}

/// All settings.
pub const WANTED: [Setting; 3] = [
    Setting {
        keyword: "UsePAM",
        value: "yes",
    },
    Setting {
        keyword: "KbdInteractiveAuthentication",
        value: "yes",
    },
    Setting {
        keyword: "PasswordAuthentication",
        value: "no",
    },
];

impl Setting {
    /// Returns the value of this keyword in a configuration: in the output of `sshd -T`, or the first value in a file.
    #[must_use]
    pub fn found_in<'a>(&self, text: &'a str) -> Option<&'a str> {
        text.lines().find_map(|line| {
            let mut words = line.split_whitespace();
            let is_it = words.next()?.eq_ignore_ascii_case(self.keyword);
            words.next().filter(|_| is_it)
        })
    }

    /// Whether a configuration has the wanted value.
    #[must_use]
    pub fn is_in(&self, text: &str) -> bool {
        let found = self.found_in(text);
        found.is_some_and(|value| value.eq_ignore_ascii_case(self.value))
    }
}

/// Returns the text of the drop-in file.
pub(super) fn text() -> String {
    let head = "# Made by 'otp-admin protect sshd'. While it is unchanged, 'otp-admin unprotect sshd' removes it.\n";
    let line = |one: &Setting| format!("{} {}\n", one.keyword, one.value);
    WANTED
        .iter()
        .fold(head.to_owned(), |all, one| all + &line(one))
}

/// Whether a text has all wanted settings, for all connections.
pub(super) fn says_all(text: &str) -> bool {
    let is_match = |line: &str| line.trim_start().to_ascii_lowercase().starts_with("match");
    WANTED.iter().all(|one| one.is_in(text)) && !text.lines().any(is_match)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_drop_in_says_what_the_manual_recommends() {
        let manual = include_str!("../../../packaging/man/pam_otp-setup.7").replace("\\-", "-");
        let lines: Vec<&str> = manual.lines().map(str::trim).collect();
        for one in WANTED {
            let line = format!("{} {}", one.keyword, one.value);
            assert!(lines.contains(&line.as_str()), "{one:?}");
        }
        assert!(manual.contains(DROP_IN) && says_all(&text()));
    }

    #[test]
    fn the_first_value_counts_and_a_conditional_one_does_not() {
        assert!(says_all(
            "usepam YES\nKbdInteractiveAuthentication yes\nPasswordAuthentication no\n"
        ));
        for text in [
            "",
            "UsePAM yes\nKbdInteractiveAuthentication yes\n",
            "UsePAM yes\nKbdInteractiveAuthentication yes\nPasswordAuthentication yes\nPasswordAuthentication no\n",
            "Match User alice\nUsePAM yes\nKbdInteractiveAuthentication yes\nPasswordAuthentication no\n",
            "#UsePAM yes\nKbdInteractiveAuthentication yes\nPasswordAuthentication no\n",
        ] {
            assert!(!says_all(text), "{text}");
        }
    }
}
