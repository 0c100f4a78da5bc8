//! Codes by mail, from the word at the prompt to the answer.

use super::*;
use crate::player::Mailbox;
use otp_store::account::unlock;

const BY_MAIL: &str = "Code from the email: ";
const POLICY: &str = "[recovery]\nemail = true\n[mail]\naddress = \"{user}@example.org\"\n";

fn machine() -> Machine {
    let machine = Machine::new();
    machine.policy(POLICY);
    machine
}

/// Types what the last mail says, or what `otherwise` makes of it.
fn from_the_mail(host: Player, otherwise: impl FnOnce(String) -> String + 'static) -> Player {
    let mailbox: Mailbox = host.mailbox.clone();
    host.asked_with(
        BY_MAIL,
        Box::new(move |_| {
            let mails = mailbox.borrow();
            let code = mails.last().expect("a mail").code.to_string();
            Some(bytes(&otherwise(code)))
        }),
    )
}

fn asks_for_mail(user: &str) -> Player {
    Player::new(user).asked(CODE, "email")
}

#[test]
fn the_word_email_mails_a_code_that_lets_the_user_in() {
    let machine = machine();
    for word in ["email", "EMAIL", "Email"] {
        let host = Player::new("alice").asked(CODE, word);
        let mut host = from_the_mail(host, |code| code);
        assert_eq!(machine.play(&mut host, ""), Disposition::Success);
        let mails = host.mailbox.borrow();
        let [mail] = mails.as_slice() else {
            panic!("one mail")
        };
        assert_eq!((mail.user.as_str(), mail.idle), ("alice", false));
        assert_eq!(
            (mail.service.as_str(), mail.rhost.as_str()),
            ("sshd", "192.0.2.1")
        );
        assert!(host.told[0].contains("a***@example.org"), "{:?}", host.told);
        assert!(host.told[1].starts_with("You were let in by a code from an email."));
    }
    assert_eq!(machine.failures(), 0);
}

#[test]
fn the_log_shows_the_mail_and_its_use_but_no_code() {
    let machine = machine();
    let mut host = from_the_mail(asks_for_mail("alice"), |code| code);
    machine.play(&mut host, "");
    let origin = "user=\"alice\" service=\"sshd\" rhost=\"192.0.2.1\"";
    assert_eq!(
        host.log,
        [
            format!("otp.mail {origin} count=\"1\""),
            format!("otp.mailed {origin} message=\"mailed-used\""),
        ]
    );
}

#[test]
fn a_wrong_mailed_code_is_a_failure_and_the_word_email_is_none() {
    let machine = machine();
    for failures in 1..=4 {
        let mut host = from_the_mail(asks_for_mail("alice"), |code| {
            let first = if code.starts_with('0') { "1" } else { "0" };
            format!("{first}{}", &code[1..])
        });
        assert_eq!(machine.play(&mut host, ""), Disposition::Refused);
        assert_eq!(host.event(), "otp.reject");
        assert_eq!(machine.failures(), failures);
    }
}

#[test]
fn a_code_and_a_recovery_code_are_accepted_after_the_word_email_too() {
    let machine = machine();
    for (code, event) in [
        (machine.code(), "otp.accept"),
        (machine.recovery_code(0), "otp.recovery"),
    ] {
        let mut host = asks_for_mail("alice").asked(BY_MAIL, &code);
        assert_eq!(machine.play(&mut host, ""), Disposition::Success);
        assert_eq!(host.event(), event);
    }
}

#[test]
fn a_mailed_code_works_once_and_only_in_its_login() {
    let machine = machine();
    let mut first = from_the_mail(asks_for_mail("alice"), |code| code);
    assert_eq!(machine.play(&mut first, ""), Disposition::Success);
    let used = first.mailbox.borrow()[0].code.to_string();
    // The same code again, at the first prompt, and in a login that has asked for another.
    let mut again = Player::new("alice").asked(CODE, &used);
    assert_eq!(machine.play(&mut again, ""), Disposition::Refused);
    let mut other = asks_for_mail("alice").asked(BY_MAIL, &used);
    assert_eq!(machine.play(&mut other, ""), Disposition::Refused);
    let unused = other.mailbox.borrow()[0].code.to_string();
    let mut third = Player::new("alice").asked(CODE, &unused);
    assert_eq!(machine.play(&mut third, ""), Disposition::Refused);
}

#[test]
fn a_mailed_code_is_too_old_after_ten_minutes() {
    let machine = machine();
    for (takes, answer) in [(599, Disposition::Success), (600, Disposition::Refused)] {
        let host = Player::new("alice");
        let mailbox = host.mailbox.clone();
        let mut host = host.asked(CODE, "email").asked_with(
            BY_MAIL,
            Box::new(move |_| Some(bytes(&mailbox.borrow()[0].code))),
        );
        // The first question takes equally long, before the mail is sent.
        host.question_takes = Duration::from_secs(takes);
        assert_eq!(machine.play(&mut host, ""), answer, "{takes}");
    }
}

#[test]
fn five_codes_are_mailed_in_a_day_and_the_sixth_login_sees_the_same() {
    let machine = machine();
    let mut told = Vec::new();
    for sent in 1..=6 {
        let mut host = asks_for_mail("alice").asked(BY_MAIL, &machine.code_after(1));
        host.now = machine.now;
        let _ = machine.play(&mut host, "");
        let idle = host.mailbox.borrow()[0].idle;
        assert_eq!(idle, sent == 6, "{sent}");
        told.push(host.told[0].clone());
        if sent == 6 {
            let line = "otp.mail user=\"alice\" service=\"sshd\" rhost=\"192.0.2.1\" reason=\"not sent: the limit \
                        for one day is reached\" until=\"2025-11-21 12:00:00 UTC\"";
            assert_eq!(host.log[0], line);
        }
        unlock(&machine.store(), &account_of("alice").unwrap(), || {
            Ok(machine.now)
        })
        .unwrap();
    }
    told.dedup();
    assert_eq!(told.len(), 1);
}

#[test]
fn unknown_and_unenrolled_users_see_the_same_and_wait_as_long() {
    let machine = machine();
    let mut told = Vec::new();
    for user in ["alice", "bob", "mallory"] {
        let mut host = asks_for_mail(user).asked(BY_MAIL, "12345678");
        assert_eq!(machine.play(&mut host, ""), Disposition::Refused, "{user}");
        // A mail with a code is handed over for each, and sent to only one of them.
        let mails = host.mailbox.borrow();
        assert_eq!((mails.len(), mails[0].idle), (1, user != "alice"), "{user}");
        assert_eq!(mails[0].code.len(), 8);
        // To store that a mail is sent takes time that others do not need: everybody waits equally long.
        assert_eq!(host.rested, [(crate::mailing::WAIT, 1, 0)], "{user}");
        let initial = format!("{}***@", &user[..1]);
        assert!(host.told[0].contains(&initial));
        told.push(host.told.join("\n").replace(&initial, ""));
    }
    told.dedup();
    assert_eq!(told.len(), 1, "{told:?}");
}

/// For accounts that it refuses, sshd replaces what is typed by as many other characters. So a person without a code
/// must not see a difference between replies of the same length.
#[test]
fn a_reply_as_long_as_the_word_email_is_answered_like_it_and_is_no_guess() {
    let machine = machine();
    let substitute = "\u{8}\n\r\u{7f}INCORRECT";
    let mut told = Vec::new();
    for (user, password, reply) in [
        ("alice", "hunter2", "email"),
        ("alice", "hunter2", "12345"),
        ("alice", "email", "email"),
        ("alice", "hello", "hello"),
        ("mallory", &substitute[..7], &substitute[..5]),
        ("mallory", &substitute[..5], &substitute[..5]),
    ] {
        let mut host = Player::new(user)
            .with_password(password)
            .asked(CODE, reply)
            .asked(BY_MAIL, "000000");
        assert_eq!(machine.play(&mut host, ""), Disposition::Refused);
        let mails = host.mailbox.borrow();
        let is_sent = reply == "email" && password != reply;
        assert_eq!(
            (mails.len(), mails[0].idle),
            (1, !is_sent),
            "{user} {reply:?}"
        );
        told.push(
            host.told
                .join("\n")
                .replace(&format!("{}***", &user[..1]), ""),
        );
    }
    told.dedup();
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(machine.failures(), 4, "each second reply, and no first one");
    let mut host = Player::new("alice")
        .asked(CODE, "12345")
        .asked(BY_MAIL, &machine.code());
    assert_eq!(machine.play(&mut host, ""), Disposition::Success);
}

#[test]
fn an_address_given_by_a_command_is_never_shown() {
    let machine = Machine::new();
    machine.policy("[recovery]\nemail = true\n[mail]\naddress = \"/usr/local/bin/address\"\n");
    let mut host = asks_for_mail("alice").asked(BY_MAIL, "");
    assert_eq!(machine.play(&mut host, ""), Disposition::Refused);
    assert!(!host.told[0].contains('@'), "{:?}", host.told);
}

#[test]
fn no_code_is_mailed_during_a_lock_and_a_mailed_one_opens_no_lock() {
    let machine = machine();
    let lock = |machine: &Machine| {
        for _ in 0..5 {
            let mut host = Player::new("alice").asked(CODE, "000000");
            machine.play(&mut host, "");
        }
    };
    lock(&machine);
    let mut host = asks_for_mail("alice");
    assert_eq!(machine.play(&mut host, ""), Disposition::Locked);
    assert!(host.mailbox.borrow().is_empty());
    assert_eq!(host.event(), "otp.locked");
    // The account is locked while the mail is on its way.
    let machine = super::mailing::machine();
    let root = machine.directory.path().to_owned();
    let host = asks_for_mail("alice");
    let mailbox = host.mailbox.clone();
    let store = machine.store();
    let mut host = host.asked_with(
        BY_MAIL,
        Box::new(move |_| {
            let policy = otp_core::Policy::default();
            for _ in 0..5 {
                let alice = account_of("alice").unwrap();
                let wrong = otp_core::Input::parse(b"000000");
                let judged = otp_store::attempt(&store, &alice, &policy, &wrong, false, || {
                    Ok(crate::player::NOON)
                });
                drop(judged.unwrap());
            }
            drop(root);
            Some(bytes(&mailbox.borrow()[0].code))
        }),
    );
    assert_eq!(machine.play(&mut host, ""), Disposition::Locked);
}

#[test]
fn the_word_email_is_a_wrong_code_if_policy_forbids_mailed_codes() {
    let machine = Machine::new();
    for policy in [
        "",
        "[recovery]\nemail = true\n",
        "[mail]\naddress = \"{user}@example.org\"\n",
    ] {
        machine.policy(policy);
        let before = machine.failures();
        let mut host = asks_for_mail("alice");
        assert_eq!(machine.play(&mut host, ""), Disposition::Refused);
        assert_eq!(machine.failures(), before + 1);
        assert!(host.mailbox.borrow().is_empty());
        // Eight digits alone are never a mailed code.
    }
}

#[test]
fn a_mailed_code_is_not_offered_where_a_program_asks_once() {
    let machine = machine();
    let mut host = Player::new("alice").with_password("email");
    assert_eq!(
        machine.play(&mut host, "use_first_pass"),
        Disposition::Refused
    );
    assert!(host.mailbox.borrow().is_empty());
    let mut host = Player::new("alice").asked(BOTH, "email");
    assert_eq!(
        machine.play(&mut host, "forward_pass"),
        Disposition::Refused
    );
    assert!(host.mailbox.borrow().is_empty());
    // A program that answers every question with the password, which happens to be the word.
    let mut host = asks_for_mail("alice")
        .with_password("email")
        .asked(BY_MAIL, "email");
    assert_eq!(machine.play(&mut host, ""), Disposition::Refused);
    assert!(host.mailbox.borrow()[0].idle);
    assert_eq!(machine.failures(), 0, "it is no guess");
}

#[test]
fn the_login_goes_on_and_its_user_is_told_if_the_mail_cannot_be_handed_over() {
    let machine = machine();
    for user in ["alice", "mallory"] {
        let mut host = asks_for_mail(user).asked(BY_MAIL, &machine.code());
        host.mail_is_down = true;
        let answer = machine.play(&mut host, "");
        assert_eq!(answer == Disposition::Success, user == "alice");
        assert!(host.told[0].starts_with("No email could be sent."));
        assert!(
            host.log[1].starts_with("otp.mail ")
                && host.log[1].contains("otp-mail did not take the message")
        );
    }
}

#[test]
fn no_code_is_mailed_if_it_cannot_be_stored_and_the_authenticator_still_works() {
    let machine = machine();
    let file = machine.directory.path().join("state/alice/mail");
    fs::write(&file, "damaged").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let mut host = asks_for_mail("alice").asked(BY_MAIL, &machine.code());
    assert_eq!(machine.play(&mut host, ""), Disposition::Success);
    assert!(host.mailbox.borrow().is_empty());
    assert!(host.told[0].starts_with("No email could be sent."));
    assert!(host.log[0].starts_with("otp.mail ") && host.log[0].contains("reason=\"not sent: "));
}

#[test]
fn no_mail_is_sent_if_the_user_name_changes_during_the_question() {
    let machine = machine();
    let mut host = asks_for_mail("alice");
    host.user_after_question = Some("bob".to_owned());
    assert_eq!(machine.play(&mut host, ""), Disposition::Unavailable);
    assert!(host.mailbox.borrow().is_empty());
}

#[test]
fn the_question_is_asked_even_if_no_message_may_be_shown() {
    let machine = machine();
    let mut host = from_the_mail(asks_for_mail("alice"), |code| code);
    assert_eq!(machine.play_silently(&mut host, ""), Disposition::Success);
    assert!(host.told.is_empty());
}

#[test]
fn a_login_by_a_mailed_code_is_not_remembered() {
    let machine = Machine::new();
    machine.policy(&format!("{POLICY}[trust]\nremember = \"8h\"\n"));
    let mut host = from_the_mail(asks_for_mail("alice"), |code| code);
    assert_eq!(machine.play(&mut host, ""), Disposition::Success);
    let mut next = Player::new("alice").asked(CODE, &machine.code());
    assert_eq!(machine.play(&mut next, ""), Disposition::Success);
}

#[test]
fn verify_email_has_codes_mailed_only_to_confirmed_addresses() {
    let machine = Machine::new();
    machine.policy(&format!("{POLICY}[enroll]\nverify_email = true\n"));
    let mut host = asks_for_mail("alice").asked(BY_MAIL, "12345678");
    assert_eq!(machine.play(&mut host, ""), Disposition::Refused);
    assert!(host.mailbox.borrow()[0].idle);
    assert!(host.log[0].contains("the user has confirmed no address"));
}
