//! The log line of an attempt: one line, `event key="value" ...`, in the same words for ever.

use crate::host::{Origin, Priority};
use otp_core::messages::Message;
use otp_core::record::Standing;
use otp_core::{NoGuess, Verdict};
use std::fmt::Write;

/// The longest value that is written; an attacker chooses some of them.
const LONGEST_VALUE: usize = 256;

/// A line that grows key by key. Values are quoted and escaped, so none can look like another key or another line.
#[derive(Clone)]
pub(crate) struct Line {
    pub priority: Priority,
    text: String,
}

impl Line {
    /// Begins a line about `user`.
    pub(crate) fn new(
        priority: Priority,
        event: &'static str,
        user: &str,
        origin: &Origin,
    ) -> Self {
        let mut line = Self {
            priority,
            text: event.to_owned(),
        };
        line.add("user", user);
        line.add("service", &origin.service);
        line.add("rhost", &origin.host);
        line.add("tty", &origin.terminal);
        line
    }

    /// Adds a key; an empty value is left out.
    pub(crate) fn add(&mut self, key: &'static str, value: &str) {
        if value.is_empty() {
            return;
        }
        write!(self.text, " {key}=\"").expect("a String takes every write");
        for (at, c) in value.chars().enumerate() {
            if at == LONGEST_VALUE {
                self.text.push_str("...");
                break;
            }
            match c {
                '"' | '\\' => {
                    self.text.push('\\');
                    self.text.push(c);
                }
                ' '..='~' => self.text.push(c),
                other => self.text.extend(other.escape_unicode()),
            }
        }
        self.text.push('"');
    }

    pub(crate) fn with(mut self, key: &'static str, value: &str) -> Self {
        self.add(key, value);
        self
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }
}

/// The line about a verdict.
pub(crate) fn about(
    verdict: &Verdict,
    message: Option<Message>,
    user: &str,
    origin: &Origin,
) -> Line {
    let (priority, event) = match verdict {
        // A clock that was off and is followed now: rare, and what an attacker with two old codes would do.
        Verdict::Accepted {
            resynchronised: Some(_),
            ..
        } => (Priority::Warning, "otp.accept"),
        Verdict::Accepted { .. } => (Priority::Info, "otp.accept"),
        Verdict::Recovered { .. } => (Priority::Warning, "otp.recovery"),
        Verdict::Rejected { .. } | Verdict::Empty | Verdict::NoGuess { .. } => {
            (Priority::Notice, "otp.reject")
        }
        Verdict::RejectedAndLocked { .. } => (Priority::Warning, "otp.lock"),
        Verdict::Replayed => (Priority::Notice, "otp.replay"),
        Verdict::Locked { .. } => (Priority::Notice, "otp.locked"),
        Verdict::NotEnrolled => (Priority::Notice, "otp.notenrolled"),
        Verdict::Excused => (Priority::Info, "otp.notenrolled"),
    };
    let mut line = Line::new(priority, event, user, origin);
    if let Some(message) = message {
        line.add("message", message.id().word());
    }
    match verdict {
        Verdict::Accepted {
            authenticator,
            resynchronised,
        } => {
            line.add("authenticator", authenticator.as_str());
            if let Some(drift) = resynchronised {
                line.add("drift_steps", &drift.steps().to_string());
            }
        }
        Verdict::Recovered { left } => line.add("recovery_codes_left", &left.to_string()),
        Verdict::Rejected { left } => {
            line.add("counted", "yes");
            line.add("tries_left", &left.to_string());
        }
        Verdict::Empty => line.add("counted", "no"),
        Verdict::NoGuess { why } => {
            line.add("counted", "no");
            line.add("reason", why.word());
            line.add("hint", hint(*why));
        }
        Verdict::RejectedAndLocked { standing } | Verdict::Locked { standing } => {
            line.add("until", &until(*standing));
        }
        Verdict::Excused => line.add("result", "excused"),
        Verdict::NotEnrolled => line.add("result", "refused"),
        Verdict::Replayed => {}
    }
    line
}

/// What an administrator can do about a program that sends what is no guess.
const fn hint(why: NoGuess) -> &'static str {
    match why {
        NoGuess::PasswordAgain => {
            "the password was sent for the code too: a program that asks once needs split, see pam_otp(8); sshd PasswordAuthentication no"
        }
        NoGuess::SshdSubstitute => {
            "sshd refuses this account: see PermitRootLogin, AllowUsers, AllowGroups, DenyUsers, DenyGroups"
        }
    }
}

fn until(standing: Standing) -> String {
    match standing {
        Standing::Locked { .. } => standing
            .ends()
            .map_or_else(String::new, |ends| format!("{} UTC", ends.date_time_utc())),
        Standing::Held | Standing::Disabled => "unlocked by an administrator".to_owned(),
        Standing::Open => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_cannot_look_like_another_key_or_line() {
        let origin = Origin {
            host: "h\" user=\"root".to_owned(),
            ..Origin::default()
        };
        let line = Line::new(Priority::Notice, "otp.reject", "a\nb\\\u{1b}[2J회", &origin);
        assert_eq!(
            line.text(),
            "otp.reject user=\"a\\u{a}b\\\\\\u{1b}[2J\\u{d68c}\" rhost=\"h\\\" user=\\\"root\""
        );
    }

    #[test]
    fn a_long_value_is_cut() {
        let line = Line::new(
            Priority::Notice,
            "otp.reject",
            &"x".repeat(100_000),
            &Origin::default(),
        );
        assert_eq!(
            line.text(),
            format!("otp.reject user=\"{}...\"", "x".repeat(256))
        );
    }
}
