//! The effect of a service's section on logins to that service and to no other.

use super::*;
use std::time::Duration;

fn at(service: &'static str) -> Player {
    let mut host = Player::new("alice");
    host.service = service;
    host
}

fn asked_at(service: &'static str, code: &str) -> Player {
    at(service).asked(CODE, code)
}

#[test]
fn a_network_is_trusted_at_the_service_that_trusts_it_and_nowhere_else() {
    let machine = Machine::new();
    machine.policy("[service.sshd]\nnetworks = [\"192.0.2.0/24\"]\n");
    assert_eq!(machine.play(&mut at("sshd"), ""), Disposition::Ignore);
    assert_eq!(machine.manage(&mut at("sshd"), ""), Disposition::Success);
    for service in ["su", "sshd2", "ssh", ""] {
        let mut host = asked_at(service, "123456");
        assert_eq!(machine.play(&mut host, ""), Disposition::Refused);
    }
}

#[test]
fn an_empty_list_takes_the_general_trust_away_from_one_service() {
    let machine = Machine::new();
    machine.policy("[trust]\nnetworks = [\"192.0.2.0/24\"]\n[service.portal]\nnetworks = []\n");
    assert_eq!(machine.play(&mut at("sshd"), ""), Disposition::Ignore);
    let mut host = asked_at("portal", "123456");
    assert_eq!(machine.play(&mut host, ""), Disposition::Refused);
}

#[test]
fn a_code_is_remembered_as_long_as_the_service_says() {
    let mut machine = Machine::new();
    machine.policy("[trust]\nremember = \"8h\"\n[service.su]\nremember = \"0\"\n[service.imap]\nremember = \"60s\"\n");
    for service in ["sshd", "su", "imap"] {
        let code = machine.code();
        let mut host = asked_at(service, &code);
        assert_eq!(machine.play(&mut host, ""), Disposition::Success);
        machine.now = machine.now.after(Duration::from_secs(30));
    }
    // 90, 60 and 30 seconds ago.
    assert_eq!(machine.play(&mut at("sshd"), ""), Disposition::Ignore);
    assert_eq!(machine.play(&mut at("imap"), ""), Disposition::Ignore);
    let mut host = asked_at("su", "123456");
    assert_eq!(machine.play(&mut host, ""), Disposition::Refused);
    machine.now = machine.now.after(Duration::from_secs(30));
    let mut host = asked_at("imap", "123456");
    assert_eq!(machine.play(&mut host, ""), Disposition::Refused);
    assert_eq!(machine.play(&mut at("sshd"), ""), Disposition::Ignore);
    // The argument of the line comes before both.
    let mut host = at("imap");
    assert_eq!(
        machine.play(&mut host, "grace_period=600"),
        Disposition::Ignore
    );
}

#[test]
fn a_group_is_exempt_at_the_service_that_exempts_it_in_both_phases() {
    let machine = Machine::new();
    for (policy, exempt) in [
        (
            "[service.su]\nexempt_groups = [\"staff\"]\n",
            ["su"].as_slice(),
        ),
        (
            "[enforce]\nexempt_groups = [\"staff\"]\n[service.su]\nexempt_groups = []\n",
            &["sshd", ""],
        ),
        (
            "[enforce]\nexempt_groups = [\"other\"]\n[service.su]\nexempt_groups = [\"gone\"]\n",
            &[],
        ),
        (
            "[enforce]\nexempt_groups = [\"staff\"]\n[service.su]\nlanguage = \"ko\"\n",
            &["sshd", "su", ""],
        ),
    ] {
        machine.policy(policy);
        for service in ["sshd", "su", ""] {
            let bob = || {
                let mut host = Player::new("bob");
                (host.service, host.groups) = (service, vec!["staff"]);
                host
            };
            let (mut host, answers) = if exempt.contains(&service) {
                (bob(), [Disposition::Ignore, Disposition::Success])
            } else {
                (bob().asked(CODE, "123456"), [Disposition::Refused; 2])
            };
            let found = [machine.play(&mut host, ""), machine.manage(&mut bob(), "")];
            assert_eq!(found, answers, "{service} by {policy}");
        }
    }
}

#[test]
fn a_service_speaks_its_own_language_and_the_line_overrules_it() {
    let machine = Machine::new();
    machine.policy("[service.su]\nlanguage = \"ko\"\n");
    let korean = Message::CodePrompt.text(otp_core::record::Language::Korean);
    let korean: &'static str = korean.leak();
    for (service, arguments, question) in [
        ("su", "", korean),
        ("sshd", "", CODE),
        ("su", "lang=en", CODE),
        ("sshd", "lang=ko", korean),
    ] {
        let mut host = at(service).asked(question, "123456");
        assert_eq!(machine.play(&mut host, arguments), Disposition::Refused);
    }
}

#[test]
fn a_section_that_cannot_be_read_refuses_every_service() {
    let machine = Machine::new();
    for policy in [
        "[service.su]\nremember = 1\n",
        "[service.su]\nfailures = 100\n",
        "[service.SU]\n",
    ] {
        machine.policy(policy);
        for service in ["sshd", "su"] {
            for answer in [
                machine.play(&mut at(service), "nullok"),
                machine.manage(&mut at(service), "nullok"),
            ] {
                assert_eq!(answer, Disposition::Unavailable, "{service} by {policy}");
            }
        }
    }
}

/// Users of the portal have no shell: what a message says there names a page. The id in the log is the same.
#[test]
fn only_the_portal_speaks_of_pages_and_all_others_of_commands() {
    let machine = Machine::new();
    for (nth, (service, says, not)) in [
        ("otp-portal", "\"Replace with a new one\"", "otp-enroll"),
        ("sshd", "'otp-enroll'", "Replace with"),
        ("otp-portal2", "'otp-enroll'", "Replace with"),
    ]
    .into_iter()
    .enumerate()
    {
        let mut host = at(service).asked(CODE, &machine.recovery_code(nth));
        assert_eq!(machine.play(&mut host, ""), Disposition::Success);
        let told = host.told.concat().replace('\n', " ");
        assert!(told.contains(says) && !told.contains(not), "{told}");
        assert!(
            host.log[0].contains("message=\"recovery-used\""),
            "{:?}",
            host.log
        );
    }
}
