use super::*;
use crate::account::change::{Change, Draft};
use crate::account::is_enrolled;
use crate::account::moving::move_record;
use crate::account::overview::Overview;
use crate::account::provision::provision;
use crate::attempt::attempt;
use crate::fixture::{
    Bench, NOW, SOON, alice, another_credential, code, credential, enrol, no_groups,
    over_every_keeper,
};
use crate::keeper::Look;
use crate::sealed::tests::KeyPlace;
use crate::sealed::{Fault, Seal};
use otp_core::{Account, Input, Policy, Verdict};

over_every_keeper!(
    a_record_written_with_a_sealing_key_is_sealed_and_lets_its_user_in,
    an_unsealed_record_lets_its_user_in_despite_a_sealing_key_and_is_sealed_by_the_next_write,
    a_sealed_record_without_its_key_refuses_and_still_counts_as_enrolled,
    an_overview_of_an_account_needs_no_sealing_key,
    no_record_is_written_if_the_sealing_key_is_missing,
    a_record_is_sealed_resealed_and_unsealed_on_request,
    a_change_of_the_key_cut_short_at_any_point_locks_nobody_out,
    a_sealed_record_in_another_users_place_opens_for_neither,
    a_moved_record_is_sealed_for_its_new_user,
);

fn name() -> UserName {
    alice().name
}

fn tried(store: &impl Keeper, input: &Input) -> Result<Verdict, Error> {
    let policy = Policy::default();
    let committed = attempt(store, &alice(), &policy, input, false, || Ok(NOW))?;
    Ok(committed.into_inner())
}

fn lets_in(store: &impl Keeper, steps: i64) {
    let verdict = tried(store, &code(&credential(), steps)).unwrap();
    assert!(matches!(verdict, Verdict::Accepted { .. }), "{verdict:?}");
}

fn fault(tried: Result<Verdict, Error>) -> Fault {
    match tried {
        Err(Error::Sealed { fault, .. }) => fault,
        other => panic!("{other:?}"),
    }
}

fn text_of(store: &impl Keeper) -> String {
    let mut held = store.hold(&alice(), SOON).unwrap().unwrap();
    let bytes = held.get(Part::Credential).unwrap().unwrap();
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn wanted(keys: &KeyPlace) -> Wanted {
    Wanted::Sealed(Arc::new(keys.keys()))
}

fn a_record_written_with_a_sealing_key_is_sealed_and_lets_its_user_in<B: Bench>() {
    let (bench, keys) = (B::empty(), KeyPlace::new());
    let store = bench.sealed_store(keys.seal());
    enrol(&store, &credential());
    assert!(text_of(&store).contains("\nsealed = "));
    assert!(!text_of(&store).contains(crate::fixture::KEY));
    lets_in(&store, 0);
    assert_eq!(
        sealed_by(&store, &name()).unwrap(),
        Some(SealedBy::Key(keys.keys().seals()))
    );
}

fn an_unsealed_record_lets_its_user_in_despite_a_sealing_key_and_is_sealed_by_the_next_write<
    B: Bench,
>() {
    let (bench, keys) = (B::with_alice(), KeyPlace::new());
    let store = bench.sealed_store(keys.seal());
    lets_in(&store, 0);
    assert_eq!(sealed_by(&store, &name()).unwrap(), Some(SealedBy::Nothing));
    let mut policy = Policy::default();
    policy.enroll.max_authenticators = 2;
    let change = Change::RecoveryCodes;
    let draft = Draft::begin(Some(&store), alice(), change, &policy, no_groups, NOW)
        .unwrap_or_else(|_| panic!("it begins"));
    draft.keep(&store, &policy, no_groups, NOW).unwrap();
    assert!(matches!(
        sealed_by(&store, &name()).unwrap(),
        Some(SealedBy::Key(_))
    ));
    lets_in(&store, 1);
}

fn a_sealed_record_without_its_key_refuses_and_still_counts_as_enrolled<B: Bench>() {
    let (bench, keys) = (B::empty(), KeyPlace::new());
    enrol(&bench.sealed_store(keys.seal()), &credential());
    let missing = KeyPlace::new();
    missing.remove();
    let gone = KeyPlace::new().seal();
    for (seal, which) in [
        (Seal::none(), "none"),
        (gone, "gone with its directory"),
        (missing.seal(), "missing"),
    ] {
        let store = bench.sealed_store(seal);
        assert!(is_enrolled(&store, &alice()).unwrap(), "{which}");
        for input in [code(&credential(), 0), Input::parse(b"123456")] {
            let told = fault(tried(&store, &input));
            assert!(
                matches!((&told, which), (Fault::NoKey, "none") | (Fault::File(_), _)),
                "{which}: {told}"
            );
        }
    }
    let another = KeyPlace::new();
    let store = bench.sealed_store(another.seal());
    let told = fault(tried(&store, &code(&credential(), 0)));
    assert!(matches!(told, Fault::AnotherKey { .. }), "{told}");
    // Nobody was let in, and nothing was counted: with the key back, the same code is good.
    lets_in(&bench.sealed_store(keys.seal()), 0);
}

fn an_overview_of_an_account_needs_no_sealing_key<B: Bench>() {
    let (bench, keys) = (B::empty(), KeyPlace::new());
    enrol(&bench.sealed_store(keys.seal()), &credential());
    let told = Overview::read(&bench.store(), &alice(), &Policy::default(), || Ok(NOW));
    assert_eq!(told.unwrap().unwrap().authenticators.len(), 1);
}

fn no_record_is_written_if_the_sealing_key_is_missing<B: Bench>() {
    let (bench, keys) = (B::with_alice(), KeyPlace::new());
    keys.remove();
    let store = bench.sealed_store(keys.seal());
    let told = provision(&store, &alice(), &another_credential(9), true);
    assert!(matches!(told, Err(Error::Sealed { .. })), "{told:?}");
    // The old record still lets its user in.
    lets_in(&bench.store(), 0);
}

fn a_record_is_sealed_resealed_and_unsealed_on_request<B: Bench>() {
    let (bench, keys) = (B::with_alice(), KeyPlace::new());
    let store = bench.sealed_store(keys.seal());
    let by = |store: &B::Keeper| sealed_by(store, &name()).unwrap().unwrap();
    assert_eq!(
        reseal(&store, &UserName::new("bob").unwrap(), &wanted(&keys)).unwrap(),
        Resealed::NoRecord
    );
    assert_eq!(
        reseal(&store, &name(), &Wanted::Plain).unwrap(),
        Resealed::AsItWas
    );
    assert_eq!(
        reseal(&store, &name(), &wanted(&keys)).unwrap(),
        Resealed::Done
    );
    let first = by(&store);
    assert_eq!(first, SealedBy::Key(keys.keys().seals()));
    lets_in(&store, 0);
    let text = text_of(&store);
    assert_eq!(
        reseal(&store, &name(), &wanted(&keys)).unwrap(),
        Resealed::AsItWas
    );
    assert_eq!(text_of(&store), text);
    keys.begin_anew();
    assert_eq!(
        reseal(&store, &name(), &wanted(&keys)).unwrap(),
        Resealed::Done
    );
    assert!(by(&store) != first);
    keys.put(&keys.keys().first_alone());
    lets_in(&bench.sealed_store(keys.seal()), 1);
    assert_eq!(
        reseal(&store, &name(), &Wanted::Plain).unwrap(),
        Resealed::Done
    );
    assert_eq!(by(&store), SealedBy::Nothing);
    // The state has stayed: no code is good twice.
    let again = tried(&bench.store(), &code(&credential(), 1)).unwrap();
    assert_eq!(again, Verdict::Replayed);
}

fn a_change_of_the_key_cut_short_at_any_point_locks_nobody_out<B: Bench>() {
    // After each write of the change, in its order: the file with both keys, the record, the file with the new key.
    for writes in 0..=3 {
        let (bench, keys) = (B::empty(), KeyPlace::new());
        enrol(&bench.sealed_store(keys.seal()), &credential());
        if writes >= 1 {
            keys.begin_anew();
        }
        if writes >= 2 {
            reseal(&bench.sealed_store(keys.seal()), &name(), &wanted(&keys)).unwrap();
        }
        if writes >= 3 {
            keys.put(&keys.keys().first_alone());
        }
        let store = bench.sealed_store(keys.seal());
        lets_in(&store, 0);
        reseal(&store, &name(), &wanted(&keys)).unwrap();
        keys.put(&keys.keys().first_alone());
        lets_in(&bench.sealed_store(keys.seal()), 1);
    }
}

fn a_sealed_record_in_another_users_place_opens_for_neither<B: Bench>() {
    let (bench, keys) = (B::empty(), KeyPlace::new());
    let store = bench.sealed_store(keys.seal());
    enrol(&store, &credential());
    let bob = Account {
        name: UserName::new("bob").unwrap(),
        uid: 1001,
    };
    let text = text_of(&store);
    for text in [
        text.clone(),
        text.replacen("user = \"alice\"", "user = \"bob\"", 1),
    ] {
        let mut held = store.hold_or_create(&bob, SOON).unwrap();
        let state = {
            let mut of_alice = store.hold(&alice(), SOON).unwrap().unwrap();
            of_alice.get(Part::State).unwrap().unwrap()
        };
        let _ = held.put(Part::State, &state).unwrap();
        let _ = held.put(Part::Credential, text.as_bytes()).unwrap();
        drop(held);
        let policy = Policy::default();
        let input = code(&credential(), 0);
        let tried = attempt(&store, &bob, &policy, &input, false, || Ok(NOW));
        let Err(told) = tried else {
            panic!("it was judged");
        };
        let changed = matches!(
            told,
            Error::Sealed {
                fault: Fault::Changed,
                ..
            } | Error::AnotherUsers { .. }
        );
        assert!(changed, "{told}");
    }
    lets_in(&store, 0);
}

fn a_moved_record_is_sealed_for_its_new_user<B: Bench>() {
    let (bench, keys) = (B::empty(), KeyPlace::new());
    let store = bench.sealed_store(keys.seal());
    enrol(&store, &credential());
    let carol = Account {
        name: UserName::new("carol").unwrap(),
        uid: 1001,
    };
    move_record(&store, &name(), &carol, false).unwrap();
    let policy = Policy::default();
    let input = code(&credential(), 0);
    let tried = attempt(&store, &carol, &policy, &input, false, || Ok(NOW)).unwrap();
    assert!(matches!(tried.into_inner(), Verdict::Accepted { .. }));
}
