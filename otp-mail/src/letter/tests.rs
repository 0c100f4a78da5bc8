use super::*;
use otp_core::record::Language;
use zeroize::Zeroizing;

fn outgoing(language: Language, purpose: Purpose) -> Outgoing {
    Outgoing {
        purpose,
        conf: "/etc/security/pam_otp.conf".into(),
        language,
        user: "alice".to_owned(),
        code: Zeroizing::new("01234567".to_owned()),
        only_to: None,
        service: "sshd".to_owned(),
        rhost: "192.0.2.1".to_owned(),
        machine: "web1.example.org".to_owned(),
        idle: false,
    }
}

fn address(text: &str) -> Address {
    Address::parse(text).unwrap()
}

fn composed(outgoing: &Outgoing) -> String {
    let mail = compose(
        outgoing,
        &address("otp@example.org"),
        &address("alice@example.org"),
    );
    String::from_utf8(mail.unwrap().formatted()).unwrap()
}

#[test]
fn a_mail_is_plain_ascii_in_lines_short_enough_for_every_server() {
    for language in Language::ALL {
        for purpose in Purpose::ALL {
            let mail = composed(&outgoing(language, purpose));
            assert!(mail.is_ascii());
            for line in mail.split("\r\n") {
                assert!(line.len() <= 78, "{line}");
                assert!(!line.contains(['\r', '\n']));
            }
        }
    }
}

#[test]
fn the_head_names_sender_recipient_time_and_subject_and_marks_the_mail_as_automatic() {
    let mail = composed(&outgoing(Language::English, Purpose::Login));
    let (head, _) = mail.split_once("\r\n\r\n").unwrap();
    for line in [
        "From: otp@example.org",
        "To: alice@example.org",
        "Subject: Your code for logging in to web1.example.org",
        "Auto-Submitted: auto-generated",
        "Content-Type: text/plain; charset=utf-8",
        "MIME-Version: 1.0",
    ] {
        assert!(head.lines().any(|one| one == line), "{line}: {head}");
    }
    for name in ["Date: ", "Message-ID: <"] {
        assert_eq!(
            head.lines().filter(|line| line.starts_with(name)).count(),
            1
        );
    }
    let again = composed(&outgoing(Language::English, Purpose::Login));
    let id = |mail: &str| {
        mail.lines()
            .find(|line| line.starts_with("Message-ID"))
            .unwrap()
            .to_owned()
    };
    assert_ne!(id(&mail), id(&again));
}

#[test]
fn no_value_from_a_program_adds_a_line_to_the_head() {
    let mut evil = outgoing(Language::Korean, Purpose::Login);
    evil.machine = "web1\r\nBcc: eve@example.org\r\n\r\nbody".to_owned();
    evil.service = "sshd\r\nBcc: eve@example.org".to_owned();
    evil.rhost = "192.0.2.1\r\nBcc: eve@example.org".to_owned();
    evil.user = "alice\r\nBcc: eve@example.org".to_owned();
    let mail = composed(&evil);
    let (head, _) = mail.split_once("\r\n\r\n").unwrap();
    assert!(!head.contains("\nBcc"), "{head}");
    let names: Vec<_> = head
        .lines()
        .filter(|line| !line.starts_with(' '))
        .map(|line| line.split(':').next().unwrap())
        .collect();
    assert_eq!(names.len(), 9, "{names:?}");
}

/// The mail is read by another parser than Python's, which `tests/behaviour/mail` uses.
#[test]
fn an_independent_parser_reads_the_mail() {
    for language in Language::ALL {
        for purpose in Purpose::ALL {
            let outgoing = outgoing(language, purpose);
            let written = composed(&outgoing);
            let read = mail_parser::MessageParser::default()
                .parse(written.as_bytes())
                .expect("a mail");
            let letter = Letter {
                language,
                user: &outgoing.user,
                machine: &outgoing.machine,
                what_for: match purpose {
                    Purpose::Login => WhatFor::Login {
                        service: "sshd",
                        rhost: "192.0.2.1",
                    },
                    Purpose::Address => WhatFor::Address,
                },
            };
            assert_eq!(read.subject(), Some(letter.subject().as_str()));
            let body = read.body_text(0).expect("a text").replace("\r\n", "\n");
            assert_eq!(body.trim_end(), letter.body("01234567").trim_end());
            let one = |address: Option<&mail_parser::Address<'_>>| {
                let first = address.and_then(mail_parser::Address::first);
                first
                    .and_then(|one| one.address.clone())
                    .map(std::borrow::Cow::into_owned)
            };
            assert_eq!(one(read.from()).as_deref(), Some("otp@example.org"));
            assert_eq!(one(read.to()).as_deref(), Some("alice@example.org"));
            assert!(read.date().is_some());
            assert!(
                read.message_id()
                    .is_some_and(|id| id.ends_with("@example.org"))
            );
            assert_eq!(read.attachment_count(), 0);
        }
    }
}
