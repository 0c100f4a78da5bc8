//! `otp-admin guide`: one page for the people who log in, by the policy of this machine.

mod html;
mod played;
mod text;

use super::policy::Services;
use crate::failure::Failure;
use crate::output;
use crate::site::{Site, host};
use otp_core::UnixTime;
use otp_core::mail::{Address, AddressSource};
use otp_core::messages::guide::{Facts, Portal};
use otp_core::record::{
    AtLogin, Authenticator, CodePolicy, DEFAULT_NAME, Id, Kind, Language, Name, Secret,
};
use otp_site::{clock, portal, zone};
use played::{Example, Place};
use std::path::Path;
use zeroize::Zeroizing;

/// The form of a guide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Plain text.
    Text,
    /// One file of HTML.
    Html,
}

/// Prints the guide. `name`: what its readers call the site, if that is not the issuer.
pub fn guide(site: &Site, form: Form, name: Option<&str>) -> Result<(), Failure> {
    site.allows_enrolling()?;
    let (issuer, machine, now) = (site.issuer(), host(), clock::now()?);
    let zone = zone::of_this_machine();
    let policy = site.policies.where_nothing_is_said();
    let device = example(policy.code);
    let url = portal::address(Path::new(portal::DEFAULT_FILE))?;
    let services = Services::of_machine();
    let at_portal = site.policies.clone().for_service(otp_site::stack::PORTAL);
    let portal = url.as_deref().map(|url| Portal {
        url,
        enrols: at_portal.enroll.is_for_service && at_portal.enroll.at_login != AtLogin::Off,
    });
    let enrols_in = services.that_enrol(&site.policies);
    let facts = Facts {
        site: name
            .filter(|name| !name.trim().is_empty())
            .unwrap_or(&issuer),
        issuer: &issuer,
        machine: &machine,
        version: env!("CARGO_PKG_VERSION"),
        now,
        zone: &zone,
        policies: &site.policies,
        device: &device,
        enrols_in: enrols_in.as_ref(),
        excuses: services.excuses(),
        portal,
    };
    let user = match site.language {
        Language::English => "alice",
        Language::Korean => "gildong",
    };
    let mailed_to = facts
        .confirms_address()
        .then(|| masked(&policy.mail.address, user));
    let example = Example {
        user,
        issuer: &issuer,
        machine: &machine,
        device: &device,
        mailed_to: mailed_to.as_deref(),
        now,
        zone: &zone,
    };
    let command = facts.command(site.language);
    let place = if facts.shows_login() {
        Place::Login {
            can_wait: facts.can_wait(),
            qr: facts.qr(),
        }
    } else {
        Place::Command(&command, site.language)
    };
    let played = example.play(place, policy);
    let guide = facts.guide(site.language);
    output::print(&match form {
        Form::Text => text::render(&guide, &played),
        Form::Html => html::render(&guide, &played, site.language),
    })
}

/// Returns the address of the example's user as everybody may see it.
fn masked(source: &AddressSource, user: &str) -> String {
    let address = match source {
        AddressSource::Pattern(pattern) => pattern.of(user),
        AddressSource::Nowhere | AddressSource::Command(_) => None,
    };
    let elsewhere = || Address::parse("user@example.org").expect("an address");
    address.unwrap_or_else(elsewhere).masked()
}

/// Returns an authenticator as an enrolment under this policy makes it, with the key of the test vectors of RFC 6238.
fn example(code: CodePolicy) -> Authenticator {
    let length = code.algorithm.fresh_key_bytes();
    let key = b"1234567890".iter().copied().cycle().take(length).collect();
    Authenticator {
        id: Id::from_random([0; 8]),
        name: Name::new(DEFAULT_NAME).expect("the default is a valid name"),
        kind: Kind::Totp(code.period),
        algorithm: code.algorithm,
        digits: code.digits,
        secret: Secret::new(Zeroizing::new(key)).expect("as long as a fresh key"),
        window: None,
        created: UnixTime::from_seconds(0),
    }
}
