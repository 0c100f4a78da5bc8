//! Ties a place to one machine: what a machine says about its logins makes no user trusted at another one.

use crate::name::PeerName;
use otp_helper::protocol::Request;
use otp_store::{Place, Remembered};
use sha2::{Digest, Sha256};

/// Returns the request, with any place in it tied to the asking machine.
///
/// A machine could name any address. Otherwise a stolen machine could, with one good code, make its user trusted at
/// any place.
pub(super) fn on_the_machine(request: Request, name: &PeerName) -> Request {
    match request {
        Request::Check {
            user,
            excused,
            reply,
            no_guess,
            remembered,
            claim,
        } => Request::Check {
            user,
            excused,
            reply,
            no_guess,
            remembered: remembered.map(|remembered| Remembered {
                place: on(name, &remembered.place),
                ..remembered
            }),
            claim,
        },
        Request::TrustedSince {
            user,
            place,
            remember,
        } => Request::TrustedSince {
            user,
            place: on(name, &place),
            remember,
        },
        other => other,
    }
}

/// Combines both names into one of a valid length; no machine can choose names that give the result of another
/// machine.
fn on(name: &PeerName, place: &Place) -> Place {
    let mut both = Sha256::new();
    both.update(name.as_str());
    // Neither kind of name contains this byte.
    both.update(b"\n");
    both.update(place.service());
    let service = both
        .finalize()
        .iter()
        .take(20)
        .fold(String::from("m-"), |text, byte| format!("{text}{byte:02x}"));
    Place::of(&service, &place.address().to_string()).expect("letters, digits and a dash")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_belongs_to_one_machine_and_one_service() {
        let place = |service: &str, address: &str| Place::of(service, address).unwrap();
        let name = |text: &str| PeerName::new(text).unwrap();
        let here = on(&name("web1.example.org"), &place("sshd", "192.0.2.1"));
        assert_eq!(
            on(&name("web1.example.org"), &place("sshd", "192.0.2.1")),
            here
        );
        for (machine, service, address) in [
            ("web2.example.org", "sshd", "192.0.2.1"),
            ("web1.example.org", "sudo", "192.0.2.1"),
            ("web1.example.org", "sshd", "192.0.2.2"),
            ("web1.example.or", "gsshd", "192.0.2.1"),
        ] {
            assert_ne!(on(&name(machine), &place(service, address)), here);
        }
    }
}
