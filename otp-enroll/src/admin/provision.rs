//! `otp-admin provision`: enrols without a dialogue, for Ansible and similar tools. The result is the secret.

use crate::engine::Engine;
use crate::failure::Failure;
use crate::failure::system;
use crate::layout::labelled;
use crate::log;
use crate::output;
use crate::site::Site;
use otp_core::messages::admin::Report;
use otp_core::messages::enrol::settings;
use otp_core::messages::trouble::Trouble;
use otp_core::record::{Authenticator, Kind, Name};
use otp_core::recovery::RecoveryCode;
use otp_core::{Account, State, Step, base32, otpauth};
use otp_site::clock;
use otp_store::account::{self, Provisioned};
use otp_store::mint;
use serde::Serialize;
use std::io;
use zeroize::Zeroizing;

/// The authenticator to make.
pub struct Wanted {
    /// Its name.
    pub name: Name,
    /// The counter of its first code, if it is event-based; `None`: it is time-based.
    pub counter: Option<u64>,
    /// Whether it replaces existing authenticators.
    pub force: bool,
}

/// Enrols `user`, and prints the key and the recovery codes once everything is on disk.
pub fn provision(
    site: &Site<impl Engine>,
    user: &str,
    wanted: Wanted,
    json: bool,
) -> Result<(), Failure> {
    let Wanted {
        name,
        counter,
        force,
    } = wanted;
    site.allows_enrolling()?;
    let account = site.account(user)?;
    let user = account.name.as_str();
    let (policy, now) = (&site.policy, clock::now()?);
    let kind = match counter {
        Some(_) => Kind::Hotp,
        None => Kind::Totp(policy.code.period),
    };
    let (credential, codes) = mint::credential_of_kind(kind, &account, name, policy, now)?;
    let mut state = State::fresh(&credential);
    for entry in &mut state.authenticators {
        // All codes before the first one count as used.
        entry.last_step = counter.and_then(|first| first.checked_sub(1)).map(Step);
    }
    let store = site.keeper_for_enrolling()?;
    let undisturbed = site.undisturbed()?;
    let done = account::provision_from(&store, &account, &credential, &state, force);
    match done.map_err(Failure::about(user))? {
        Provisioned::Done => {
            let device = &credential.authenticators()[0].name;
            log::changed("provision", user, Some(device));
        }
        Provisioned::AlreadyEnrolled => {
            let user = user.to_owned();
            return Err(Trouble::AlreadyEnrolled { user }.into());
        }
    }
    drop(undisturbed);
    let device = &credential.authenticators()[0];
    let shown = Shown::reveal(site, &account, device, counter, &codes);
    let written = if json {
        shown.print_json()
    } else {
        shown.print_text(site)
    };
    written.map_err(|error| {
        let (user, reason) = (user.to_owned(), system(&error));
        Trouble::SecretsNotShown { user, reason }.into()
    })
}

/// Everything that the user needs, as text. It is wiped on drop.
struct Shown<'a> {
    user: &'a str,
    authenticator: &'a str,
    secret: Zeroizing<String>,
    grouped: Vec<Zeroizing<String>>,
    uri: Zeroizing<String>,
    settings: String,
    counter: Option<u64>,
    recovery_codes: Vec<Zeroizing<String>>,
}

/// The form for programs; its keys never change.
#[derive(Serialize)]
struct Json<'a> {
    user: &'a str,
    authenticator: &'a str,
    secret: &'a str,
    uri: &'a str,
    /// The counter, only for an event-based authenticator.
    #[serde(skip_serializing_if = "Option::is_none")]
    counter: Option<u64>,
    recovery_codes: Vec<&'a str>,
}

/// More than any result needs, so that growing leaves no copy of the key behind.
const ROOM: usize = 16 * 1024;

impl<'a> Shown<'a> {
    fn reveal(
        site: &Site<impl Engine>,
        account: &'a Account,
        device: &'a Authenticator,
        counter: Option<u64>,
        codes: &[RecoveryCode],
    ) -> Self {
        let user = account.name.as_str();
        let key = device.secret.reveal_bytes();
        Self {
            user,
            authenticator: device.name.as_str(),
            secret: base32::reveal(key),
            grouped: base32::reveal_in_groups(key),
            uri: otpauth::reveal_uri_from(device, counter.unwrap_or(0), &site.issuer(), user),
            settings: settings(site.language, device),
            counter,
            recovery_codes: codes.iter().map(RecoveryCode::reveal).collect(),
        }
    }

    fn print_json(&self) -> io::Result<()> {
        let shown = Json {
            user: self.user,
            authenticator: self.authenticator,
            secret: &self.secret,
            uri: &self.uri,
            counter: self.counter,
            recovery_codes: self
                .recovery_codes
                .iter()
                .map(|code| code.as_str())
                .collect(),
        };
        let mut text = Zeroizing::new(Vec::with_capacity(ROOM));
        serde_json::to_writer(&mut *text, &shown)?;
        text.push(b'\n');
        output::write_whole(&text)
    }

    fn print_text(&self, site: &Site<impl Engine>) -> io::Result<()> {
        let label = |report: Report<'_>| report.text(site.language);
        let mut rows = vec![
            (label(Report::User), self.user),
            (label(Report::Authenticator), self.authenticator),
        ];
        rows.extend(under(label(Report::Key), &self.grouped));
        rows.extend([
            (label(Report::PlainKey), self.secret.as_str()),
            (label(Report::Uri), &self.uri),
            (label(Report::Settings), &self.settings),
        ]);
        let counter = self.counter.map(|counter| counter.to_string());
        if let Some(counter) = &counter {
            rows.push((label(Report::Counter), counter));
        }
        rows.extend(under(label(Report::RecoveryCodes), &self.recovery_codes));
        output::write_whole(labelled(&rows).as_bytes())
    }
}

/// Makes rows of which only the first has the label.
fn under(label: String, values: &[Zeroizing<String>]) -> impl Iterator<Item = (String, &str)> {
    let labels = std::iter::once(label).chain(std::iter::repeat(String::new()));
    labels.zip(values.iter().map(|value| value.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_json_form_has_the_promised_keys() {
        let json = Json {
            user: "alice",
            authenticator: "phone",
            secret: "GEZDGNBV",
            uri: "otpauth://totp/web1:alice?secret=GEZDGNBV&issuer=web1",
            counter: None,
            recovery_codes: vec!["0123-4567-89AB-CDEF"],
        };
        let counted = Json {
            counter: Some(17),
            recovery_codes: vec![],
            ..json
        };
        assert!(
            serde_json::to_string(&counted)
                .unwrap()
                .ends_with(r#"","counter":17,"recovery_codes":[]}"#)
        );
        let json = Json {
            counter: None,
            recovery_codes: vec!["0123-4567-89AB-CDEF"],
            ..counted
        };
        assert_eq!(
            serde_json::to_string(&json).unwrap(),
            r#"{"user":"alice","authenticator":"phone","secret":"GEZDGNBV","uri":"otpauth://totp/web1:alice?secret=GEZDGNBV&issuer=web1","recovery_codes":["0123-4567-89AB-CDEF"]}"#
        );
    }
}
