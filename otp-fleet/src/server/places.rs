//! A place of a fleet is one of a machine: what a machine says of its logins makes nobody trusted at another one.

use crate::name::PeerName;
use otp_helper::protocol::Request;
use otp_store::{Place, Remembered};
use sha2::{Digest, Sha256};

/// The request, with any place in it as one of the machine that asks.
///
/// A machine could name any address. With one good code, a stolen one would else have its user trusted wherever it likes.
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

/// Both names in one, of a length that a place may have: neither can be made up to come out as those of another machine.
fn on(name: &PeerName, place: &Place) -> Place {
    let mut both = Sha256::new();
    both.update(name.as_str());
    // In no name of either kind.
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
    fn a_place_is_one_of_a_single_machine_and_service() {
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
