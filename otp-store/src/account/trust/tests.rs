use super::*;
use crate::attempt;
use crate::fixture::{
    Bench, NOW, Place as Records, SOON, alice, code, credential, enrol, over_every_keeper,
};
use crate::text::trust::LONGEST_SERVICE;
use otp_core::{Input, Policy};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

mod earlier;

over_every_keeper! {
    a_place_is_trusted_for_as_long_as_policy_says,
    another_place_is_not_trusted,
    only_the_latest_places_are_stored_and_they_fit_the_file,
}

const HOUR: Duration = Duration::from_secs(3600);

fn home() -> Place {
    Place::of("sshd", "192.0.2.1").unwrap()
}

fn trusted(records: &impl Bench, place: &Place, later: Duration) -> bool {
    let now = NOW.after(later);
    let since = trusted_since(&records.store(), &alice(), place, HOUR, now);
    since.unwrap().is_some()
}

fn trusting<B: Bench>() -> B {
    let records = B::with_alice();
    trust(&records.store(), &alice(), &home(), NOW).unwrap();
    records
}

fn try_code(records: &impl Bench, input: &Input) {
    let policy = Policy::default();
    attempt(&records.store(), &alice(), &policy, input, false, || {
        Ok(NOW)
    })
    .unwrap();
}

fn a_place_is_trusted_for_as_long_as_policy_says<B: Bench>() {
    let records = trusting::<B>();
    assert!(trusted(&records, &home(), Duration::ZERO));
    assert!(trusted(&records, &home(), Duration::from_secs(3599)));
    assert!(!trusted(&records, &home(), HOUR));
    let before = UnixTime::from_seconds(NOW.seconds() - 1);
    let store = records.store();
    for (remember, now) in [(HOUR, before), (Duration::ZERO, NOW)] {
        let since = trusted_since(&store, &alice(), &home(), remember, now);
        assert_eq!(since.unwrap(), None);
    }
}

fn another_place_is_not_trusted<B: Bench>() {
    let records = trusting::<B>();
    for (service, rhost) in [
        ("sshd", "192.0.2.2"),
        ("sudo", "192.0.2.1"),
        ("sshd", "::1"),
    ] {
        let other = Place::of(service, rhost).unwrap();
        assert!(!trusted(&records, &other, Duration::ZERO), "{other:?}");
    }
    let mapped = Place::of("sshd", "::ffff:192.0.2.1").unwrap();
    assert!(trusted(&records, &mapped, Duration::ZERO));
}

#[test]
fn a_place_needs_a_numeric_address_and_a_plain_service() {
    let long = "s".repeat(65);
    for (service, rhost) in [
        ("sshd", ""),
        ("sshd", "localhost"),
        ("sshd", "192.0.2.1:22"),
        ("", "192.0.2.1"),
        ("a\"b", "192.0.2.1"),
        ("a\nb", "192.0.2.1"),
        (&long, "192.0.2.1"),
    ] {
        assert_eq!(Place::of(service, rhost), None, "{service:?} {rhost:?}");
    }
}

fn only_the_latest_places_are_stored_and_they_fit_the_file<B: Bench>() {
    let records = B::with_alice();
    let service = "s".repeat(LONGEST_SERVICE);
    let place = |at| {
        Place::of(
            &service,
            &format!("2001:db8:aaaa:bbbb:cccc:dddd:eeee:{at:x}"),
        )
    };
    for at in 0..40_u64 {
        let when = UnixTime::from_seconds(NOW.seconds() + at);
        let place = place(0xf000 + at).unwrap();
        trust(&records.store(), &alice(), &place, when).unwrap();
    }
    let later = Duration::from_secs(40);
    let kept = (0..40).filter(|at| trusted(&records, &place(0xf000 + at).unwrap(), later));
    assert_eq!(kept.collect::<Vec<_>>(), (24..40).collect::<Vec<_>>());
}

#[test]
fn a_lock_a_new_authenticator_and_an_unlock_remove_trust() {
    let records: Records = trusting();
    for _ in 0..4 {
        try_code(&records, &Input::Other);
        assert!(trusted(&records, &home(), Duration::ZERO));
    }
    try_code(&records, &Input::Other);
    assert!(!trusted(&records, &home(), Duration::ZERO));
    assert!(!records.file("trust").exists());

    let records: Records = trusting();
    enrol(&records.store(), &credential());
    assert!(!trusted(&records, &home(), Duration::ZERO));

    let records: Records = trusting();
    let mut locked = records.store().hold(&alice(), SOON).unwrap().unwrap();
    locked.forget_trust().unwrap();
    locked.forget_trust().unwrap();
    drop(locked);
    assert!(!trusted(&records, &home(), Duration::ZERO));
}

#[test]
fn trust_that_a_lock_could_not_remove_does_not_count_and_goes_with_the_next_success() {
    let records: Records = trusting();
    let kept = fs::read(records.file("trust")).unwrap();
    for _ in 0..5 {
        try_code(&records, &Input::Other);
    }
    let policy = Policy::default();
    let later = Duration::from_secs(901);
    let now = NOW.after(later);
    let put_back = || {
        fs::write(records.file("trust"), &kept).unwrap();
        fs::set_permissions(records.file("trust"), fs::Permissions::from_mode(0o600)).unwrap();
    };
    put_back();
    assert!(
        !trusted(&records, &home(), later),
        "the lock has ended, and the trust still does not count"
    );
    let right = code(&credential(), 30);
    attempt(&records.store(), &alice(), &policy, &right, false, || {
        Ok(now)
    })
    .unwrap();
    assert!(!records.file("trust").exists());
}

#[test]
fn a_fault_of_the_trust_file_is_reported_and_the_next_good_code_rewrites_the_file() {
    let records = Records::with_alice();
    let file = records.file("trust");
    let refused = || {
        let found = trusted_since(&records.store(), &alice(), &home(), HOUR, NOW);
        assert!(found.is_err());
        fs::remove_file(records.file("trust")).ok();
    };
    let write = |text: &str, mode| {
        fs::write(&file, text).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
    };
    write("version = 1\n", 0o644);
    refused();
    write(&"x".repeat(5000), 0o600);
    refused();
    for text in [
        "",
        "version = 2\n",
        "version = 1\n[[place]]\nservice = \"sshd\"\naddress = \"localhost\"\nsince = 1\n",
        "version = 1\n[[place]]\nservice = \"sshd\"\naddress = \"::1\"\n",
        "version = 1\nplaces = 1\n",
    ] {
        write(text, 0o600);
        refused();
    }
    symlink("/etc/passwd", &file).unwrap();
    refused();
    write("garbage", 0o600);
    trust(&records.store(), &alice(), &home(), NOW).unwrap();
    assert!(trusted(&records, &home(), Duration::ZERO));
}

#[test]
fn a_user_without_a_record_is_not_trusted() {
    let records = Records::empty();
    trust(&records.store(), &alice(), &home(), NOW).unwrap();
    assert!(!trusted(&records, &home(), Duration::ZERO));
    assert!(!records.alice().exists());
}
