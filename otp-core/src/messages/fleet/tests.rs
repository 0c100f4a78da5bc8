use super::*;
use crate::every;
use crate::messages::in_all::{assert_ends_well, assert_same_in_every_language};
use crate::messages::reason::Unfit;

fn all() -> Vec<Unable> {
    every!(Unable {
        OfOneMachine => [Unable::OfOneMachine],
        OfUsersFiles => [Unable::OfUsersFiles],
        NoFleet => [Unable::NoFleet],
        NoProgram => [Unable::NoProgram { program: "otp-fleet", reason: "web1".to_owned().into() }],
        NoConfiguration => [Unable::NoConfiguration { path: "web1".to_owned(), reason: "web1".to_owned() }],
        UnusablePolicy => [Unable::UnusablePolicy { path: "web1".to_owned(), reason: "web1".to_owned() }],
        NoDatabase => [Unable::NoDatabase { reason: "web1".to_owned() }],
        NotBegun => [Unable::NotBegun],
        OpenToAll => [Unable::OpenToAll],
        BeingRestored => [Unable::BeingRestored],
        BeingRestoredFromAnother => [Unable::BeingRestoredFromAnother],
        NotAlone => [Unable::NotAlone { reason: "web1".to_owned() }],
        NoCommonName => [Unable::NoCommonName { member: "web1".to_owned() }],
        NoSeal => [Unable::NoSeal],
        NoSealingKey => [Unable::NoSealingKey { reason: "web1".to_owned() }],
        AnotherSealingKey => [Unable::AnotherSealingKey { file: "web1".to_owned() }],
        NotASealingKey => [Unable::NotASealingKey { path: "web1".to_owned() }],
        LeftOn => [Unable::LeftOn { reason: "web1".to_owned() }],
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
        NotRead => [Unable::NotRead { path: "web1".to_owned(), reason: "web1".to_owned() }],
        NotWritten => [Unable::NotWritten { path: "web1".to_owned(), reason: "web1".to_owned() }],
        UnusableKey => [Unable::UnusableKey { path: "web1".to_owned(), reason: "web1".to_owned() }],
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
        NoVerifier => [Unable::NoVerifier { reason: "web1".to_owned() }],
        SessionBroken => [Unable::SessionBroken { reason: "web1".to_owned() }],
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
fn a_program_that_cannot_be_run_is_told_with_the_reason_in_each_language() {
    let unable = Unable::NoProgram {
        program: "otp-fleet",
        reason: Unfit::Empty.into(),
    };
    for language in Language::ALL {
        let text = unable.text(language);
        let reason = Unfit::Empty.text(language);
        assert!(text.ends_with(&format!(": {reason}")), "{text}");
    }
}
