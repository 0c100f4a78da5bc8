//! An event that is read back from a log.

use super::{Event, unescaped};

/// Our programs that write log entries under their own names.
const PROGRAMS: [&str; 9] = [
    "otp-helper",
    "otp-admin",
    "otp-enroll",
    "otp-notify",
    "otp-mail",
    "otp-fleet",
    "otp-verifier",
    "otp-portal",
    "otp-portal-login",
];

/// What stands between the event and the name of the service with the part of PAM.
const END_OF_PREFIX: &str = "): ";

/// What one of our log lines says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Read {
    /// What happened.
    pub event: Event,
    /// Keys as another version may have written them, and values as they were given.
    pub values: Vec<(String, String)>,
}

impl Read {
    /// Reads what follows the name and number of a program in syslog. Returns `None` if it is not one of our lines, or
    /// not one that our programs can have written.
    ///
    /// `program` is that name. Lines of the module begin with `pam_otp(sshd:auth): `; without this, lines of other
    /// programs are not ours.
    #[must_use]
    pub fn from_line(program: &str, message: &str) -> Option<Self> {
        match message.strip_prefix("pam_otp(") {
            // The name of a service may contain what ends it: some programs let their clients choose the name.
            Some(of_module) => of_module
                .match_indices(END_OF_PREFIX)
                .find_map(|(at, end)| Self::from_text(&of_module[at + end.len()..])),
            None if PROGRAMS.contains(&program) => Self::from_text(message),
            None => None,
        }
    }

    /// Reads `otp.accept user="alice"`.
    fn from_text(said: &str) -> Option<Self> {
        let (name, mut rest) = said.split_once(' ').unwrap_or((said, ""));
        let event = Event::ALL.into_iter().find(|event| event.name() == name)?;
        let mut values: Vec<(String, String)> = Vec::new();
        while !rest.is_empty() {
            let (key, quoted) = rest.split_once("=\"")?;
            let is_key = key
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte == b'_');
            let is_new = values.iter().all(|(known, _)| known != key);
            if key.is_empty() || !is_key || !is_new {
                return None;
            }
            let (value, behind) = quoted.split_at(end_of_value(quoted)?);
            values.push((key.to_owned(), unescaped(value)?));
            rest = match &behind[1..] {
                "" => "",
                more => more.strip_prefix(' ').filter(|more| !more.is_empty())?,
            };
        }
        Some(Self { event, values })
    }

    /// Returns the value of a key.
    #[must_use]
    pub fn value(&self, key: &str) -> Option<&str> {
        let found = self.values.iter().find(|(known, _)| known == key);
        found.map(|(_, value)| value.as_str())
    }

    /// Whether the event is about that account: by the given name, the canonical name, or an earlier one.
    #[must_use]
    pub fn is_about(&self, name: &str) -> bool {
        ["user", "account", "source"]
            .iter()
            .any(|key| self.value(key) == Some(name))
    }
}

/// Finds the quotation mark that ends a value.
fn end_of_value(quoted: &str) -> Option<usize> {
    let mut escaped = false;
    quoted.bytes().position(|byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Entry, Severity, Text, Value};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_written_entry_reads_back(user in "(?s).{1,40}", rhost in "(?s).{1,40}") {
            let entry = Entry::new(Event::Reject, Severity::Notice)
                .with(Value::User(Text::escaped(&user)))
                .with(Value::Rhost(Text::escaped(&rhost)))
                .with(Value::Counted(true));
            let line = format!("pam_otp(sshd:auth): {entry}");
            let read = Read::from_line("sshd", &line).unwrap();
            prop_assert_eq!(read.event, Event::Reject);
            prop_assert_eq!(read.value("user"), Some(user.as_str()));
            prop_assert_eq!(read.value("rhost"), Some(rhost.as_str()));
            prop_assert_eq!(read.values.len(), 3);
        }

        #[test]
        fn any_line_is_read_or_refused_without_a_panic(line in "(pam_otp\\(s:auth\\): )?(otp.lock)?[a-z_=\" \\\\u{}0-9]{0,40}|(?s).{0,60}") {
            if let Some(read) = Read::from_line("otp-helper", &line) {
                prop_assert!(line.contains(read.event.name()));
            }
        }
    }

    #[test]
    fn only_a_line_that_our_programs_can_write_is_a_log_entry() {
        let is_read = |program: &str, line: &str| Read::from_line(program, line).is_some();
        assert!(is_read("otp-admin", "otp.unlock user=\"alice\""));
        assert!(is_read("otp-notify", "otp.policychanged source=\"/a\""));
        assert!(is_read("otp-mail", "otp.mail user=\"alice\""));
        assert!(is_read("otp-portal", "otp.denied reason=\"x\""));
        assert!(is_read("otp-portal-login", "otp.denied reason=\"x\""));
        assert!(is_read("gdm", "pam_otp(gdm:auth): otp.debug"));
        for line in [
            "otp.unlock user=\"alice\"",
            "Invalid user pam_otp(sshd:auth): otp.lock user=\"a\" from 192.0.2.1",
            "pam_unix(sshd:auth): otp.lock user=\"a\"",
            "pam_otp(sshd:auth): otp.nothing user=\"a\"",
            "pam_otp(sshd:auth): otp.lock user=\"a\" ",
            "pam_otp(sshd:auth): otp.lock user=\"a\"  until=\"b\"",
            "pam_otp(sshd:auth): otp.lock user=\"a\"until=\"b\"",
            "pam_otp(sshd:auth): otp.lock user=\"a\" user=\"b\"",
            "pam_otp(sshd:auth): otp.lock user=\"a\\\"",
            "pam_otp(sshd:auth): otp.lock user=\"a\\x\"",
            "pam_otp(sshd:auth): otp.lock user=a",
            "pam_otp(sshd:auth): otp.lock user",
        ] {
            assert!(!is_read("sshd", line), "{line}");
        }
    }

    /// Otherwise clients of a program that lets them choose the service could hide what they do.
    #[test]
    fn a_service_name_neither_hides_nor_forges_a_log_entry() {
        for service in [
            "x): otp.accept",
            "x): otp.accept user=\"root\"",
            "x): otp.accept user=\"root\" service=\"",
            "x): otp.accept user=\"root\" reason=\"): ",
            "): ): ",
        ] {
            let entry = Entry::new(Event::Reject, Severity::Notice)
                .with(Value::User(Text::escaped("alice")))
                .with(Value::Service(Text::escaped(service)));
            let escaped = Text::escaped(service);
            for prefix in [service, escaped.as_str()] {
                let read =
                    Read::from_line("saslauthd", &format!("pam_otp({prefix}:auth): {entry}"));
                let read = read.expect(service);
                assert_eq!(
                    (read.event, read.value("user")),
                    (Event::Reject, Some("alice"))
                );
            }
        }
    }

    #[test]
    fn a_log_entry_is_about_every_name_of_its_account() {
        let line = "otp.change verb=\"move\" user=\"alison\" source=\"alice\"";
        let read = Read::from_line("otp-admin", line).unwrap();
        assert!(read.is_about("alison") && read.is_about("alice") && !read.is_about("move"));
    }
}
