use super::*;
use crate::every;
use crate::messages::in_all::{assert_ends_well, assert_same_in_every_language};

#[test]
fn every_report_of_a_fleet_command_says_the_same_in_every_language() {
    let all: Vec<Told<'_>> = every!(Told {
        Begun => [Told::Begun { fleet: "web1" }],
        WasBegun => [Told::WasBegun { fleet: "web1" }],
        UserMade => [Told::UserMade { name: "web1" }],
        AuthIsOn => [Told::AuthIsOn],
        KeyMade => [Told::KeyMade { key: "k1", file: "web1" }],
        CarryKey => [Told::CarryKey],
        KeyElsewhere => [Told::KeyElsewhere { file: "web1" }],
        NotSealed => [Told::NotSealed],
        KeyCarried => [Told::KeyCarried { path: "web1", key: "k1" }],
        KeyTaken => [Told::KeyTaken { key: "k1", file: "web1" }],
        Compaction => [Told::Compaction],
        Next => [Told::Next],
        MachineAdded => [Told::MachineAdded { name: "web1" }],
        AdministratorAdded => [Told::AdministratorAdded { name: "web1" }],
        Revoked => [Told::Revoked { name: "web1" }],
        WasRevoked => [Told::WasRevoked { name: "web1" }],
        BackedUp => [Told::BackedUp { path: "web1", accounts: 17 }],
        Continues => [Told::Continues],
        Restored => [Told::Restored { accounts: 17 }],
        NotBefore => [Told::NotBefore { when: "web1" }],
        RevokeAgain => [Told::RevokeAgain { when: "web1" }],
        ConfirmOthers => [Told::ConfirmOthers],
        Confirmed => [Told::Confirmed { accounts: 17 }],
        Fleet => [Told::Fleet],
        Accounts => [Told::Accounts],
        Database => [Told::Database],
        Revisions => [Told::Revisions],
        Members => [Told::Members],
        Verifiers => [Told::Verifiers],
        Machines => [Told::Machines],
        Leads => [Told::Leads],
        NoAnswer => [Told::NoAnswer],
        Serves => [Told::Serves],
        Clock => [Told::Clock { seconds: -31 }],
        ClockUnknown => [Told::ClockUnknown],
        Nothing => [Told::Nothing],
        NobodyRegistered => [Told::NobodyRegistered],
        Since => [Told::Since { when: "web1" }],
        RevokedSince => [Told::RevokedSince { when: "web1" }],
        Everybody => [Told::Everybody],
    });
    for told in all {
        assert_same_in_every_language(|language| told.text(language));
        for language in Language::ALL {
            assert_ends_well(language, &told.text(language));
        }
    }
}

#[test]
fn every_problem_of_a_fleet_has_a_word_and_a_text_in_every_language() {
    let reason = &Wording::from("web1".to_owned());
    let all: Vec<Wrong<'_>> = every!(Wrong {
        NoFleet => [Wrong::NoFleet],
        BeingRestored => [Wrong::BeingRestored],
        NoLeader => [Wrong::NoLeader],
        MemberDown => [Wrong::MemberDown { member: "web1", reason }],
        MemberAlone => [Wrong::MemberAlone { count: 17 }],
        Alarm => [Wrong::Alarm { member: "web1", alarm: "web1" }],
        NearQuota => [Wrong::NearQuota { percent: 17, quota: "web1" }],
        NoCompaction => [Wrong::NoCompaction { revisions: 17 }],
        Lags => [Wrong::Lags { member: "web1", entries: 17 }],
        NoVerifier => [Wrong::NoVerifier],
        Refuses => [Wrong::Refuses { name: "web1", reason: "web1" }],
        HeldBack => [Wrong::HeldBack { machine: "web1", name: "web1" }],
        ClockOff => [Wrong::ClockOff { name: "web1", seconds: -31 }],
        PolicyDiffers => [Wrong::PolicyDiffers { name: "web1" }],
        ReleasesDiffer => [Wrong::ReleasesDiffer { releases: "web1" }],
        CertificateEnds => [Wrong::CertificateEnds { path: "web1", when: "web1" }],
        Unreadable => [Wrong::Unreadable { key: "web1" }],
    });
    assert_eq!(all.iter().map(Wrong::id).collect::<Vec<_>>(), Wrong::IDS);
    for wrong in all {
        assert_same_in_every_language(|language| wrong.text(language));
        for language in Language::ALL {
            assert_ends_well(language, &wrong.text(language));
        }
    }
}

#[test]
fn a_member_that_is_down_is_reported_with_the_reason_in_the_same_language() {
    let reason = &Wording::of(|language| language.tag().to_owned());
    let wrong = Wrong::MemberDown {
        member: "m1",
        reason,
    };
    assert!(wrong.text(Language::English).ends_with(": en"));
    assert!(wrong.text(Language::Korean).ends_with("(ko)."));
}
