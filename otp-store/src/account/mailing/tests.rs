use super::*;
use crate::account::attempt::{Committed, attempt};
use crate::fixture::{
    Bench, NOW, Place, SOON, alice, another_credential, code, credential, enrol, over_every_keeper,
    state_of,
};
use crate::keeper::{Goes, Held, Look, Part};
use crate::memory::Memory;
use otp_core::mailed::LASTS;
use otp_core::record::Refusal;
use otp_core::{Input, Verdict};
use std::sync::Barrier;
use std::thread;
use std::time::Duration;

over_every_keeper! {
    a_mailed_code_lets_its_login_in_once,
    a_mailed_code_is_useless_in_another_login,
    the_next_mailed_code_replaces_the_one_before,
    five_codes_are_sent_in_a_day_across_simultaneous_logins,
    exactly_one_of_many_replies_with_one_mailed_code_gets_in,
    no_code_is_sent_during_a_lock_and_a_sent_one_opens_no_lock,
    no_code_is_sent_to_an_account_without_an_authenticator,
    no_code_is_sent_if_the_address_must_be_confirmed_and_is_not,
    a_new_credential_cancels_the_mailed_code_but_not_the_count,
    the_count_of_sent_codes_outlasts_the_record,
    a_clock_that_runs_back_is_corrected_once,
    another_user_of_the_name_inherits_no_mailed_code,
    a_mailed_code_earns_no_trust,
    codes_that_confirm_an_address_count_with_those_for_logins,
    a_confirmed_address_outlasts_the_record,
}

fn policy() -> Policy {
    let mut policy = Policy::default();
    policy.recovery.email = true;
    policy
}

fn ask_at(keeper: &impl Keeper, now: UnixTime) -> Asked {
    ask_for_code(keeper, &alice(), &policy(), || Ok(now)).unwrap()
}

fn ask(keeper: &impl Keeper) -> Asked {
    ask_at(keeper, NOW)
}

fn is_due(asked: &Asked) -> bool {
    matches!(asked.sending, Sending::Due { .. })
}

/// The reply with a code, in the login of `key`.
fn reply(code: &MailedCode, key: &LoginKey) -> Input {
    Input::parse(code.reveal().as_bytes()).or_mailed(key)
}

fn try_at(keeper: &impl Keeper, input: &Input, now: UnixTime) -> Verdict {
    attempt(keeper, &alice(), &policy(), input, false, || Ok(now))
        .map(Committed::into_inner)
        .unwrap()
}

fn later(seconds: u64) -> UnixTime {
    NOW.after(Duration::from_secs(seconds))
}

fn mailbox<K: Keeper>(keeper: &K) -> otp_core::mailed::Mailbox {
    let mut held = keeper.hold(&alice(), SOON).unwrap().unwrap();
    held.mailbox(&alice()).unwrap()
}

fn a_mailed_code_lets_its_login_in_once<B: Bench>() {
    let place = B::with_alice();
    let keeper = place.store();
    let asked = ask(&keeper);
    assert_eq!(
        asked.sending,
        Sending::Due {
            count: 1,
            only_to: None
        }
    );
    let input = reply(&asked.code, &asked.key);
    assert_eq!(try_at(&keeper, &input, later(599)), Verdict::Mailed);
    assert_eq!(mailbox(&keeper).outstanding(), None);
    assert_eq!(
        try_at(&keeper, &input, later(599)),
        Verdict::Rejected { left: 4 }
    );
    let late = ask(&keeper);
    let input = reply(&late.code, &late.key);
    let over = NOW.after(LASTS);
    assert_eq!(try_at(&keeper, &input, over), Verdict::Rejected { left: 3 });
}

fn a_mailed_code_is_useless_in_another_login<B: Bench>() {
    let place = B::with_alice();
    let keeper = place.store();
    let (asked, (_, other)) = (ask(&keeper), mint::mailed_code().unwrap());
    let verdict = try_at(&keeper, &reply(&asked.code, &other), NOW);
    assert_eq!(verdict, Verdict::Rejected { left: 4 });
    // The wrong reply of another login costs the right one only a try.
    assert_eq!(
        try_at(&keeper, &reply(&asked.code, &asked.key), NOW),
        Verdict::Mailed
    );
}

fn the_next_mailed_code_replaces_the_one_before<B: Bench>() {
    let place = B::with_alice();
    let keeper = place.store();
    let (first, second) = (ask(&keeper), ask(&keeper));
    let verdict = try_at(&keeper, &reply(&first.code, &first.key), NOW);
    assert_eq!(verdict, Verdict::Rejected { left: 4 });
    assert_eq!(
        try_at(&keeper, &reply(&second.code, &second.key), NOW),
        Verdict::Mailed
    );
}

fn five_codes_are_sent_in_a_day_across_simultaneous_logins<B: Bench>() {
    let place = B::with_alice();
    let start = Barrier::new(16);
    let due: usize = thread::scope(|scope| {
        let threads: Vec<_> = (0..16)
            .map(|_| {
                scope.spawn(|| {
                    let keeper = place.store();
                    start.wait();
                    usize::from(is_due(&ask(&keeper)))
                })
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .sum()
    });
    assert_eq!(due, 5);
    let keeper = place.store();
    let until = later(86_400);
    assert_eq!(
        ask_at(&keeper, later(86_399)).sending,
        Sending::TooMany { until }
    );
    assert!(is_due(&ask_at(&keeper, until)));
}

fn exactly_one_of_many_replies_with_one_mailed_code_gets_in<B: Bench>() {
    let place = B::with_alice();
    for _ in 0..10 {
        enrol(&place.store(), &credential());
        let mut held = place.store().hold(&alice(), SOON).unwrap().unwrap();
        let _ = held.remove(Part::Mail).unwrap();
        drop(held);
        let asked = ask(&place.store());
        let Input::Mailed(reply) = reply(&asked.code, &asked.key) else {
            unreachable!("eight digits")
        };
        let replies: Vec<_> = (0..4).map(|_| Input::Mailed(reply.beside(None))).collect();
        let start = Barrier::new(4);
        let verdicts: Vec<Verdict> = thread::scope(|scope| {
            let threads: Vec<_> = replies
                .iter()
                .map(|input| {
                    scope.spawn(|| {
                        let keeper = place.store();
                        start.wait();
                        try_at(&keeper, input, NOW)
                    })
                })
                .collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .collect()
        });
        let mailed = verdicts
            .iter()
            .filter(|one| **one == Verdict::Mailed)
            .count();
        assert_eq!(mailed, 1, "{verdicts:?}");
    }
}

fn no_code_is_sent_during_a_lock_and_a_sent_one_opens_no_lock<B: Bench>() {
    let place = B::with_alice();
    let keeper = place.store();
    let asked = ask(&keeper);
    for _ in 0..5 {
        try_at(&keeper, &code(&credential(), 1000), NOW);
    }
    assert_eq!(ask(&keeper).sending, Sending::Locked);
    assert_eq!(mailbox(&keeper).sent().len(), 1);
    let verdict = try_at(&keeper, &reply(&asked.code, &asked.key), NOW);
    assert!(matches!(verdict, Verdict::Locked { .. }));
}

fn no_code_is_sent_to_an_account_without_an_authenticator<B: Bench>() {
    let place = B::empty();
    let keeper = place.store();
    assert_eq!(ask(&keeper).sending, Sending::NotEnrolled);
    assert!(
        keeper.users().unwrap().is_empty(),
        "nothing is kept about it"
    );
}

fn no_code_is_sent_if_the_address_must_be_confirmed_and_is_not<B: Bench>() {
    let place = B::with_alice();
    let keeper = place.store();
    let mut policy = policy();
    policy.enroll.verify_email = true;
    let ask = || {
        ask_for_code(&keeper, &alice(), &policy, || Ok(NOW))
            .unwrap()
            .sending
    };
    assert_eq!(ask(), Sending::NotConfirmed);
    let address = Address::parse("alice@example.org").unwrap();
    let mut held = keeper.hold(&alice(), SOON).unwrap().unwrap();
    let mailbox = held.mailbox(&alice()).unwrap();
    held.put_mailbox(&alice(), &mailbox.confirming(address.clone(), NOW))
        .unwrap();
    drop(held);
    let only_to = Some(address);
    assert_eq!(ask(), Sending::Due { count: 1, only_to });
}

fn a_new_credential_cancels_the_mailed_code_but_not_the_count<B: Bench>() {
    let place = B::with_alice();
    let keeper = place.store();
    let asked = ask(&keeper);
    enrol(&keeper, &another_credential(1));
    assert_eq!(mailbox(&keeper).outstanding(), None);
    let verdict = try_at(&keeper, &reply(&asked.code, &asked.key), NOW);
    assert_eq!(verdict, Verdict::Rejected { left: 4 });
    assert_eq!(
        ask(&keeper).sending,
        Sending::Due {
            count: 2,
            only_to: None
        }
    );
}

fn the_count_of_sent_codes_outlasts_the_record<B: Bench>() {
    let place = B::with_alice();
    let keeper = place.store();
    ask(&keeper);
    let mut held = keeper.hold(&alice(), SOON).unwrap().unwrap();
    let _ = keeper
        .erase(&mut held, &alice().name, Goes::Record)
        .unwrap();
    drop(held);
    enrol(&keeper, &credential());
    assert_eq!(
        ask(&keeper).sending,
        Sending::Due {
            count: 2,
            only_to: None
        }
    );
    let mut held = keeper.hold(&alice(), SOON).unwrap().unwrap();
    let _ = keeper
        .erase(&mut held, &alice().name, Goes::Everything)
        .unwrap();
    drop(held);
    assert!(keeper.users().unwrap().is_empty());
}

fn a_clock_that_runs_back_is_corrected_once<B: Bench>() {
    let place = B::with_alice();
    let keeper = place.store();
    for _ in 0..5 {
        assert!(is_due(&ask_at(&keeper, later(1_000_000))));
    }
    let until = later(86_400);
    assert_eq!(ask(&keeper).sending, Sending::TooMany { until });
    assert!(!is_due(&ask_at(&keeper, later(86_399))));
    assert!(is_due(&ask_at(&keeper, until)));
}

fn another_user_of_the_name_inherits_no_mailed_code<B: Bench>() {
    let place = B::with_alice();
    let keeper = place.store();
    let asked = ask(&keeper);
    let mut held = keeper.hold(&alice(), SOON).unwrap().unwrap();
    let mut somebody = alice();
    somebody.uid = 1002;
    assert_eq!(
        held.mailbox(&somebody).unwrap(),
        otp_core::mailed::Mailbox::default()
    );
    assert!(held.mailbox(&alice()).unwrap().outstanding().is_some());
    drop((held, asked));
}

fn a_mailed_code_earns_no_trust<B: Bench>() {
    let place = B::with_alice();
    let keeper = place.store();
    let asked = ask(&keeper);
    let place = crate::Place::of("sshd", "192.0.2.1").unwrap();
    let remembered = crate::Remembered {
        place,
        remember: Duration::from_secs(3600),
    };
    let input = reply(&asked.code, &asked.key);
    let judged = crate::attempt_at(
        &keeper,
        &alice(),
        &policy(),
        &input,
        false,
        Some(&remembered),
        || Ok(NOW),
    );
    assert_eq!(judged.unwrap().into_inner().verdict, Verdict::Mailed);
    let mut held = keeper.hold(&alice(), SOON).unwrap().unwrap();
    assert!(!held.has(Part::Trust).unwrap());
    drop(held.get(Part::Mail).unwrap());
}

fn codes_that_confirm_an_address_count_with_those_for_logins<B: Bench>() {
    let place = B::empty();
    let keeper = place.store();
    for count in 1..=4 {
        let sending = count_confirmation(&keeper, &alice(), || Ok(NOW)).unwrap();
        assert_eq!(
            sending,
            Sending::Due {
                count,
                only_to: None
            }
        );
    }
    enrol(&keeper, &credential());
    assert!(is_due(&ask(&keeper)));
    let until = later(86_400);
    let sending = count_confirmation(&keeper, &alice(), || Ok(NOW)).unwrap();
    assert_eq!(sending, Sending::TooMany { until });
    assert_eq!(ask(&keeper).sending, Sending::TooMany { until });
}

fn a_confirmed_address_outlasts_the_record<B: Bench>() {
    let place = B::with_alice();
    let keeper = place.store();
    let address = Address::parse("alice@example.org").unwrap();
    keep_confirmed(&keeper, &alice(), &address, NOW).unwrap();
    enrol(&keeper, &another_credential(1));
    let mut policy = policy();
    policy.enroll.verify_email = true;
    let asked = ask_for_code(&keeper, &alice(), &policy, || Ok(NOW)).unwrap();
    let only_to = Some(address);
    assert_eq!(asked.sending, Sending::Due { count: 1, only_to });
}

/// A file that cannot be read makes the mailed code useless, and prevents no other login.
#[test]
fn a_damaged_mail_file_keeps_no_user_with_an_authenticator_out() {
    let place = Place::with_alice();
    let keeper = place.store();
    let asked = ask(&keeper);
    std::fs::write(place.file("mail"), "damaged").unwrap();
    let refused = ask_for_code(&keeper, &alice(), &policy(), || Ok(NOW));
    assert!(matches!(refused.err(), Some(Error::Content { .. })));
    let verdict = try_at(&keeper, &reply(&asked.code, &asked.key), NOW);
    assert_eq!(verdict, Verdict::Rejected { left: 4 });
    assert_eq!(
        state_of(&keeper).last_refusal,
        Some((NOW, Refusal::WrongCode))
    );
    let verdict = try_at(&keeper, &code(&credential(), 0), NOW);
    assert!(matches!(verdict, Verdict::Accepted { .. }));
    // A new device is still set up.
    enrol(&keeper, &another_credential(1));
}

/// A crash may come before each write, so the code is used up first, and the success is written last.
#[test]
fn a_code_is_used_up_before_the_success_is_written() {
    let keeper = Memory::with_alice();
    let asked = ask(&keeper);
    let (sender, seen) = std::sync::mpsc::channel();
    keeper.before_each_put(move |world| {
        let mut held = world.hold(&alice(), SOON).unwrap().unwrap();
        let is_outstanding = held.mailbox(&alice()).unwrap().outstanding().is_some();
        let failures = held.read(&alice()).unwrap().unwrap().state.failures;
        sender.send((is_outstanding, failures)).unwrap();
    });
    try_at(&keeper, &code(&credential(), 1000), NOW);
    let input = reply(&asked.code, &asked.key);
    assert_eq!(try_at(&keeper, &input, NOW), Verdict::Mailed);
    let seen: Vec<_> = seen.try_iter().collect();
    // Before the presumed failure is written, before the code is used up, before the success is written.
    assert_eq!(seen, [(true, 0), (true, 1), (false, 1)]);
    assert_eq!(state_of(&keeper).failures, 0);
}

/// If the write that uses the code up fails, nobody is let in.
#[test]
fn a_code_that_cannot_be_used_up_lets_nobody_in() {
    let keeper = Memory::with_alice();
    let asked = ask(&keeper);
    let input = reply(&asked.code, &asked.key);
    // Another login uses it between the look and the write.
    let mut once = true;
    keeper.before_each_put(move |world| {
        if std::mem::take(&mut once) {
            let mut held = world.hold(&alice(), SOON).unwrap().unwrap();
            let mailbox = held.mailbox(&alice()).unwrap().used_up();
            held.put_mailbox(&alice(), &mailbox).unwrap();
        }
    });
    assert_eq!(try_at(&keeper, &input, NOW), Verdict::Rejected { left: 4 });
    assert!(keeper.overtaken() > 0);
}
