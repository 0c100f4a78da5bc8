//! The result of an attempt, as an event.

use super::{Entry, Event, Severity, Treatment, Value};
use crate::Verdict;
use crate::messages::Message;

/// Returns the entry about the result of an attempt. `whose` says whose attempt it was, and comes first.
#[must_use]
pub fn about(
    verdict: &Verdict,
    message: Option<Message>,
    whose: impl IntoIterator<Item = Value>,
) -> Entry {
    let (severity, event) = match verdict {
        // A clock was off and is followed now: rare, and what an attacker with two old codes would cause.
        Verdict::Accepted {
            resynchronised: Some(_),
            ..
        } => (Severity::Warning, Event::Accept),
        Verdict::Accepted { .. } => (Severity::Info, Event::Accept),
        Verdict::Recovered { .. } => (Severity::Warning, Event::Recovery),
        Verdict::Mailed => (Severity::Warning, Event::Mailed),
        Verdict::Rejected { .. } | Verdict::Empty | Verdict::NoGuess { .. } => {
            (Severity::Notice, Event::Reject)
        }
        Verdict::RejectedAndLocked { .. } => (Severity::Warning, Event::Lock),
        Verdict::Replayed => (Severity::Notice, Event::Replay),
        Verdict::Locked { .. } => (Severity::Notice, Event::Locked),
        Verdict::NotEnrolled => (Severity::Notice, Event::NotEnrolled),
        Verdict::Excused => (Severity::Info, Event::NotEnrolled),
    };
    let mut entry = whose
        .into_iter()
        .fold(Entry::new(event, severity), Entry::with);
    if let Some(message) = message {
        entry.add(Value::Message(message.id()));
    }
    match verdict {
        Verdict::Accepted {
            authenticator,
            resynchronised,
        } => {
            entry.add(Value::Authenticator(authenticator.clone()));
            if let Some(drift) = resynchronised {
                entry.add(Value::DriftSteps(*drift));
            }
        }
        Verdict::Recovered { left } => entry.add(Value::RecoveryCodesLeft(*left)),
        Verdict::Rejected { left } => {
            entry.add(Value::Counted(true));
            entry.add(Value::TriesLeft(*left));
        }
        Verdict::Empty => entry.add(Value::Counted(false)),
        Verdict::NoGuess { why } => {
            entry.add(Value::Counted(false));
            entry.add(Value::NoGuess(*why));
            entry.add(Value::Hint(*why));
        }
        Verdict::RejectedAndLocked { standing } | Verdict::Locked { standing } => {
            entry.add(Value::Until(*standing));
        }
        Verdict::Excused => entry.add(Value::Result(Treatment::Excused)),
        Verdict::NotEnrolled => entry.add(Value::Result(Treatment::Refused)),
        Verdict::Replayed | Verdict::Mailed => {}
    }
    entry
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Drift, Name, Standing};
    use crate::{NoGuess, Policy, UnixTime, every};
    use std::time::Duration;

    /// The line of each verdict, after the values that say whose login it is; compared byte for byte, since programs
    /// read it.
    #[test]
    fn each_verdict_has_its_line() {
        let now = UnixTime::from_seconds(1_763_640_000);
        let accepted = |resynchronised| Verdict::Accepted {
            authenticator: Name::new("전화 d'Eve").unwrap(),
            resynchronised,
        };
        let standing = Standing::Locked {
            since: now,
            lasts: Duration::from_secs(900),
        };
        let all = every!(Verdict {
            Accepted => [None, Some(Drift::from_steps(-10).unwrap())].map(accepted),
            Recovered => [Verdict::Recovered { left: 9 }],
            Mailed => [Verdict::Mailed],
            Rejected => [Verdict::Rejected { left: 4 }],
            RejectedAndLocked => [Verdict::RejectedAndLocked { standing }],
            Replayed => [Verdict::Replayed],
            Empty => [Verdict::Empty],
            NoGuess => NoGuess::ALL.map(|why| Verdict::NoGuess { why }),
            Locked => [Standing::Held, Standing::Disabled].map(|standing| Verdict::Locked { standing }),
            NotEnrolled => [Verdict::NotEnrolled],
            Excused => [Verdict::Excused],
        });
        let lines = [
            r#"Info otp.accept authenticator="\u{c804}\u{d654} d'Eve""#,
            r#"Warning otp.accept authenticator="\u{c804}\u{d654} d'Eve" drift_steps="-10""#,
            r#"Warning otp.recovery message="recovery-used" recovery_codes_left="9""#,
            r#"Warning otp.mailed message="mailed-used""#,
            r#"Notice otp.reject message="wrong-code" counted="yes" tries_left="4""#,
            r#"Warning otp.lock message="locked-until" until="2025-11-20 12:15:00 UTC""#,
            r#"Notice otp.replay message="already-used""#,
            r#"Notice otp.reject message="nothing-typed" counted="no""#,
            r#"Notice otp.reject message="wrong-code" counted="no" reason="password-again" hint="the password was sent for the code too: a program that asks once needs split, see pam_otp(8); sshd PasswordAuthentication no""#,
            r#"Notice otp.reject message="wrong-code" counted="no" reason="sshd-substitute" hint="sshd refuses this account: see PermitRootLogin, AllowUsers, AllowGroups, DenyUsers, DenyGroups""#,
            r#"Notice otp.locked message="locked" until="unlocked by an administrator""#,
            r#"Notice otp.locked message="disabled" until="unlocked by an administrator""#,
            r#"Notice otp.notenrolled message="wrong-code" result="refused""#,
            r#"Info otp.notenrolled result="excused""#,
        ];
        let policy = Policy::default();
        let said = all.iter().map(|verdict| {
            let message = Message::about(verdict, &policy, now, crate::Local::utc);
            let entry = about(verdict, message, []);
            format!("{:?} {entry}", entry.severity())
        });
        assert_eq!(said.collect::<Vec<_>>(), lines);
    }
}
