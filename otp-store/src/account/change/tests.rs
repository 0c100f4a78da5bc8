use super::*;
use crate::Overview;
use crate::account::is_enrolled;
use crate::attempt::{Committed, attempt};
use crate::fixture::{
    Bench, NOW, Place, SOON, alice, another_credential, code, credential, enrol, no_groups,
    over_every_keeper, recovery_code, state_of,
};
use crate::memory::Memory;
use otp_core::code::Generator;
use otp_core::imported::ImportedCode;
use otp_core::record::{Groups, Refusal};
use otp_core::{Input, Verdict, every};
use std::collections::HashSet;

over_every_keeper! {
    a_first_authenticator_is_stored_after_its_code_which_opens_no_login,
    an_unproven_authenticator_is_not_stored,
    the_code_of_an_app_that_ignores_settings_is_reported_and_counted_and_is_no_proof,
    a_code_with_the_wrong_number_of_digits_is_no_code_of_an_authenticator,
    a_code_of_no_time_near_now_is_distinguished_from_a_reply_that_is_no_code,
    a_code_reveals_how_far_off_the_clock_of_an_authenticator_is,
    a_new_authenticator_replaces_the_old_one_and_its_recovery_codes,
    adding_an_authenticator_changes_nothing_else,
    authenticators_have_distinct_names_and_are_no_more_than_policy_allows,
    new_recovery_codes_replace_the_old_ones_and_change_nothing_else,
    an_unenrolled_user_has_nothing_to_remove_or_renew,
    a_locked_account_is_not_changed,
    a_change_that_somebody_else_has_made_meanwhile_is_not_undone,
    the_second_of_two_first_enrolments_is_refused,
    failures_stay_counted_across_every_change,
    repeated_changes_leave_nothing_behind,
    the_policy_at_the_end_of_a_change_counts,
    any_change_removes_imported_recovery_codes_and_issues_new_ones,
    imported_recovery_codes_do_not_open_a_lock_for_a_change,
}

/// Four authenticators are allowed, and no user must have one.
fn lenient() -> Policy {
    let mut policy = Policy::default();
    policy.enroll.max_authenticators = 4;
    policy.enforce.groups = Groups::Named(Vec::new());
    policy
}

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn begin(place: &impl Bench, change: Change, policy: &Policy) -> Result<Draft, Failed> {
    Draft::begin(
        Some(&place.store()),
        alice(),
        change,
        policy,
        no_groups,
        NOW,
    )
}

fn refusal<T>(result: Result<T, Failed>) -> Refused {
    match result {
        Err(Failed::Refused(refused)) => refused,
        Err(Failed::Store(error)) => panic!("{error}"),
        Ok(_) => panic!("not refused"),
    }
}

/// Returns the code that the authenticator of a draft shows `steps` from now.
fn shown(draft: &Draft, steps: i64) -> Vec<u8> {
    let device = draft.device().expect("there is a new device");
    let step = NOW.step(otp_core::record::Period::THIRTY).0;
    let step = Step(step.checked_add_signed(steps).unwrap());
    Generator::new(device).reveal(step).as_bytes().to_vec()
}

/// Makes a change from beginning to end; also returns the next code of its device, to be tried.
fn make(place: &impl Bench, change: Change, policy: &Policy) -> (Kept, Vec<RecoveryCode>, Vec<u8>) {
    let mut draft = begin(place, change, policy).expect("the change begins");
    let mut next = Vec::new();
    if draft.device().is_some() {
        let code = shown(&draft, 0);
        assert_eq!(draft.prove(&code, policy, NOW), Ok(Proof::Right));
        next = shown(&draft, 1);
    }
    let codes = draft.codes().iter().map(|one| one.reveal().to_string());
    let codes = codes.map(|one| RecoveryCode::parse(one.as_bytes()).unwrap());
    let codes = codes.collect();
    (
        draft
            .keep(&place.store(), &lenient(), no_groups, NOW)
            .expect("kept"),
        codes,
        next,
    )
}

fn try_input(place: &impl Bench, input: &Input) -> Verdict {
    attempt(&place.store(), &alice(), &lenient(), input, false, || {
        Ok(NOW)
    })
    .map(Committed::into_inner)
    .unwrap()
}

fn names_there(place: &impl Bench) -> Vec<String> {
    let mut locked = place.store().hold(&alice(), SOON).unwrap().unwrap();
    let record = locked.read(&alice()).unwrap().unwrap();
    let devices = record.credential.authenticators();
    devices
        .iter()
        .map(|one| one.name.as_str().to_owned())
        .collect()
}

fn a_first_authenticator_is_stored_after_its_code_which_opens_no_login<B: Bench>() {
    let place = B::empty();
    let policy = Policy::default();
    let mut draft = begin(&place, Change::Enrol(name("phone")), &policy)
        .ok()
        .unwrap();
    assert!(!draft.changes_a_record() && draft.goes().is_empty());
    assert_eq!(draft.codes().len(), 10);
    let (code, next) = (shown(&draft, 0), shown(&draft, 1));
    assert_eq!(draft.prove(&code, &policy, NOW), Ok(Proof::Right));
    let kept = draft
        .keep(&place.store(), &lenient(), no_groups, NOW)
        .ok()
        .unwrap();
    assert_eq!(kept, Kept { enrolled: true });
    let used = state_of(&place.store()).authenticators[0].last_used;
    assert_eq!(used, Some(NOW), "the code that proved it");
    assert_eq!(try_input(&place, &Input::parse(&code)), Verdict::Replayed);
    assert!(matches!(
        try_input(&place, &Input::parse(&next)),
        Verdict::Accepted { .. }
    ));
}

fn the_code_of_an_app_that_ignores_settings_is_reported_and_counted_and_is_no_proof<B: Bench>() {
    let place = B::empty();
    let mut policy = Policy::default();
    policy.code.algorithm = otp_core::record::Algorithm::Sha256;
    policy.code.digits = otp_core::record::Digits::new(8).unwrap();
    let draft = begin(&place, Change::Enrol(name("phone")), &policy);
    let mut draft = draft.ok().unwrap();
    let made = draft.device().unwrap();
    let app = Authenticator {
        id: made.id,
        name: made.name.clone(),
        kind: made.kind,
        algorithm: otp_core::record::Algorithm::Sha1,
        digits: otp_core::record::Digits::SIX,
        secret: otp_core::record::Secret::new(made.secret.reveal_bytes().to_vec().into()).unwrap(),
        window: None,
        created: made.created,
    };
    let step = NOW.step(otp_core::record::Period::THIRTY);
    let typed = Generator::new(&app).reveal(step);
    let settings = Ignored::from_number(3).unwrap();
    for left in (0..TRIES).rev() {
        let proof = draft.prove(typed.as_bytes(), &policy, NOW);
        assert_eq!(proof, Ok(Proof::Ignores(settings)));
        assert_eq!(draft.tries(), left);
    }
    assert_eq!(
        refusal(draft.keep(&place.store(), &lenient(), no_groups, NOW)),
        Refused::NotProven
    );
}

fn a_code_with_the_wrong_number_of_digits_is_no_code_of_an_authenticator<B: Bench>() {
    let place = B::empty();
    let mut policy = Policy::default();
    policy.code.digits = otp_core::record::Digits::new(8).unwrap();
    let draft = begin(&place, Change::Enrol(name("phone")), &policy);
    let mut draft = draft.ok().unwrap();
    let right = shown(&draft, 0);
    // The last six digits are none either: an app that ignores the number of digits shows those.
    let six: Vec<u8> = right[..6].to_vec();
    let six = if six == right[2..] {
        b"000000".to_vec()
    } else {
        six
    };
    assert_eq!(draft.prove(&six, &policy, NOW), Ok(Proof::NotACode));
    assert_eq!(draft.prove(&right, &policy, NOW), Ok(Proof::Right));
}

fn a_code_of_no_time_near_now_is_distinguished_from_a_reply_that_is_no_code<B: Bench>() {
    let place = B::empty();
    let policy = Policy::default();
    let draft = begin(&place, Change::Enrol(name("phone")), &policy);
    let mut draft = draft.ok().unwrap();
    // A day on either side: farther than the clock check searches.
    let near: HashSet<_> = (-2880..=2880).map(|steps| shown(&draft, steps)).collect();
    let mut codes = (0..).map(|code| format!("{code:06}").into_bytes());
    let wrong = codes.find(|code| !near.contains(code)).unwrap();
    assert_eq!(draft.prove(&wrong, &policy, NOW), Ok(Proof::NoMatch));
    for other in [&wrong[..5], &[wrong.as_slice(), b"00"].concat()] {
        let proof = draft.prove(other, &policy, NOW);
        assert_eq!(proof, Ok(Proof::NotACode), "{} digits", other.len());
    }
}

fn an_unproven_authenticator_is_not_stored<B: Bench>() {
    for change in [Change::Enrol(name("phone")), Change::Add(name("tablet"))] {
        let place = B::with_alice();
        let before = state_of(&place.store());
        let draft = begin(&place, change.clone(), &lenient()).ok().unwrap();
        assert_eq!(
            refusal(draft.keep(&place.store(), &lenient(), no_groups, NOW)),
            Refused::NotProven
        );
        let mut draft = begin(&place, change, &lenient()).ok().unwrap();
        for left in (0..TRIES).rev() {
            assert_eq!(draft.prove(b"x", &lenient(), NOW), Ok(Proof::NotACode));
            assert_eq!(draft.tries(), left);
        }
        let code = shown(&draft, 0);
        assert_eq!(draft.prove(&code, &lenient(), NOW), Err(Refused::NotProven));
        assert_eq!(
            refusal(draft.keep(&place.store(), &lenient(), no_groups, NOW)),
            Refused::NotProven
        );
        assert_eq!(state_of(&place.store()), before);
        assert_eq!(names_there(&place), ["phone"]);
    }
}

fn a_code_reveals_how_far_off_the_clock_of_an_authenticator_is<B: Bench>() {
    let place = B::empty();
    let policy = Policy::default();
    let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
    for (steps, expected) in [
        (1, Proof::Right),
        (-1, Proof::Right),
        (-6, Proof::Behind(minutes(3))),
        (4, Proof::Ahead(minutes(2))),
    ] {
        let mut draft = begin(&place, Change::Enrol(name("phone")), &policy)
            .ok()
            .unwrap();
        let code = shown(&draft, steps);
        assert_eq!(draft.prove(&code, &policy, NOW), Ok(expected));
        if expected != Proof::Right {
            assert_eq!(
                refusal(draft.keep(&place.store(), &lenient(), no_groups, NOW)),
                Refused::NotProven
            );
        }
    }
    assert!(!is_enrolled(&place.store(), &alice()).unwrap());
}

fn a_new_authenticator_replaces_the_old_one_and_its_recovery_codes<B: Bench>() {
    let one = Policy::default();
    for (change, policy) in [
        (Change::Enrol(name("phone")), &one),
        (Change::Add(name("phone")), &one),
        (Change::Enrol(name("tablet")), &lenient()),
    ] {
        let place = B::with_alice();
        let draft = begin(&place, change.clone(), policy).ok().unwrap();
        assert!(draft.changes_a_record());
        assert_eq!(draft.goes(), [name("phone")]);
        drop(draft);
        let (_, codes, next) = make(&place, change, policy);
        assert!(matches!(
            try_input(&place, &code(&credential(), 0)),
            Verdict::Rejected { .. }
        ));
        let old = Input::Recovery(recovery_code(0, 0));
        assert!(matches!(try_input(&place, &old), Verdict::Rejected { .. }));
        assert!(matches!(
            try_input(&place, &Input::parse(&next)),
            Verdict::Accepted { .. }
        ));
        let new = codes.into_iter().next().unwrap();
        assert_eq!(
            try_input(&place, &Input::Recovery(new)),
            Verdict::Recovered { left: 9 }
        );
    }
}

fn adding_an_authenticator_changes_nothing_else<B: Bench>() {
    let place = B::with_alice();
    let old = code(&credential(), 0);
    assert!(matches!(try_input(&place, &old), Verdict::Accepted { .. }));
    let used = Input::Recovery(recovery_code(0, 1));
    assert_eq!(try_input(&place, &used), Verdict::Recovered { left: 2 });
    let wrong = Input::parse(b"not a code");
    assert!(matches!(
        try_input(&place, &wrong),
        Verdict::Rejected { .. }
    ));
    let before = state_of(&place.store());
    let (_, codes, next) = make(&place, Change::Add(name("tablet")), &lenient());
    assert!(codes.is_empty());
    let after = state_of(&place.store());
    assert_eq!(after.failures, 1);
    assert_eq!(after.authenticators[0], before.authenticators[0]);
    assert_eq!(after.recovery, before.recovery);
    assert_eq!(names_there(&place), ["phone", "tablet"]);
    assert_eq!(try_input(&place, &old), Verdict::Replayed);
    assert!(matches!(
        try_input(&place, &Input::parse(&next)),
        Verdict::Accepted { .. }
    ));
    assert_eq!(try_input(&place, &used), Verdict::Replayed);
    let device = code(&credential(), 1);
    assert!(matches!(
        try_input(&place, &device),
        Verdict::Accepted { .. }
    ));
}

fn authenticators_have_distinct_names_and_are_no_more_than_policy_allows<B: Bench>() {
    let place = B::with_alice();
    let taken = begin(&place, Change::Add(name("phone")), &lenient());
    assert_eq!(refusal(taken), Refused::NameTaken(name("phone")));
    let mut two = lenient();
    two.enroll.max_authenticators = 2;
    make(&place, Change::Add(name("tablet")), &two);
    let full = begin(&place, Change::Add(name("browser")), &two);
    assert_eq!(refusal(full), Refused::Full(2));
}

#[test]
fn an_authenticator_is_removed_alone_and_the_last_one_with_the_recovery_codes() {
    let place = Place::with_alice();
    make(&place, Change::Add(name("tablet")), &lenient());
    let unnamed = begin(&place, Change::Remove(None), &lenient());
    assert_eq!(
        refusal(unnamed),
        Refused::WhichOne(vec![name("phone"), name("tablet")])
    );
    let unknown = begin(&place, Change::Remove(Some(name("watch"))), &lenient());
    assert_eq!(refusal(unknown), Refused::NoSuchName(name("watch")));
    let (kept, ..) = make(&place, Change::Remove(Some(name("phone"))), &lenient());
    assert_eq!(kept, Kept { enrolled: true });
    assert_eq!(names_there(&place), ["tablet"]);
    let old = code(&credential(), 0);
    assert!(matches!(try_input(&place, &old), Verdict::Rejected { .. }));
    let recovery = Input::Recovery(recovery_code(0, 0));
    assert_eq!(try_input(&place, &recovery), Verdict::Recovered { left: 2 });

    let demanded = begin(&place, Change::Remove(None), &Policy::default());
    assert_eq!(refusal(demanded), Refused::Demanded);
    let (kept, ..) = make(&place, Change::Remove(None), &lenient());
    assert_eq!(kept, Kept { enrolled: false });
    assert!(!place.alice().exists());
}

fn new_recovery_codes_replace_the_old_ones_and_change_nothing_else<B: Bench>() {
    let place = B::with_alice();
    let old = code(&credential(), 0);
    assert!(matches!(try_input(&place, &old), Verdict::Accepted { .. }));
    let before = state_of(&place.store());
    let (_, codes, _) = make(&place, Change::RecoveryCodes, &Policy::default());
    assert_eq!(codes.len(), 10);
    assert_eq!(
        state_of(&place.store()).authenticators,
        before.authenticators
    );
    assert_eq!(try_input(&place, &old), Verdict::Replayed);
    let gone = Input::Recovery(recovery_code(0, 0));
    assert!(matches!(try_input(&place, &gone), Verdict::Rejected { .. }));
    let new = codes.into_iter().next().unwrap();
    assert_eq!(
        try_input(&place, &Input::Recovery(new)),
        Verdict::Recovered { left: 9 }
    );
    let mut none = Policy::default();
    none.recovery.codes = 0;
    let refused = begin(&place, Change::RecoveryCodes, &none);
    assert_eq!(refusal(refused), Refused::NoCodes);
}

fn an_unenrolled_user_has_nothing_to_remove_or_renew<B: Bench>() {
    let place = B::empty();
    for change in [Change::Remove(None), Change::RecoveryCodes] {
        assert_eq!(
            refusal(begin(&place, change, &lenient())),
            Refused::NotEnrolled
        );
    }
    let draft = begin(&place, Change::Add(name("tablet")), &lenient())
        .ok()
        .unwrap();
    assert!(!draft.changes_a_record());
    assert_eq!(draft.codes().len(), 10);
}

fn every_change() -> Vec<Change> {
    every!(Change {
        Enrol => [Change::Enrol(name("new"))],
        Add => [Change::Add(name("tablet"))],
        Remove => [Change::Remove(None)],
        RecoveryCodes => [Change::RecoveryCodes],
    })
}

fn a_locked_account_is_not_changed<B: Bench>() {
    let place = B::with_alice();
    let begun: Vec<_> = every_change()
        .into_iter()
        .map(|change| {
            let mut draft = begin(&place, change, &lenient()).ok().unwrap();
            if draft.device().is_some() {
                let code = shown(&draft, 0);
                assert_eq!(draft.prove(&code, &lenient(), NOW), Ok(Proof::Right));
            }
            draft
        })
        .collect();
    for _ in 0..5 {
        try_input(&place, &Input::parse(b"wrong"));
    }
    let before = state_of(&place.store());
    assert_eq!(before.last_refusal, Some((NOW, Refusal::WrongCode)));
    for change in every_change() {
        assert_eq!(
            refusal(begin(&place, change, &lenient())),
            Refused::Locked { opens: true }
        );
    }
    // Also if the lock begins between question and answer.
    for draft in begun {
        assert_eq!(
            refusal(draft.keep(&place.store(), &lenient(), no_groups, NOW)),
            Refused::Locked { opens: true }
        );
    }
    assert_eq!(state_of(&place.store()), before);
    assert_eq!(names_there(&place), ["phone"]);
}

fn a_change_that_somebody_else_has_made_meanwhile_is_not_undone<B: Bench>() {
    for meanwhile in [
        Change::Enrol(name("other")),
        Change::Add(name("other")),
        Change::RecoveryCodes,
        Change::Remove(None),
    ] {
        for change in every_change() {
            let place = B::with_alice();
            let mut draft = begin(&place, change, &lenient()).ok().unwrap();
            if draft.device().is_some() {
                let code = shown(&draft, 0);
                assert_eq!(draft.prove(&code, &lenient(), NOW), Ok(Proof::Right));
            }
            make(&place, meanwhile.clone(), &lenient());
            assert_eq!(
                refusal(draft.keep(&place.store(), &lenient(), no_groups, NOW)),
                Refused::ChangedMeanwhile
            );
        }
    }
}

fn the_second_of_two_first_enrolments_is_refused<B: Bench>() {
    let place = B::empty();
    let policy = Policy::default();
    let mut late = begin(&place, Change::Enrol(name("late")), &policy)
        .ok()
        .unwrap();
    let code = shown(&late, 0);
    assert_eq!(late.prove(&code, &policy, NOW), Ok(Proof::Right));
    make(&place, Change::Enrol(name("early")), &policy);
    assert_eq!(
        refusal(late.keep(&place.store(), &lenient(), no_groups, NOW)),
        Refused::ChangedMeanwhile
    );
    assert_eq!(names_there(&place), ["early"]);
}

fn failures_stay_counted_across_every_change<B: Bench>() {
    for change in [
        Change::Add(name("tablet")),
        Change::RecoveryCodes,
        Change::Enrol(name("new")),
    ] {
        let place = B::with_alice();
        for _ in 0..2 {
            try_input(&place, &Input::parse(b"wrong"));
        }
        make(&place, change, &lenient());
        assert_eq!(state_of(&place.store()).failures, 2);
    }
}

fn repeated_changes_leave_nothing_behind<B: Bench>() {
    let place = B::with_alice();
    for round in 0..12 {
        make(&place, Change::RecoveryCodes, &lenient());
        make(&place, Change::Add(name("tablet")), &lenient());
        make(&place, Change::Remove(Some(name("tablet"))), &lenient());
        assert_eq!(names_there(&place), ["phone"], "round {round}");
    }
}

fn the_policy_at_the_end_of_a_change_counts<B: Bench>() {
    let place = B::with_alice();
    let draft = begin(&place, Change::Remove(None), &lenient())
        .ok()
        .unwrap();
    let strict = Policy::default();
    assert_eq!(
        refusal(draft.keep(&place.store(), &strict, no_groups, NOW)),
        Refused::Demanded
    );
    let mut draft = begin(&place, Change::Add(name("tablet")), &lenient())
        .ok()
        .unwrap();
    let code = shown(&draft, 0);
    assert_eq!(draft.prove(&code, &lenient(), NOW), Ok(Proof::Right));
    assert_eq!(
        refusal(draft.keep(&place.store(), &strict, no_groups, NOW)),
        Refused::Full(1)
    );
    assert_eq!(names_there(&place), ["phone"]);
}

const DIGITS: &[u8] = b"12345678";

/// Alice has a phone, and a recovery code of 8 digits from another program.
fn with_imported<B: Bench>() -> B {
    let bench = B::empty();
    let codes = [ImportedCode::new(DIGITS).unwrap()];
    let set = mint::imported_codes(&codes, None, NOW).unwrap();
    let (devices, _) = credential().into_parts();
    let imported = Credential::new("alice".to_owned(), 1001, devices, Some(set)).unwrap();
    enrol(&bench.store(), &imported);
    bench
}

fn any_change_removes_imported_recovery_codes_and_issues_new_ones<B: Bench>() {
    let mut none = lenient();
    none.recovery.codes = 0;
    for (change, policy, new) in [
        (Change::Enrol(name("new")), lenient(), 10),
        (Change::Add(name("tablet")), lenient(), 10),
        (Change::Add(name("tablet")), none, 0),
        (Change::RecoveryCodes, lenient(), 10),
    ] {
        let place = with_imported::<B>();
        let draft = begin(&place, change.clone(), &policy).ok().unwrap();
        assert!(draft.imported_codes_go(), "{change:?}");
        drop(draft);
        let (_, codes, _) = make(&place, change.clone(), &policy);
        assert_eq!(codes.len(), new, "{change:?}");
        let wrong = try_input(&place, &Input::parse(DIGITS));
        assert!(matches!(wrong, Verdict::Rejected { .. }), "{change:?}");
        let left = u32::try_from(new).unwrap();
        for code in codes.into_iter().take(1) {
            let used = try_input(&place, &Input::Recovery(code));
            assert_eq!(used, Verdict::Recovered { left: left - 1 });
        }
        let draft = begin(&place, Change::RecoveryCodes, &lenient());
        assert!(!draft.ok().unwrap().imported_codes_go());
    }
    // A removed device takes them along, and the others stay.
    let place = B::empty();
    let codes = [ImportedCode::new(DIGITS).unwrap()];
    let (mut devices, _) = credential().into_parts();
    let (mut other, _) = another_credential(1).into_parts();
    other[0].name = name("tablet");
    devices.append(&mut other);
    let set = mint::imported_codes(&codes, None, NOW).unwrap();
    let both = Credential::new("alice".to_owned(), 1001, devices, Some(set)).unwrap();
    enrol(&place.store(), &both);
    let change = Change::Remove(Some(name("tablet")));
    assert!(
        begin(&place, change.clone(), &lenient())
            .ok()
            .unwrap()
            .imported_codes_go()
    );
    make(&place, change, &lenient());
    let wrong = try_input(&place, &Input::parse(DIGITS));
    assert!(matches!(wrong, Verdict::Rejected { .. }));
    let device = code(&credential(), 0);
    assert!(matches!(
        try_input(&place, &device),
        Verdict::Accepted { .. }
    ));
}

fn imported_recovery_codes_do_not_open_a_lock_for_a_change<B: Bench>() {
    let place = with_imported::<B>();
    for _ in 0..5 {
        try_input(&place, &Input::parse(b"wrong"));
    }
    let refused = refusal(begin(&place, Change::RecoveryCodes, &lenient()));
    assert_eq!(refused, Refused::Locked { opens: false });
}

/// The new recovery codes are not lost if the change was overtaken.
#[test]
fn imported_codes_are_replaced_even_if_logins_overtake_the_change() {
    let place = with_imported::<Memory>();
    let mut draft = begin(&place, Change::Add(name("tablet")), &lenient())
        .ok()
        .unwrap();
    let shown = shown(&draft, 0);
    assert_eq!(draft.prove(&shown, &lenient(), NOW), Ok(Proof::Right));
    let mut logins = 0;
    place.before_each_put(move |place| {
        if logins < 3 {
            logins += 1;
            try_input(place, &Input::Other);
        }
    });
    let kept = draft.keep(&place, &lenient(), no_groups, NOW);
    assert_eq!(kept.ok(), Some(Kept { enrolled: true }));
    let overview = Overview::read(&place, &alice(), &lenient(), || Ok(NOW));
    let overview = overview.unwrap().unwrap();
    assert_eq!(overview.recovery_codes_left, 10);
    assert!(!overview.recovery_codes_imported);
}

/// A login comes between the look and the put of a change, again and again.
#[test]
fn a_change_that_logins_overtake_is_still_stored() {
    for change in [
        Change::Enrol(name("new")),
        Change::Add(name("tablet")),
        Change::RecoveryCodes,
    ] {
        let place = Memory::with_alice();
        let mut draft = begin(&place, change.clone(), &lenient()).ok().unwrap();
        if draft.device().is_some() {
            let code = shown(&draft, 0);
            assert_eq!(draft.prove(&code, &lenient(), NOW), Ok(Proof::Right));
        }
        let before = place.overtaken();
        let codes = draft.codes().len();
        let mut logins = 0;
        place.before_each_put(move |place| {
            if logins < 3 {
                logins += 1;
                try_input(place, &Input::Other);
            }
        });
        let kept = draft.keep(&place, &lenient(), no_groups, NOW);
        assert_eq!(kept.ok(), Some(Kept { enrolled: true }), "{change:?}");
        assert!(place.overtaken() == before + 3);
        let state = state_of(&place);
        assert_eq!(state.failures, 3, "{change:?}");
        let overview = Overview::read(&place, &alice(), &lenient(), || Ok(NOW));
        let overview = overview.unwrap().unwrap();
        let left = if codes == 0 { 3 } else { codes };
        assert_eq!(overview.recovery_codes_left as usize, left, "{change:?}");
    }
}
