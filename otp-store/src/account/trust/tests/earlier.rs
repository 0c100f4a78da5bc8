//! Effects on stored trust when a place is trusted again.

use super::*;
use crate::Store;

/// Records in which the account has been trusted at home for an hour, and in two other places from a moment in the
/// future on.
struct Earlier(Records);

impl Bench for Earlier {
    type Keeper = Store;

    fn empty() -> Self {
        Self(Records::empty())
    }

    fn store(&self) -> Store {
        self.0.store()
    }

    fn sealed_store(&self, seal: crate::Seal) -> Store {
        self.0.sealed_store(seal)
    }

    fn with_alice() -> Self {
        let records = Records::with_alice();
        let ago = UnixTime::from_seconds(NOW.seconds() - HOUR.as_secs());
        let ahead = NOW.after(HOUR);
        let elsewhere = |address| Place::of("sshd", address).unwrap();
        let places = [
            (home(), ago),
            (home(), ahead),
            (elsewhere("192.0.2.2"), ago),
            (elsewhere("192.0.2.3"), ahead),
        ];
        fs::write(records.file("trust"), to_text(&places)).unwrap();
        fs::set_permissions(records.file("trust"), fs::Permissions::from_mode(0o600)).unwrap();
        Self(records)
    }
}

#[test]
fn a_place_trusted_again_is_stored_once_and_entries_in_the_future_go() {
    let records: Earlier = trusting();
    let mut held = records.store().hold(&alice(), SOON).unwrap().unwrap();
    let kept = held.places().unwrap();
    let ago = UnixTime::from_seconds(NOW.seconds() - HOUR.as_secs());
    let elsewhere = Place::of("sshd", "192.0.2.2").unwrap();
    assert_eq!(kept, [(elsewhere, ago), (home(), NOW)]);
}
