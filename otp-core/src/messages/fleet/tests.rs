use super::*;
use crate::every;
use crate::messages::in_all::{assert_ends_well, assert_same_in_every_language};

/// A reason that says in which language it was told.
fn reason() -> Wording {
    Wording::of(|language| language.tag().to_owned())
}

fn all() -> Vec<Unable> {
    every!(Unable {
        OfOneMachine => [Unable::OfOneMachine],
        OfUsersFiles => [Unable::OfUsersFiles],
        NoFleet => [Unable::NoFleet],
        NoProgram => [Unable::NoProgram { program: "otp-fleet", reason: reason() }],
        NoConfiguration => [Unable::NoConfiguration { path: "web1".to_owned(), reason: reason() }],
        UnusablePolicy => [Unable::UnusablePolicy { path: "web1".to_owned(), reason: reason() }],
        NoDatabase => [Unable::NoDatabase { reason: reason() }],
        NotBegun => [Unable::NotBegun],
        OpenToAll => [Unable::OpenToAll],
        BeingRestored => [Unable::BeingRestored],
        BeingRestoredFromAnother => [Unable::BeingRestoredFromAnother],
        NotAlone => [Unable::NotAlone { reason: reason() }],
        NoCommonName => [Unable::NoCommonName { member: "web1".to_owned() }],
        NoSeal => [Unable::NoSeal],
        NoSealingKey => [Unable::NoSealingKey { reason: reason() }],
        AnotherSealingKey => [Unable::AnotherSealingKey { file: "web1".to_owned() }],
        NotASealingKey => [Unable::NotASealingKey { path: "web1".to_owned() }],
        LeftOn => [Unable::LeftOn { reason: reason() }],
        OnVerifierOnly => [Unable::OnVerifierOnly],
        UnusableName => [Unable::UnusableName { name: "web1".to_owned() }],
        AnotherRole => [Unable::AnotherRole { name: "web1".to_owned() }],
        NoSuchName => [Unable::NoSuchName { name: "web1".to_owned() }],
        LastAdministrator => [Unable::LastAdministrator { name: "web1".to_owned() }],
        NotEmpty => [Unable::NotEmpty { accounts: 17 }],
        NotABackup => [Unable::NotABackup { path: "web1".to_owned() }],
        Newer => [Unable::Newer { path: "web1".to_owned() }],
        WrongKey => [Unable::WrongKey { path: "web1".to_owned() }],
        Damaged => [Unable::Damaged { path: "web1".to_owned() }],
        NotRead => [Unable::NotRead { path: "web1".to_owned(), reason: reason() }],
        NotWritten => [Unable::NotWritten { path: "web1".to_owned(), reason: reason() }],
        NotPrinted => [Unable::NotPrinted { reason: reason() }],
        UnusableKey => [Unable::UnusableKey { path: "web1".to_owned(), reason: reason() }],
        NoPassphrase => [Unable::NoPassphrase],
        PassphrasesDiffer => [Unable::PassphrasesDiffer],
        ShortPassphrase => [Unable::ShortPassphrase { least: 12 }],
        ClockBehind => [
            Unable::ClockBehind { seconds: 17, recorded: Recorded::Verifiers },
            Unable::ClockBehind { seconds: 17, recorded: Recorded::Account("alice".to_owned()) },
            Unable::ClockBehind { seconds: 17, recorded: Recorded::Backup },
            Unable::ClockBehind { seconds: 17, recorded: Recorded::Begun },
        ],
        NothingToConfirm => [Unable::NothingToConfirm],
        NoVerifier => [Unable::NoVerifier { reason: reason() }],
        SessionBroken => [Unable::SessionBroken { reason: reason() }],
        ChangedMeanwhile => [Unable::ChangedMeanwhile],
    })
}

#[test]
fn every_failure_has_a_text_and_a_hint_in_every_language() {
    for unable in all() {
        assert_same_in_every_language(|language| unable.text(language));
        assert_same_in_every_language(|language| unable.hint(language));
        for language in Language::ALL {
            let (text, hint) = (unable.text(language), unable.hint(language));
            for said in [&text, &hint] {
                assert!(!said.is_empty());
                assert_ends_well(language, said);
            }
        }
    }
}

#[test]
fn every_failure_has_an_exit_status_of_1_or_2() {
    for unable in all() {
        assert!(matches!(unable.status(), 1 | 2), "{unable:?}");
    }
}

#[test]
fn every_reason_is_told_in_the_language_of_its_sentence() {
    let mut with_a_reason = 0;
    for unable in all() {
        let tags = Language::ALL.map(|language| {
            let text = unable.text(language);
            let tag = text.rsplit_once(": ").map(|(_, tag)| tag.to_owned());
            tag.filter(|tag| Language::ALL.iter().any(|one| one.tag() == tag))
        });
        if let [Some(english), Some(korean)] = tags {
            assert_eq!((&*english, &*korean), ("en", "ko"), "{unable:?}");
            with_a_reason += 1;
        }
    }
    assert_eq!(with_a_reason, 13);
}
