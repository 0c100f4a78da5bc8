//! Actions of administrators, with logins in between, over every keeper.

use super::grace::{begin_grace, first_login, rehearse_grace};
use super::moving::{self, Failed, Moved, NotMoved, move_record};
use super::trust::{trust, trusted_since};
use super::*;
use crate::fixture::{
    Bench, NOW, SOON, alice, another_credential, code, credential, over_every_keeper, state_of,
};
use crate::keeper::Keeper;
use crate::memory::Memory;
use crate::{Overview, Place, attempt as try_code, attempt::Committed};
use otp_core::record::{Language, Standing};
use otp_core::{Account, Input, Names, Policy, UserName, Verdict};

over_every_keeper! {
    provisioning_makes_a_record_and_replaces_one_only_when_forced,
    an_unlock_ends_a_lock_and_forgets_trust_but_keeps_used_codes,
    an_erased_account_is_not_enrolled,
    a_moved_record_belongs_to_the_new_name_and_keeps_used_codes,
    a_lock_and_a_new_authenticator_each_end_trust,
    a_rehearsal_is_no_first_login,
}

const HOUR: Duration = Duration::from_secs(3600);

fn verdict(keeper: &impl Keeper, who: &Account, input: &Input) -> Verdict {
    try_code(keeper, who, &Policy::default(), input, false, || Ok(NOW))
        .map(Committed::into_inner)
        .unwrap()
}

fn accepts(keeper: &impl Keeper, who: &Account, input: &Input) -> bool {
    matches!(verdict(keeper, who, input), Verdict::Accepted { .. })
}

fn home() -> Place {
    Place::of("sshd", "192.0.2.1").unwrap()
}

fn is_trusted(keeper: &impl Keeper) -> bool {
    trusted_since(keeper, &alice(), &home(), HOUR, NOW)
        .unwrap()
        .is_some()
}

fn provisioning_makes_a_record_and_replaces_one_only_when_forced<B: Bench>() {
    let bench = B::empty();
    let keeper = bench.store();
    let (first, second) = (credential(), another_credential(1));
    let provision = |credential, force| provision(&keeper, &alice(), credential, force).unwrap();
    assert_eq!(provision(&first, false), Provisioned::Done);
    assert_eq!(provision(&second, false), Provisioned::AlreadyEnrolled);
    assert!(accepts(&keeper, &alice(), &code(&first, 0)));
    assert_eq!(provision(&second, true), Provisioned::Done);
    assert!(!accepts(&keeper, &alice(), &code(&first, 1)));
    assert!(accepts(&keeper, &alice(), &code(&second, 0)));
}

fn an_unlock_ends_a_lock_and_forgets_trust_but_keeps_used_codes<B: Bench>() {
    let bench = B::with_alice();
    let keeper = bench.store();
    let used = code(&credential(), 0);
    assert!(accepts(&keeper, &alice(), &used));
    for _ in 0..5 {
        verdict(&keeper, &alice(), &Input::Other);
    }
    let unlocked = unlock(&keeper, &alice(), || Ok(NOW)).unwrap().unwrap();
    assert!(matches!(unlocked.standing, Standing::Locked { .. }));
    assert_eq!(unlocked.failures, 5);
    assert_eq!(verdict(&keeper, &alice(), &used), Verdict::Replayed);
    assert!(accepts(&keeper, &alice(), &code(&credential(), 1)));
    trust(&keeper, &alice(), &home(), NOW).unwrap();
    assert!(is_trusted(&keeper));
    let unlocked = unlock(&keeper, &alice(), || Ok(NOW)).unwrap().unwrap();
    assert_eq!((unlocked.standing, unlocked.failures), (Standing::Open, 0));
    assert!(!is_trusted(&keeper));
    let nobody = B::empty();
    assert_eq!(unlock(&nobody.store(), &alice(), || Ok(NOW)).unwrap(), None);
}

fn an_erased_account_is_not_enrolled<B: Bench>() {
    let bench = B::with_alice();
    let keeper = bench.store();
    assert!(is_enrolled(&keeper, &alice()).unwrap());
    assert!(erase(&keeper, &alice().name, SOON).unwrap());
    assert!(!erase(&keeper, &alice().name, SOON).unwrap());
    assert!(!is_enrolled(&keeper, &alice()).unwrap());
    assert!(keeper.users().unwrap().is_empty());
    let input = code(&credential(), 0);
    assert_eq!(verdict(&keeper, &alice(), &input), Verdict::NotEnrolled);
}

fn a_moved_record_belongs_to_the_new_name_and_keeps_used_codes<B: Bench>() {
    let bench = B::with_alice();
    let keeper = bench.store();
    let carol = Account {
        name: UserName::new("carol").unwrap(),
        uid: alice().uid,
    };
    let stranger = Account {
        uid: 7,
        ..carol.clone()
    };
    let refused = move_record(&keeper, &alice().name, &stranger, false);
    let recorded = alice().uid;
    assert!(
        matches!(refused, Err(Failed::Refused(NotMoved::AnotherUid { recorded: uid })) if uid == recorded)
    );
    let used = code(&credential(), 0);
    assert!(accepts(&keeper, &alice(), &used));
    begin_grace(&keeper, &carol, NOW).unwrap();
    trust(&keeper, &alice(), &home(), NOW).unwrap();
    let owner = moving::owner_of(&keeper, &alice().name).unwrap();
    assert_eq!(owner, Some(alice()));
    let moved = move_record(&keeper, &alice().name, &carol, false).unwrap();
    assert_eq!(moved, Moved::Done);
    assert_eq!(keeper.users().unwrap(), Names::from_iter([&carol.name]));
    assert_eq!(first_login(&keeper, &carol).unwrap(), Some(NOW));
    assert_eq!(verdict(&keeper, &carol, &used), Verdict::Replayed);
    assert!(accepts(&keeper, &carol, &code(&credential(), 1)));
    let there = trusted_since(&keeper, &carol, &home(), HOUR, NOW);
    assert_eq!(there.unwrap(), None);
    let again = move_record(&keeper, &alice().name, &carol, false);
    assert!(matches!(again, Err(Failed::Refused(NotMoved::NoRecord))));
}

fn a_lock_and_a_new_authenticator_each_end_trust<B: Bench>() {
    let bench = B::with_alice();
    let keeper = bench.store();
    trust(&keeper, &alice(), &home(), NOW).unwrap();
    for _ in 0..4 {
        verdict(&keeper, &alice(), &Input::Other);
        assert!(is_trusted(&keeper));
    }
    verdict(&keeper, &alice(), &Input::Other);
    assert!(!is_trusted(&keeper));
    unlock(&keeper, &alice(), || Ok(NOW)).unwrap();
    assert!(
        !is_trusted(&keeper),
        "trust is gone, and not only suspended"
    );
    trust(&keeper, &alice(), &home(), NOW).unwrap();
    provision(&keeper, &alice(), &another_credential(1), true).unwrap();
    assert!(!is_trusted(&keeper));
}

fn a_rehearsal_is_no_first_login<B: Bench>() {
    let bench = B::empty();
    let keeper = bench.store();
    rehearse_grace(&keeper, &alice(), NOW).unwrap();
    assert_eq!(first_login(&keeper, &alice()).unwrap(), None);
    assert!(begin_grace(&keeper, &alice(), NOW.after(HOUR)).unwrap());
    let begun = first_login(&keeper, &alice()).unwrap();
    assert_eq!(begun, Some(NOW.after(HOUR)));
}

/// A login comes before each of the first three puts of an administrator's transaction.
fn while_logins_are_made<T>(work: impl FnOnce(&Memory) -> T) -> (Memory, T) {
    let keeper = Memory::with_alice();
    let mut logins = 0;
    keeper.before_each_put(move |keeper| {
        if logins < 3 {
            logins += 1;
            verdict(keeper, &alice(), &Input::Other);
        }
    });
    let done = work(&keeper);
    assert!(keeper.overtaken() > 0);
    (keeper, done)
}

#[test]
fn the_work_of_an_administrator_is_done_whole_while_logins_are_made() {
    let (keeper, done) = while_logins_are_made(|keeper| {
        provision(keeper, &alice(), &another_credential(1), true).unwrap()
    });
    assert_eq!(done, Provisioned::Done);
    assert!(accepts(&keeper, &alice(), &code(&another_credential(1), 0)));

    let carol = Account {
        name: UserName::new("carol").unwrap(),
        uid: alice().uid,
    };
    let (keeper, moved) =
        while_logins_are_made(|keeper| move_record(keeper, &alice().name, &carol, false).unwrap());
    assert_eq!(moved, Moved::Done);
    assert!(accepts(&keeper, &carol, &code(&credential(), 0)));

    let (keeper, erased) =
        while_logins_are_made(|keeper| erase(keeper, &alice().name, SOON).unwrap());
    assert!(erased);
    assert!(keeper.users().unwrap().is_empty());

    let (keeper, ()) =
        while_logins_are_made(|keeper| trust(keeper, &alice(), &home(), NOW).unwrap());
    assert!(is_trusted(&keeper));
    assert_eq!(state_of(&keeper).failures, 3);
}

#[test]
fn a_transaction_that_is_always_overtaken_says_so_when_its_time_is_over() {
    let overtaken = || Error::Overtaken {
        place: crate::Location::of("alice"),
    };
    let mut tries = 0;
    let third = until_not_overtaken(SOON, || {
        tries += 1;
        if tries < 3 {
            Err(overtaken())
        } else {
            Ok(tries)
        }
    });
    assert_eq!(third.unwrap(), 3);
    let never = until_not_overtaken(Duration::ZERO, || Err::<(), _>(overtaken()));
    let told = never.unwrap_err();
    assert_eq!(told.to_string(), "alice: other logins keep changing it");
    assert_eq!(told.hint(Language::English), "try again");
}

#[test]
fn any_other_error_ends_a_transaction_at_once() {
    let other = || Error::Busy {
        place: crate::Location::of("alice"),
        seconds: 10,
    };
    let mut tries = 0;
    let failed = until_not_overtaken(SOON, || {
        tries += 1;
        assert_eq!(tries, 1, "nothing is tried again");
        Err::<(), _>(other())
    });
    assert!(matches!(failed, Err(Error::Busy { .. })));
    assert!(!Failed::from(other()).is_overtaken());
    assert!(!Failed::from(NotMoved::NoRecord).is_overtaken());
    assert!(!change::Failed::from(other()).is_overtaken());
    assert!(!change::Failed::from(change::Refused::NotProven).is_overtaken());
}

/// Everything that commands show of an account comes from a type without keys: this compiles only as long as that is
/// true.
#[test]
fn an_overview_is_made_from_an_outline() {
    let _: fn(&record::Record<otp_core::record::Outline>, &Policy) -> Overview = Overview::of;
}
