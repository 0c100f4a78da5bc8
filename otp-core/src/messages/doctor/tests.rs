use super::*;
use crate::every;
use crate::messages::in_all::{assert_ends_well, assert_same_in_every_language};

pub(crate) fn all() -> Vec<Finding> {
    let text = |text: &str| text.to_owned();
    every!(Finding {
        WayIn => [Finding::WayIn { line: text("/etc/pam.d/sshd:7"), module: text("x"), answer: text("x") }],
        RefusalUndone => [Finding::RefusalUndone { line: text("/etc/pam.d/sshd:7") }],
        NeverChecked => [Finding::NeverChecked { line: text("/etc/pam.d/sshd:7") }],
        CodeAlone => [Finding::CodeAlone { line: text("/etc/pam.d/sshd:7") }],
        NothingAsked => [Finding::NothingAsked { line: text("/etc/pam.d/sshd:7") }],
        RefusesEverybody => [Finding::RefusesEverybody],
        ModuleMissing => [Finding::ModuleMissing { line: text("/etc/pam.d/sshd:7"), module: text("x") }],
        FileMissing => [Finding::FileMissing { line: text("/etc/pam.d/sshd:7"), file: text("x") }],
        BadArgument => [Finding::BadArgument { line: text("/etc/pam.d/sshd:7"), argument: text("x") }],
        ArgumentNamesNothing => [Finding::ArgumentNamesNothing { line: text("/etc/pam.d/sshd:7"), path: text("x") }],
        LocksAbove => [Finding::LocksAbove { line: text("/etc/pam.d/sshd:7"), below: text("x") }],
        CodeFirst => [Finding::CodeFirst { line: text("/etc/pam.d/sshd:7") }],
        LocksAfterSubstack => [Finding::LocksAfterSubstack { line: text("/etc/pam.d/sshd:7"), substack: text("x") }],
        LocksAfterRefusal => [Finding::LocksAfterRefusal { line: text("/etc/pam.d/sshd:7"), above: text("x"), module: text("x") }],
        CountedTwice => [Finding::CountedTwice { line: text("/etc/pam.d/sshd:7") }],
        TwoCodes => [Finding::TwoCodes { line: text("/etc/pam.d/sshd:7"), second: text("x") }],
        ProfileAndLine => [Finding::ProfileAndLine { line: text("/etc/pam.d/sshd:7"), profile: text("x") }],
        NeedsSplit => [Finding::NeedsSplit { line: text("/etc/pam.d/sshd:7"), program: text("x") }],
        AskedAgain => [Finding::AskedAgain { line: text("/etc/pam.d/sshd:7"), module: text("x") }],
        NullokOverrules => [Finding::NullokOverrules { line: text("/etc/pam.d/sshd:7") }],
        NullokLeft => [Finding::NullokLeft { line: text("/etc/pam.d/sshd:7") }],
        Nullok => [Finding::Nullok { line: text("/etc/pam.d/sshd:7") }],
        NotProtected => [Finding::NotProtected],
        NoSuchService => [Finding::NoSuchService],
        Shadowed => [Finding::Shadowed { file: text("x"), by: text("x") }],
        InVendorFile => [Finding::InVendorFile { line: text("/etc/pam.d/sshd:7") }],
        InPamConf => [Finding::InPamConf { line: text("/etc/pam.d/sshd:7") }],
        SiblingOpen => [Finding::SiblingOpen { sibling: text("x") }],
        PolkitOpen => [Finding::PolkitOpen],
        AccountWithoutAuth => [Finding::AccountWithoutAuth],
        AccountLedAround => [Finding::AccountLedAround { line: text("/etc/pam.d/sshd:7") }],
        AccountForgetsNullok => [Finding::AccountForgetsNullok { line: text("/etc/pam.d/sshd:7") }],
        AccountOfJobs => [Finding::AccountOfJobs { line: text("/etc/pam.d/sshd:7") }],
        LineForChanges => [Finding::LineForChanges { line: text("/etc/pam.d/sshd:7") }],
        SessionLine => [Finding::SessionLine { line: text("/etc/pam.d/sshd:7") }],
        EnrolNoAccountLine => [Finding::EnrolNoAccountLine],
        EnrolUnproven => [Finding::EnrolUnproven],
        EnrolNotHere => [Finding::EnrolNotHere],
        LoginTimeout => [Finding::LoginTimeout { seconds: 60 }],
        LoginGraceTime => [Finding::LoginGraceTime { seconds: 60, within: text("Match user alice") }, Finding::LoginGraceTime { seconds: 60, within: text("") }],
        UntrustedCaller => [Finding::UntrustedCaller { account: text("x") }],
        HelperUnusable => [Finding::HelperUnusable { path: text("x") }],
        SshdNoPam => [Finding::SshdNoPam { within: text("Match user alice") }, Finding::SshdNoPam { within: text("") }],
        SshdPassword => [Finding::SshdPassword { within: text("Match user alice") }, Finding::SshdPassword { within: text("") }],
        SshdNoDialogue => [Finding::SshdNoDialogue { within: text("Match user alice") }, Finding::SshdNoDialogue { within: text("") }],
        SshdMethods => [Finding::SshdMethods { within: text("Match user alice"), methods: text("x") }, Finding::SshdMethods { within: text(""), methods: text("x") }],
        SshdKeyAlone => [Finding::SshdKeyAlone { within: text("Match user alice"), has_account_line: false }, Finding::SshdKeyAlone { within: text(""), has_account_line: true }],
        PolicyUnusable => [Finding::PolicyUnusable { reason: text("x").into() }],
        GroupUnknown => [Finding::GroupUnknown { group: text("x") }],
        ExemptGroupUnknown => [Finding::ExemptGroupUnknown { group: text("x") }],
        GroupsEmpty => [Finding::GroupsEmpty { groups: text("x") }],
        ExemptUserUnknown => [Finding::ExemptUserUnknown { user: text("x") }],
        CallerUnknown => [Finding::CallerUnknown { user: text("x") }],
        TrustsLoopback => [Finding::TrustsLoopback { network: text("x") }],
        TrustsEverybody => [Finding::TrustsEverybody { network: text("x") }],
        ClockAdrift => [Finding::ClockAdrift],
        RecordsMissing => [Finding::RecordsMissing { path: text("x") }],
        RecordsGone => [Finding::RecordsGone { path: text("x") }],
        RecordOwner => [Finding::RecordOwner { path: text("x") }],
        RecordMode => [Finding::RecordMode { path: text("x"), mode: 0o660, allowed: 0o660 }],
        StateMissing => [Finding::StateMissing { user: text("x") }],
        RecordLabel => [Finding::RecordLabel { path: text("x"), label: text("x") }],
        AppArmorRules => [Finding::AppArmorRules { profile: text("x") }],
        NobodyBecomesRoot => [Finding::NobodyBecomesRoot],
    })
}

#[test]
fn every_finding_exists_in_every_language_with_the_same_figures() {
    for finding in all() {
        assert_same_in_every_language(|language| {
            let said = finding.text(language);
            // The keyword of sshd has no other words.
            said.replace("PasswordAuthentication", "Keyword")
        });
    }
}

#[test]
fn every_finding_says_what_to_do() {
    for finding in all() {
        let said = finding.text(Language::English);
        assert!(said.contains("; "), "{said}");
        assert_ends_well(Language::English, &said);
        let said = finding.text(Language::Korean);
        assert!(said.contains("세요"), "{said}");
        assert_ends_well(Language::Korean, &said);
    }
}

#[test]
fn a_finding_about_some_connections_names_them() {
    let said = |within: &str, language| {
        let within = within.to_owned();
        Finding::SshdNoPam { within }.text(language)
    };
    for (language, named) in [
        (Language::English, " for \"Match User a\""),
        (Language::Korean, "\"Match User a\" 조건에서 "),
    ] {
        let everywhere = said("", language);
        let there = said("Match User a", language);
        assert!(there.contains(named), "{there}");
        assert_eq!(there.replace(named, ""), everywhere);
    }
}

#[test]
fn a_weight_has_the_word_of_the_manual() {
    assert_eq!(Weight::Problem.word(), "problem");
    assert_eq!(Weight::Note.word(), "note");
}

#[test]
fn each_finding_has_an_id_of_its_own() {
    let mut ids: Vec<_> = all().iter().map(Finding::id).collect();
    ids.dedup();
    assert_eq!(ids, Finding::IDS);
    let plain = |c: char| c.is_ascii_lowercase() || c == '-';
    assert!(ids.iter().all(|id| id.chars().all(plain)), "{ids:?}");
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), Finding::KINDS);
}

#[test]
fn every_summary_exists_in_every_language_with_the_same_figures() {
    let text = |text: &str| text.to_owned();
    let all = every!(Summary {
        NoLines => [Summary::NoLines],
        Sound => [Summary::Sound { services: text("sshd") }],
        Found => [1, 3].map(|problems| Summary::Found { services: text("sshd"), problems }),
        Unprotected => [Summary::Unprotected { services: text("cron") }],
        Unexamined => [Summary::Unexamined { what: text("sshd -T"), reason: text("x").into() }],
    });
    for summary in all {
        assert_same_in_every_language(|language| summary.text(language));
        for language in Language::ALL {
            assert_ends_well(language, &summary.text(language));
        }
    }
}
