//! The state of an account, in words and as JSON, for `status`, `list` and `show`.

use crate::layout::labelled;
use otp_core::messages::admin::Report;
use otp_core::record::{Language, Refusal, Standing};
use otp_core::{Policy, UnixTime, Zone};
use serde::Serialize;

/// One account. The keys of its JSON form and their order never change; times are seconds since 1970.
#[expect(
    clippy::struct_excessive_bools,
    reason = "its JSON form has each by its own name"
)]
#[derive(Serialize)]
pub struct Status {
    pub user: String,
    pub enrolled: bool,
    pub authenticators: Vec<Device>,
    pub recovery_codes_left: u32,
    /// Failures in a row since the last success, across all locks.
    pub failures: u32,
    pub locked: bool,
    pub locked_until: Option<u64>,
    pub disabled: bool,
    /// Whether the recovery codes are those of another program; written only if they are.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub recovery_codes_imported: bool,
    #[serde(skip)]
    issued: Option<u32>,
    #[serde(skip)]
    pub standing: Standing,
    /// Failures that are still allowed before the next lock.
    #[serde(skip)]
    left: u32,
    #[serde(skip)]
    pub last_refusal: Option<(UnixTime, Refusal)>,
}

/// One authenticator.
#[derive(Serialize)]
pub struct Device {
    pub name: String,
    pub created: u64,
    pub last_used: Option<u64>,
    /// The counter of the next code, only for an event-based authenticator.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_counter: Option<u64>,
}

impl Status {
    /// Makes the status of an account; `None`: the account is not enrolled.
    pub fn of(user: &str, found: Option<otp_store::Overview>) -> Self {
        let Some(found) = found else {
            return Self::not_enrolled(user);
        };
        let standing = found.standing;
        let devices = found.authenticators.into_iter().map(|one| Device {
            name: one.name.as_str().to_owned(),
            created: one.created.seconds(),
            last_used: one.last_used.map(UnixTime::seconds),
            next_counter: one.next_counter,
        });
        Self {
            user: user.to_owned(),
            enrolled: true,
            authenticators: devices.collect(),
            recovery_codes_left: found.recovery_codes_left,
            failures: found.failures,
            locked: matches!(standing, Standing::Locked { .. } | Standing::Held),
            locked_until: standing.ends().map(UnixTime::seconds),
            disabled: standing == Standing::Disabled,
            recovery_codes_imported: found.recovery_codes_imported,
            issued: found.recovery_codes_issued,
            standing,
            left: found.failures_left,
            last_refusal: found.last_refusal,
        }
    }

    fn not_enrolled(user: &str) -> Self {
        Self {
            user: user.to_owned(),
            enrolled: false,
            authenticators: Vec::new(),
            recovery_codes_left: 0,
            failures: 0,
            locked: false,
            locked_until: None,
            disabled: false,
            recovery_codes_imported: false,
            issued: None,
            standing: Standing::Open,
            left: 0,
            last_refusal: None,
        }
    }

    /// Whether an unused recovery code can open a lock.
    pub const fn has_opener(&self, policy: &Policy) -> bool {
        policy.recovery.opens_lock && self.recovery_codes_left > 0 && !self.recovery_codes_imported
    }

    /// Writes one line of JSON.
    pub fn json(&self) -> String {
        let text = serde_json::to_string(self);
        text.expect("a struct of texts and numbers is always JSON") + "\n"
    }

    /// Writes the whole status in words, one fact on each line. `zone`: that of the machine.
    pub fn text(&self, policy: &Policy, language: Language, now: UnixTime, zone: &Zone) -> String {
        if !self.enrolled {
            let user = &self.user;
            return Report::NotEnrolled { user }.text(language) + "\n";
        }
        let say = |report: &Report<'_>| report.text(language);
        let mut rows = vec![(Report::User, self.user.clone())];
        for device in &self.authenticators {
            let device = Report::Device {
                name: &device.name,
                created: zone.at(UnixTime::from_seconds(device.created)),
                last_used: device
                    .last_used
                    .map(|used| zone.at(UnixTime::from_seconds(used))),
                next_counter: device.next_counter,
            };
            rows.push((Report::Authenticator, say(&device)));
        }
        let left = self.recovery_codes_left;
        let codes = match (self.issued, self.recovery_codes_imported) {
            (None, _) => Report::NoCodes,
            (Some(issued), false) => Report::CodesLeft { left, issued },
            (Some(issued), true) => Report::ImportedCodesLeft { left, issued },
        };
        let standing = Report::StandingIs {
            standing: self.standing,
            now,
            zone,
            opens: self.has_opener(policy),
        };
        let failures = Report::FailuresInARow {
            count: self.failures,
            left: (self.standing == Standing::Open).then_some(self.left),
        };
        let refusal = self.last_refusal.map_or(Report::Never, |(when, why)| {
            let when = zone.at(when);
            Report::Refused { when, why }
        });
        rows.extend([
            (Report::RecoveryCodes, say(&codes)),
            (Report::Standing, say(&standing)),
            (Report::Failures, say(&failures)),
            (Report::LastRefusal, say(&refusal)),
        ]);
        let rows: Vec<(String, &str)> = rows
            .iter()
            .map(|(label, value)| (say(label), value.as_str()))
            .collect();
        labelled(&rows).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_json_form_has_the_promised_keys() {
        let mut status = Status::not_enrolled("alice");
        assert_eq!(
            status.json(),
            "{\"user\":\"alice\",\"enrolled\":false,\"authenticators\":[],\"recovery_codes_left\":0,\"failures\":0,\
             \"locked\":false,\"locked_until\":null,\"disabled\":false}\n"
        );
        status.authenticators.push(Device {
            name: "phone".to_owned(),
            created: 1_763_640_000,
            last_used: None,
            next_counter: None,
        });
        assert!(
            status
                .json()
                .contains(r#"[{"name":"phone","created":1763640000,"last_used":null}]"#)
        );
        status.authenticators[0].next_counter = Some(17);
        status.recovery_codes_imported = true;
        let json = status.json();
        assert!(json.contains(r#""last_used":null,"next_counter":17}]"#));
        assert!(json.ends_with(",\"disabled\":false,\"recovery_codes_imported\":true}\n"));
    }
}
